"""What every command repeats, said once: `localfair.toml` in the workspace, and `LOCALFAIR_*`.

    db       = "localfair.db"
    student  = "qwen2.5-coder-0.5b-instruct"
    teachers = ["qwen2.5-coder-1.5b-instruct", "tinyllama-1.1b-chat"]
    engine   = "llama_cpp"      # the teachers'
    threads  = 4

An option goes before the environment, which goes before the file. Reads the file and a mapping of
variables; writes nothing. Knows no command.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import UsageError, nearest
from localfair.machine.bounds import read_bytes, toml_table
from localfair.machine.files import as_text

FILE = "localfair.toml"
PREFIX = "LOCALFAIR_"
# name -> what it is, and what holds where nobody says it
KEYS = {
    "db": ("the record", "localfair.db"),
    "student": ("who learns", "the recipe's"),
    "teachers": ("who explains and reviews", "the recipe's"),
    "engine": ("the teachers' engine", "the usual one of each model"),
    "threads": ("of the processor", "one for each core"),
}
MOST_THREADS = 4096
MOST_BYTES = 1 << 20  # of the file
Value = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, its value, and who says it: a variable or the file. None: nobody does."""

    name: str
    value: Value | None
    source: str


def settings(workspace: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Setting]:
    """Every setting by its name.

    Raises UsageError for a file or a variable that holds what no setting can be.
    """
    said: dict[str, Setting] = {}
    file = workspace / FILE
    for name, value in _table(file).items():
        if name not in KEYS:
            raise UsageError(f"{FILE} has an unknown setting {name!r}", nearest(name, KEYS))
        checked = _checked(name, value, FILE)
        said[name] = Setting(name, _placed(name, checked, workspace), FILE)
    for name in KEYS:
        variable = PREFIX + name.upper()
        text = environ.get(variable, "").strip()
        if text:
            said[name] = Setting(name, _checked(name, _read(name, text), variable), variable)
        elif name not in said:
            said[name] = Setting(name, None, "default")
    return {name: said[name] for name in KEYS}


def _table(file: Path) -> dict[str, Any]:
    try:
        return toml_table(as_text(read_bytes(file, MOST_BYTES)))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", "check that you may read it") from None
    except (ValueError, RecursionError) as error:
        problem = " ".join(str(error).split())[:120]
        raise UsageError(
            f"{file} is not TOML ({problem})", 'write lines such as db = "my.db"'
        ) from None


def _read(name: str, text: str) -> object:
    """A variable's text: a number, or names apart by commas or spaces."""
    if name == "threads":
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else text
    if name == "teachers":
        return text.replace(",", " ").split()
    return text


def _checked(name: str, value: object, source: str) -> Value:
    """The value, if it is of the setting's form. Raises UsageError."""
    if name == "threads":
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number and isinstance(value, int) and 1 <= value <= MOST_THREADS:
            return value
        raise UsageError(
            f"{source}: {name} is {value!r}", f"give a number from 1 to {MOST_THREADS}"
        )
    if name == "teachers":
        if isinstance(value, list) and all(isinstance(each, str) and each for each in value):
            return tuple(value)
        raise UsageError(f"{source}: {name} is {value!r}", 'give a list: ["model", "model"]')
    if isinstance(value, str) and value.strip():
        return value
    raise UsageError(f"{source}: {name} is {value!r}", f'give a text: {name} = "..."')


def _placed(name: str, value: Value, workspace: Path) -> Value:
    """A path of the file is one beside the file, wherever the command is given."""
    if name != "db" or not isinstance(value, str):
        return value
    path = Path(value).expanduser()
    if path.is_absolute() or workspace == Path.cwd():
        return str(path)
    return str(workspace / path)
