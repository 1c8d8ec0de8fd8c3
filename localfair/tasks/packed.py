"""Data files that are not plain text: packed with gzip, Excel's tables, Parquet.

Reads bytes and writes nothing; what is packed is unpacked in memory, within a bound. Excel and
Parquet need the extra `data`, whose libraries load when such a file is read. Knows no benchmark.
"""

from __future__ import annotations

import datetime
import decimal
import gzip
import importlib
import io
import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localfair.errors import BadDataset, MissingDependency
from localfair.tasks.texts import composed

GZIP = b"\x1f\x8b"
MOST_BYTES = 2**30  # of what is unpacked (ours)
MOST_COLUMNS = 10_000  # of a sheet (ours)
PIECE = 1024  # rows of a Parquet file that are read at once
SUFFIXES = (".xlsx", ".parquet")
_WAY_OUT = "get the file again, or write it as .jsonl or .csv"

Record = tuple[int, dict[str, Any]]  # a row's number in its file, and its values by column


def unpacked(path: Path, data: bytes) -> bytes:
    """The bytes that a file packed with gzip holds.

    Raises BadDataset when it is damaged, or too large.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        problem = " ".join(str(error).split())
        raise BadDataset(
            f"{path}: is not whole gzip ({problem})", "get the file again, or unpack it"
        ) from None
    if len(content) > MOST_BYTES:
        raise BadDataset(f"{path}: unpacks to more than 1 GiB", "split it")
    return content


def records(path: Path, data: bytes) -> Iterator[Record]:
    """The rows of an Excel or Parquet file.

    Raises MissingDependency without the library that reads it, BadDataset when it is damaged.
    """
    is_excel = path.suffix.lower() == ".xlsx"
    library = _library("openpyxl" if is_excel else "pyarrow.parquet", path)
    read = _excel_records if is_excel else _parquet_records
    try:
        yield from read(library, path, data)
    except (BadDataset, MemoryError):
        raise
    except Exception as error:  # whatever the libraries raise of a file that is none of theirs
        problem = " ".join(str(error).split())[:120]
        raise BadDataset(f"{path}: cannot be read ({problem})", _WAY_OUT) from None


def _library(name: str, path: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise MissingDependency(
            f"{path.name} needs the package {package!r}",
            "pip install 'localfair[data]', or write it as .jsonl or .csv",
        ) from None


def _excel_records(openpyxl: Any, path: Path, data: bytes) -> Iterator[Record]:
    """The rows of the first sheet that holds any; its first row is the header."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MOST_BYTES:
        raise BadDataset(f"{path}: unpacks to more than 1 GiB", "split it")
    # values only: formulas are not worked out, but Excel has written down what they came to
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for sheet in book.worksheets:
        header: list[str] = []
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            values = [_cell(value) for value in cells[:MOST_COLUMNS]]
            if all(value is None for value in values):
                continue
            if not header:
                header = _header(path, number, values)
                continue
            filled = {}
            for column, value in zip(header, values, strict=False):
                if column and value is not None:
                    filled[column] = value
            yield number, filled
        if header:
            return


def _header(path: Path, number: int, values: list[object]) -> list[str]:
    header = [composed(str(value).strip()) if value is not None else "" for value in values]
    for name in header:
        if name and header.count(name) > 1:
            raise BadDataset(
                f"{path} row {number}: has {header.count(name)} columns called {name!r}",
                "keep one of them, or give them different names",
            )
    return header


def _parquet_records(parquet: Any, path: Path, data: bytes) -> Iterator[Record]:
    file = parquet.ParquetFile(io.BytesIO(data))
    size = sum(
        file.metadata.row_group(group).total_byte_size
        for group in range(file.metadata.num_row_groups)
    )
    if size > MOST_BYTES:
        raise BadDataset(f"{path}: unpacks to more than 1 GiB", "split it")
    number = 0
    for batch in file.iter_batches(batch_size=PIECE):
        for values in batch.to_pylist():
            number += 1
            cells = {composed(name): _cell(value) for name, value in values.items()}
            yield number, {name: value for name, value in cells.items() if value is not None}


def _cell(value: object) -> Any:
    """A value as JSON would have it: what is no text, number, list or object becomes text.

    An empty cell is None.
    """
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, float):
        is_whole = math.isfinite(value) and value == int(value)
        return int(value) if is_whole else value
    if isinstance(value, list):
        return [_cell(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _cell(item) for name, item in value.items()}
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value
