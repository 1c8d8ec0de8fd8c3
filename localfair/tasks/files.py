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
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localfair.errors import BadDataset
from localfair.machine.bounds import OutOfBounds, must_be_file
from localfair.machine.files import NotText, decoded
from localfair.tasks.base import Source
from localfair.tasks.forms import form_of
from localfair.tasks.packed import GZIP, unpacked
from localfair.tasks.texts import composed

MOST_CHOICES = 26  # one for each letter
_LONGEST_CELL = 2**31 - 1  # characters; the most that Python's reader takes on every system
TAB_SUFFIXES = (".tsv", ".tab")


class WrittenNumber(float):
    """A JSON number with a point or an exponent, and the digits that the file has for it."""

    written: str

    def __new__(cls, written: str) -> WrittenNumber:
        """The float nearest to what is written."""
        number = super().__new__(cls, written)
        number.written = written
        return number


@dataclass(frozen=True, slots=True)
class Row:
    """One parsed item and where it stands; its getters raise BadDataset naming that place.

    `number` is the line or the item that `where` names. `columns` are the names in the header of a
    CSV; a row of anything else has its own names. `problem` is why the row holds nothing, where the
    caller wanted faulty rows too.
    """

    where: str
    value: Any
    hint: str
    number: int = 0
    columns: tuple[str, ...] = ()
    problem: str = ""

    def bad(self, problem: str) -> BadDataset:
        """The error to raise for this row."""
        return BadDataset(f"{self.where}: {problem}", self.hint)

    def has(self, name: str) -> bool:
        """Whether the row is an object with that name in it."""
        return isinstance(self.value, dict) and composed(name) in self.value

    def get(self, name: str) -> Any:
        """The value of that name."""
        if not isinstance(self.value, dict):
            raise self.bad("is not a JSON object")
        name = composed(name)
        if name not in self.value:
            raise self.bad(f"has no {name!r}{self._instead(name)}")
        return self.value[name]

    def _instead(self, name: str) -> str:
        """The names that there are, for whoever looked for another."""
        if name in self.columns:
            return ": the cell is empty"
        names = [str(known) for known in self.columns or self.value]
        if len(names) == 1:
            return f"; its only column is {names[0][:60]!r}"
        return f"; its columns are {', '.join(repr(known[:40]) for known in names[:20])}"

    def optional(self, name: str) -> Any:
        """The value of that name, or None when there is none."""
        return self.get(name) if self.has(name) else None

    def inner(self, name: str) -> Row:
        """The value of that name as a row of its own."""
        return Row(self.where, self.get(name), self.hint, self.number)

    def text(self, name: str) -> str:
        """A string with something in it, without surrounding space."""
        value = self.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.bad(f"{name!r} must be a text that is not empty")
        return self.checked(value.strip())

    def scalar(self, name: str) -> str:
        """A string, number or true/false as text; a number in the digits that the file has."""
        value = self.get(name)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, WrittenNumber):
            return value.written
        if isinstance(value, int | float) and math.isfinite(value):
            return str(value)
        if isinstance(value, list | dict):
            form = "a list" if isinstance(value, list) else "an object"
            raise self.bad(f"{name!r} must be one text or number, and is {form}")
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
        """The text, if it can be stored (JSON can spell half a surrogate pair, and NUL)."""
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self.bad("holds a character that is not valid Unicode") from None
        if "\0" in text:
            raise self.bad("holds a NUL character")
        return text


@dataclass(frozen=True, slots=True)
class File:
    """A file read whole: its text and what identifies it.

    `faults` are what its reader left out.
    """

    path: Path
    text: str
    source: Source
    faults: list[BadDataset] = field(default_factory=list, compare=False)


def open_file(path: Path, hint: str, reads: Collection[str] = ()) -> File:
    """Read a UTF-8 file whole; one packed with gzip is unpacked.

    `reads` are suffixes that the caller knows how to read.

    Raises BadDataset when it cannot be read, is empty or is no text.
    """
    try:
        must_be_file(path)
        data = path.read_bytes()
    except OSError as error:
        raise BadDataset(f"{path}: {error.strerror or error}", hint) from None
    except OutOfBounds as error:
        raise BadDataset(f"{path}: {error}", "write it to a file first") from None
    source = Source(path.name, hashlib.sha256(data).hexdigest(), len(data))
    inner = path
    if data.startswith(GZIP):
        data = unpacked(path, data)
        inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    form = form_of(inner, data)
    if form and inner.suffix.lower() not in reads:
        what, remedy = form
        raise BadDataset(f"{path}: is {what}, and such files are not read", remedy)
    try:
        text = decoded(data)
    except NotText as error:
        raise BadDataset(f"{path} {error}", "save it as UTF-8") from None
    if not text.strip():
        raise BadDataset(f"{path} line 1: the file is empty", hint)
    return File(path, text, source)


def json_rows(
    file: File, hint: str, under: str = "", *, keep_faulty: bool = False
) -> Iterator[Row]:
    """Rows of a JSON array (`under` names the key it stands under, if any) or of JSON lines.

    `keep_faulty` gives a line that is no JSON as a row with its problem; else it is refused.
    """
    array_opens_with = "{" if under else "["
    if file.text.lstrip()[0] == array_opens_with:
        yield from _array_rows(file, hint, under)
    elif under:
        raise BadDataset(f"{file.path} line 1: is not a JSON object with {under!r}", hint)
    else:
        yield from _line_rows(file, hint, keep_faulty)


