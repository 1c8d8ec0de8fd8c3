"""A CSV file as checked rows.

Reads text that was opened before and writes nothing. Whatever the text holds, the only error that
leaves here is `BadDataset`, and it names the line on which the faulty row begins. Knows no
benchmark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from localfair.errors import BadDataset
from localfair.tasks.files import File, Row, composed

_LONGEST_CELL = 2**31 - 1  # characters; the most that Python's reader takes on every system
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_JSON_HINT = "give it a name that ends in .jsonl or .json"


def csv_rows(file: File, hint: str) -> Iterator[Row]:
    """Rows of a CSV with a header line, each a dict of texts; empty cells are left out."""
    if file.text.lstrip()[0] in "{[":
        raise BadDataset(f"{file.path} line 1: is JSON and not CSV", _JSON_HINT)
    records = _records(file, hint)
    header_line, header = next(records)
    columns = _columns(f"{file.path} line {header_line}", header, hint)
    for line, cells in records:
        where = f"{file.path} line {line}"
        _check_count(where, columns, cells, hint)
        filled = {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
        yield Row(where, filled, hint, line, columns)


def _records(file: File, hint: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that holds something, with the line on which it begins."""
    reader = csv.reader(io.StringIO(file.text, newline=""), strict=True, skipinitialspace=True)
    while True:
        line = reader.line_num + 1
        cells = _next(reader, f"{file.path} line {line}", hint)
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


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
    if len(columns) == 1:
        for separator, what in _SEPARATORS.items():
            if separator in columns[0]:
                raise BadDataset(
                    f"{where}: the cells stand apart by {what}, and must by commas", hint
                )
    return columns


def _check_count(where: str, columns: tuple[str, ...], cells: list[str], hint: str) -> None:
    """Raises BadDataset when a row has more or fewer cells than the header."""
    if len(cells) > len(columns):
        raise BadDataset(
            f"{where}: has more cells than the header ({len(cells)} and {len(columns)})",
            f"put a cell that holds a comma in quotation marks; {hint}",
        )
    if len(cells) < len(columns):
        raise BadDataset(
            f"{where}: has fewer cells than the header ({len(cells)} and {len(columns)})", hint
        )
