"""Files that others wrote, read within bounds: text, JSON and TOML, and what a parser's failure says.

Reads one file at a time; writes nothing. Knows nothing of models or cards. `reading` is the one
place where an exception of a parser becomes one line of ours.
"""

from __future__ import annotations

import json
import re
import struct
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights, LocalfairError, MissingWeights, ModelError
from localfair.machine.bounds import OutOfBounds, must_be_shallow, read_bytes, toml_table
from localfair.machine.files import NotText, decoded, disk_is_full
from localfair.machine.terminal import one_line, shown_in_line

# Bytes of a configuration or an index. Those of the largest models have less than one million.
MOST_JSON = 1 << 24
# Characters of a path that a message quotes.
MOST_QUOTED_PATH = 1000
# what parsers raise for a file that is not what it should be
FAILURES = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    re.error,
    struct.error,
)


class Malformed(Exception):
    """What is wrong with a file, in words for a person."""


@contextmanager
def reading(path: Path, meaning: str, hint: str) -> Iterator[None]:
    """Within it, whatever a parser fails with becomes an error of one line and `hint`.

    meaning: what the file should be, e.g. `a GGUF file`. Raises MissingWeights when the file cannot
    be read, CorruptWeights when it is something else; errors of ours pass through.
    """
    name = shown_path(path)
    try:
        yield
    except LocalfairError:
        raise
    except OSError as error:
        raise MissingWeights(
            f"cannot read {name}: {error.strerror or 'no access'}", hint
        ) from error
    except (Malformed, *FAILURES) as error:
        raise CorruptWeights(f"{name} is not {meaning}: {reason(error)}", hint) from error


@contextmanager
def library_reading(path: Path) -> Iterator[None]:
    """Within it, what a library raises for the files at `path` becomes a ModelError of one line.

    tokenizers and others raise bare exceptions. A lack of memory, of disk or of a package, and our
    own errors, pass through.
    """
    try:
        yield
    except Exception as error:
        is_ours = isinstance(error, LocalfairError | MemoryError | ImportError)
        lacks_memory = (
            type(error).__name__ == "OutOfMemoryError"
        )  # torch's, which is not loaded here
        if is_ours or lacks_memory or disk_is_full(error):
            raise
        lines = str(error).strip().splitlines()
        # what these say is meant for whoever wrote the library
        if not lines or isinstance(error, TypeError | AttributeError | LookupError):
            lines = ["its settings or its weights make no sense"]
        raise ModelError(
            f"{shown_path(path)} cannot be loaded: {one_line(lines[0])}",
            "is it a whole model for text, in the layout of transformers?",
        ) from error


def reason(error: Exception) -> str:
    """What a parser's exception means, in our words where the parser has none for a person."""
    if isinstance(error, Malformed | OutOfBounds | NotText | tomllib.TOMLDecodeError):
        return one_line(str(error))
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, MemoryError):
        return "it is too large"
    if isinstance(error, re.error):
        return f"not a regular expression ({one_line(error.msg)})"
    return "its values make no sense"


def shown_path(path: Path) -> str:
    """A path as one printable line: whoever named the file wrote it."""
    return shown_in_line(path)[:MOST_QUOTED_PATH]


def exists(path: Path) -> bool:
    """Whether there is something at a path; not for a path that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_text(path: Path, most: int) -> str:
    """The text of a file without a byte-order mark. Raises as `read_bytes`, NotText."""
    return decoded(read_bytes(path, most))


def read_json(path: Path, most: int = MOST_JSON) -> dict[str, Any]:
    """The JSON object in a file.

    Raises MissingWeights, CorruptWeights: also for one nested deeper than MOST_DEPTH.
    """
    with reading(path, "readable JSON", "get the file again"):
        return json_object(read_text(path, most))


def json_object(text: str | bytes, *, unique: bool = False) -> dict[str, Any]:
    """The object that a JSON text holds; with `unique` no object in it may hold a key twice.

    Raises Malformed, OutOfBounds, or what `json` raises.
    """
    content = json.loads(text, object_pairs_hook=_unique if unique else None)
    if not isinstance(content, dict):
        raise Malformed("it is not a JSON object")
    must_be_shallow(content)
    return content


def read_toml(path: Path, most: int) -> dict[str, Any]:
    """The table in a TOML file. Raises OSError, OutOfBounds, or what `tomllib` raises."""
    return toml_table(read_text(path, most))


def whole_number(value: object, name: str, most: int, least: int = 0) -> int:
    """A number that counts something, within its bounds.

    Raises Malformed for everything else: a bool, a text, a list, a fraction, a NaN.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{name} is no whole number: {quoted(value)}")
    if not least <= value <= most:
        raise Malformed(f"{name} is {quoted(value)}, it must be {least} to {most}")
    return value


def quoted(value: object) -> str:
    """A value of a file as a message shows it: short, and its type alone where it is large."""
    if isinstance(value, str):
        return f"'{one_line(value, 40)}'"
    if isinstance(value, bool | float | None):
        return str(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() < 128 else "a number of more than 38 digits"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "something else"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise Malformed("an object holds one key twice")
    return content
