"""Files that others wrote, read within bounds: regular ones, of a size, TOML that is neither deep
nor many-dotted.

Reads one file at a time; writes nothing. Knows nothing of what a file means.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

# Nested brackets. Real configurations nest five deep; what is read must not exhaust the stack of
# a library that walks through it.
MOST_DEPTH = 64
# Parts of a dotted key in TOML: the parser's time grows with their square.
MOST_DOTS = 32
_DOTTED_KEY = re.compile(
    r"(?<![^\s.=\[\]{},])(?:[^\s.=\[\]{},]+[ \t]*\.[ \t]*){" + str(MOST_DOTS) + "}"
)


class OutOfBounds(ValueError):
    """What a file has too much of, or is instead of a file, in words for a person."""


def must_be_file(path: Path) -> int:
    """The bytes of a regular file. Raises OSError, or OutOfBounds: a pipe would never end."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OutOfBounds("it is no regular file")
    return status.st_size


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a file of at most `most` bytes. Raises OSError, OutOfBounds."""
    size = must_be_file(path)
    if size > most:
        raise OutOfBounds(f"it has {size} bytes, at most {most} are read")
    return path.read_bytes()


def toml_table(text: str) -> dict[str, Any]:
    """The table that a TOML text holds. Raises OutOfBounds, or what `tomllib` raises."""
    if _DOTTED_KEY.search(text):
        raise OutOfBounds(f"a key has more than {MOST_DOTS} parts")
    content = tomllib.loads(text)
    must_be_shallow(content)
    return content


def must_be_shallow(content: dict[str, object] | list[object]) -> None:
    """Raises OutOfBounds for containers that are nested deeper than MOST_DEPTH."""
    layer: list[dict[str, Any] | list[Any]] = [content]
    for _ in range(MOST_DEPTH):
        inside: list[dict[str, Any] | list[Any]] = []
        for container in layer:
            values = container.values() if isinstance(container, dict) else container
            inside.extend(value for value in values if isinstance(value, dict | list))
        if not inside:
            return
        layer = inside
    raise OutOfBounds(f"it is nested more than {MOST_DEPTH} deep")