def _array_rows(file: File, hint: str, under: str) -> Iterator[Row]:
    items = parse_json(file.text, str(file.path), hint)
    if under:
        items = Row(str(file.path), items, hint).get(under)
    if not isinstance(items, list):
        raise BadDataset(f"{file.path}: {under!r} is not a list", hint)
    for number, item in enumerate(items, 1):
        yield Row(f"{file.path} item {number}", item, hint, number)


def _line_rows(file: File, hint: str, keep_faulty: bool) -> Iterator[Row]:
    # not splitlines(): JSON may hold U+2028 and its like inside a string
    for number, line in enumerate(file.text.split("\n"), 1):
        # files that were put together keep the byte-order mark of each
        line = line.strip().strip("\ufeff")
        if line:
            where = f"{file.path} line {number}"
            try:
                yield Row(where, parse_json(line, where, hint), hint, number)
            except BadDataset as error:
                if not keep_faulty:
                    raise
                problem = error.message.removeprefix(f"{where}: ")
                yield Row(where, None, hint, number, problem=problem)


def parse_json(text: str, where: str, hint: str) -> Any:
    """JSON, or BadDataset that adds the line inside `text` when it has several.

    Numbers keep their digits. A name that stands twice in an object is refused.
    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in pairs:
            if composed(name) in values:
                raise BadDataset(f"{where}: has {name!r} twice", "keep one of the two")
            values[composed(name)] = value
        return values

    try:
        return json.loads(text, parse_float=WrittenNumber, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        line = f" line {error.lineno}" if "\n" in text.strip() else ""
        raise BadDataset(
            f"{where}{line}: is not JSON ({error.msg}, column {error.colno})", hint
        ) from None
    except (ValueError, RecursionError):
        raise BadDataset(f"{where}: holds a number or nesting too large to read", hint) from None


def csv_rows(
    file: File, hint: str, separator: str = "", *, keep_faulty: bool = False
) -> Iterator[Row]:
    """Rows of a CSV with a header line, each a dict of texts; empty cells are left out.

    The cells stand apart by `separator`, which the header shows when it is left out. `keep_faulty`
    gives a row with more or fewer cells than the header with its problem; else it is refused.
    """
    if file.text.lstrip()[0] in "{[":
        raise BadDataset(
            f"{file.path} line 1: is JSON and not CSV",
            "give it a name that ends in .jsonl or .json",
        )
    separator = separator or _separator(file, hint)
    records = _records(file, hint, separator)
    header_line, header = next(records, (1, []))
    columns = _columns(f"{file.path} line {header_line}", header, hint)
    for line, cells in records:
        where = f"{file.path} line {line}"
        error = _wrong_count(where, columns, cells, hint)
        if error is not None and not keep_faulty:
            raise error
        if error is not None:
            problem = error.message.removeprefix(f"{where}: ")
            yield Row(where, None, hint, line, columns, problem)
            continue
        filled = {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
        yield Row(where, filled, hint, line, columns)


def _separator(file: File, hint: str) -> str:
    """What parts the header into most cells: a comma, unless semicolons or tabs part it further.

    Raises BadDataset for a header that only bars part: they part choices.
    """
    if file.path.suffixes[:1] and file.path.suffixes[0].lower() in TAB_SUFFIXES:
        return "\t"
    counts = {}
    for separator in (",", ";", "\t", "|"):
        try:
            _, header = next(_records(file, hint, separator), (1, []))
        except BadDataset:  # a quoted cell ends before another separator
            header = []
        counts[separator] = len(header)
    commonest = max(counts, key=counts.__getitem__)  # of equal ones the first
    if commonest == "|":
        raise BadDataset(
            f"{file.path} line 1: the cells stand apart by bars, and must by commas, semicolons or tabs",
            hint,
        )
    return commonest


def _records(file: File, hint: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that holds something, with the line on which it ends."""
    reader = csv.reader(
        io.StringIO(file.text, newline=""),
        strict=True,
        skipinitialspace=separator != "\t",
        delimiter=separator,
    )
    while True:
        # a record that is no CSV may end anywhere: it is named by where it begins
        cells = _next(reader, f"{file.path} line {reader.line_num + 1}", hint)
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def _next(reader: Iterator[list[str]], where: str, hint: str) -> list[str] | None:
    """The next record, or None at the end. Raises BadDataset when it is no CSV."""
    # the limit belongs to the whole process: others find it as they left it
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        return next(reader, None)
    except csv.Error as error:
        raise BadDataset(f"{where}: is not CSV ({_in_words(error)})", hint) from None
    finally:
        csv.field_size_limit(limit)


def _in_words(error: csv.Error) -> str:
    problem = str(error)
    if "unexpected end of data" in problem:
        return "a quotation mark that opens in this row is never closed"
    if "expected after" in problem:
        return "text follows a closing quotation mark; one inside a cell is written twice"
    return problem


def _columns(where: str, header: list[str], hint: str) -> tuple[str, ...]:
    """The names of the columns, without the space around them. Raises BadDataset for a repeat."""
    columns = tuple(composed(name.strip()) for name in header)
    for name in columns:
        if name and columns.count(name) > 1:
            raise BadDataset(
                f"{where}: has {columns.count(name)} columns called {name!r}",
                "keep one of them, or give them different names",
            )
    return columns


def _wrong_count(
    where: str, columns: tuple[str, ...], cells: list[str], hint: str
) -> BadDataset | None:
    """The error of a row that has more or fewer cells than the header."""
    if len(cells) > len(columns):
        return BadDataset(
            f"{where}: has more cells than the header ({len(cells)} and {len(columns)})",
            f"put a cell that holds a comma in quotation marks; {hint}",
        )
    if len(cells) < len(columns):
        return BadDataset(
            f"{where}: has fewer cells than the header ({len(cells)} and {len(columns)})", hint
        )
    return None
