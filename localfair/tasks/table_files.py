"""The files of a table: which there are at the paths a user gives, what split each is, their rows.

Reads files and writes none. A name that says train, dev or test says which published split a file
is. Knows nothing of questions. Ours.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from localfair.errors import BadDataset
from localfair.tasks.base import Source
from localfair.tasks.files import TAB_SUFFIXES, Row, csv_rows, json_rows, open_file
from localfair.tasks.packed import SUFFIXES as PACKED_SUFFIXES
from localfair.tasks.packed import records
from localfair.tasks.splits import Part

# What a split column may say, and a file's name.
PARTS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
}
_PARTS_OF_NAMES = PARTS | {"val": "dev", "eval": "dev", "testing": "test"}
_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_CSV_SUFFIXES = (".csv", *TAB_SUFFIXES)
_GZ = ".gz"


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file, and the published split that its name says it is; None where it says none."""

    path: Path
    part: Part | None


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The files to read, what is said of others, and of a split that no column says."""

    files: tuple[TableFile, ...]
    warnings: tuple[str, ...] = ()
    split_told: tuple[str, ...] = ()


def files_at(paths: Sequence[Path], hint: str) -> TableFiles:
    """The files at some paths: files, or one folder of them.

    Files of several splits keep these. Of a folder only those are read whose names say a split,
    or its single one. Raises BadDataset when several files say no split.
    """
    is_folder = len(paths) == 1 and paths[0].is_dir()
    left_out: list[Path] = []
    files = [TableFile(path, part_of(path)) for path in paths]
    if is_folder:
        inside = [TableFile(path, part_of(path)) for path in _data_files(paths[0])]
        files = [file for file in inside if file.part is not None] or inside
        left_out = [file.path for file in inside if file not in files]
    if not files:
        raise BadDataset(f"{paths[0]}: holds no data files", hint)
    silent = [file.path.name for file in files if file.part is None]
    if len(files) > 1 and silent:
        raise BadDataset(
            f"{', '.join(silent[:5])}: the name does not say whether it is train, dev or test",
            "call the files train, dev and test, or import one file with a split column",
        )
    warnings = [f"{path.name} was not read: its name says no split" for path in left_out]
    if not is_folder:
        warnings += _beside(files)
    parts = {file.part for file in files}
    if "train" not in parts:
        told = [f"{f.path.name} is the {f.part} split, as its name says" for f in files if f.part]
        return TableFiles(tuple(files), tuple(warnings), tuple(told))
    if "test" in parts:
        return TableFiles(tuple(files), tuple(warnings))
    # there is no published test: train is split, and that is said
    split = [TableFile(f.path, "all" if f.part == "train" else f.part) for f in files]
    told = ["no file is a test split: 3 in 10 questions of train are taken for test"]
    return TableFiles(tuple(split), tuple(warnings), tuple(told))


def part_of(path: Path) -> Part | None:
    """The split that a file's name says, None where it says none or more than one."""
    words = re.split(r"[^a-z]+", path.name.lower())
    parts = {_PARTS_OF_NAMES[word] for word in words if word in _PARTS_OF_NAMES}
    return parts.pop() if len(parts) == 1 else None


def rows_of(path: Path, hint: str, *, keep_faulty: bool) -> tuple[list[Row], Source]:
    """The rows of a file of any form that is read, and what identifies the file.

    `keep_faulty` gives rows that cannot be read with their problem; else they are refused.
    """
    suffix = _suffix(path)
    if suffix in PACKED_SUFFIXES and path.suffix.lower() != _GZ:
        return _packed_rows(path, hint)
    file = open_file(path, hint)
    if suffix in _CSV_SUFFIXES:
        separator = "\t" if suffix in TAB_SUFFIXES else ""
        return list(csv_rows(file, hint, separator, keep_faulty=keep_faulty)), file.source
    begins_like_json = file.text.lstrip()[0] in "[{"
    if suffix not in _JSON_SUFFIXES and not begins_like_json:
        raise BadDataset(
            f"{path} line 1: is not JSON, and the file's name does not end in .csv", hint
        )
    return list(json_rows(file, hint, keep_faulty=keep_faulty)), file.source


def _packed_rows(path: Path, hint: str) -> tuple[list[Row], Source]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadDataset(f"{path}: {error.strerror or error}", hint) from None
    source = Source(path.name, hashlib.sha256(data).hexdigest(), len(data))
    rows = []
    for number, values in records(path, data):
        rows.append(Row(f"{path} row {number}", values, hint, number))
    return rows, source


def _suffix(path: Path) -> str:
    """What a file's name ends in, without `.gz`."""
    name = path.with_suffix("") if path.suffix.lower() == _GZ else path
    return name.suffix.lower()


def _data_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        suffixes = (*_JSON_SUFFIXES, *_CSV_SUFFIXES, *PACKED_SUFFIXES)
        if path.is_file() and _suffix(path) in suffixes and not path.name.startswith("."):
            yield path


def _beside(files: Sequence[TableFile]) -> Iterator[str]:
    """A warning for each file beside those read that says another split."""
    read = {file.part for file in files}
    folders = {file.path.parent for file in files}
    for folder in sorted(folders):
        for path in _data_files(folder):
            part = part_of(path)
            if read - {None} and part is not None and part not in read:
                yield f"{path.name} beside it was not read: give the folder to keep its split"
