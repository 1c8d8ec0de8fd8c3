"""Data files as checked rows: JSON arrays, JSON lines, CSV and plain lines.

Reads files and writes none. Whatever a file holds, the only error that leaves here is
`BadDataset`, and it names the file and the line or item. Knows no benchmark.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import BadDataset
from localfair.tasks.base import Source

MOST_CHOICES = 26  # one for each letter


@dataclass(frozen=True, slots=True)
class Row:
    """One parsed item and where it stands; its getters raise BadDataset naming that place."""

    where: str
    value: Any
    hint: str

    def bad(self, problem: str) -> BadDataset:
        """The error to raise for this row."""
        return BadDataset(f"{self.where}: {problem}", self.hint)

    def has(self, name: str) -> bool:
        """Whether the row is an object with that name in it."""
        return isinstance(self.value, dict) and name in self.value

    def get(self, name: str) -> Any:
        """The value of that name."""
        if not isinstance(self.value, dict):
            raise self.bad("is not a JSON object")
        if name not in self.value:
            raise self.bad(f"has no {name!r}")
        return self.value[name]

    def optional(self, name: str) -> Any:
        """The value of that name, or None when there is none."""
        return self.get(name) if self.has(name) else None

    def inner(self, name: str) -> Row:
        """The value of that name as a row of its own."""
        return Row(self.where, self.get(name), self.hint)

    def text(self, name: str) -> str:
        """A string with something in it, without surrounding space."""
        value = self.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.bad(f"{name!r} must be a text that is not empty")
        return self.checked(value.strip())

    def scalar(self, name: str) -> str:
        """A string, number or true/false as text."""
        value = self.get(name)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float) and math.isfinite(value):
            return str(value)
        return self.text(name)

    def texts(self, name: str) -> list[str]:
        """A list of 2 to 26 texts."""
        values = self.get(name)
        if not isinstance(values, list) or not 2 <= len(values) <= MOST_CHOICES:
            raise self.bad(f"{name!r} must be a list of 2 to {MOST_CHOICES} texts")
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise self.bad(f"{name!r} holds something that is not a text")
        return [self.checked(value.strip()) for value in values]

    def checked(self, text: str) -> str:
        """The text, if it can be stored as UTF-8 (JSON can spell half a surrogate pair)."""
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self.bad("holds a character that is not valid Unicode") from None
        return text


@dataclass(frozen=True, slots=True)
class File:
    """A file read whole: its text and what identifies it."""

    path: Path
    text: str
    source: Source


def open_file(path: Path, hint: str) -> File:
    """Read a UTF-8 file whole. Raises BadDataset when it cannot be read, is empty or is no text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadDataset(f"{path}: {error.strerror or error}", hint) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadDataset(f"{path} line {line}: is not UTF-8 text", hint) from None
    if not text.strip():
        raise BadDataset(f"{path} line 1: the file is empty", hint)
    source = Source(path.name, hashlib.sha256(data).hexdigest(), len(data))
    return File(path, text, source)


def json_rows(file: File, hint: str, under: str = "") -> Iterator[Row]:
    """Rows of a JSON array (`under` names the key it stands under, if any) or of JSON lines."""
    array_opens_with = "{" if under else "["
    if file.text.lstrip()[0] == array_opens_with:
        yield from _array_rows(file, hint, under)
    elif under:
        raise BadDataset(f"{file.path} line 1: is not a JSON object with {under!r}", hint)
    else:
        yield from _line_rows(file, hint)


def _array_rows(file: File, hint: str, under: str) -> Iterator[Row]:
    items = parse_json(file.text, str(file.path), hint)
    if under:
        items = Row(str(file.path), items, hint).get(under)
    if not isinstance(items, list):
        raise BadDataset(f"{file.path}: {under!r} is not a list", hint)
    for number, item in enumerate(items, 1):
        yield Row(f"{file.path} item {number}", item, hint)


def _line_rows(file: File, hint: str) -> Iterator[Row]:
    # not splitlines(): JSON may hold U+2028 and its like inside a string
    for number, line in enumerate(file.text.split("\n"), 1):
        if line.strip():
            where = f"{file.path} line {number}"
            yield Row(where, parse_json(line, where, hint), hint)


def parse_json(text: str, where: str, hint: str) -> Any:
    """JSON, or BadDataset that adds the line inside `text` when it has several."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f" line {error.lineno}" if "\n" in text.strip() else ""
        raise BadDataset(
            f"{where}{line}: is not JSON ({error.msg}, column {error.colno})", hint
        ) from None
    except (ValueError, RecursionError):
        raise BadDataset(f"{where}: holds a number or nesting too large to read", hint) from None


def csv_rows(file: File, hint: str) -> Iterator[Row]:
    """Rows of a CSV with a header line, each a dict of texts; empty cells are left out."""
    reader = csv.DictReader(io.StringIO(file.text, newline=""), strict=True)
    try:
        for cells in reader:
            where = f"{file.path} line {reader.line_num}"
            # DictReader keeps the cells that no header names under None
            if None in cells:
                raise BadDataset(f"{where}: has more cells than the header", hint)
            filled = {column: cell for column, cell in cells.items() if cell}
            yield Row(where, filled, hint)
    except csv.Error as error:
        raise BadDataset(
            f"{file.path} line {reader.line_num}: is not CSV ({error})", hint
        ) from None
