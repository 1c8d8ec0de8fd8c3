"""Cells that hold what localfair never writes there, though their seal is right.

Whoever writes into a record can seal it anew, so a seal says nothing of what a cell may hold: its
type, JSON of a kind, a number that is one, a time. Reads every row; writes nothing. It is asked when
something else could not be read, to tell a strange record from a fault of ours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from localfair.machine.terminal import one_line
from localfair.record.licences import terms_of_settings
from localfair.record.sealing import TABLES, Cell
from localfair.record.store import Row, Store
from localfair.record.tables import (
    ADAPTERS,
    ANSWERS,
    EXPLANATIONS,
    LESSONS,
    QUESTIONS,
    REPLIES,
    REVIEWS,
    SEATS,
    TURNS,
    VERDICTS,
)
from localfair.record.verify import ODD_CELLS

STORED: Mapping[str, tuple[type, ...]] = {
    "TEXT": (str,),
    "INTEGER": (int,),
    "REAL": (int, float),
    "BLOB": (bytes,),
}
LARGEST = 1 << 53  # the largest whole number that every program reads alike
# columns that hold JSON -> what it is
JSON: Mapping[tuple[str, str], type] = {
    ("runs", "effective"): dict,
    ("runs", "settings"): dict,
    ("runs", "versions"): dict,
    ("run_steps", "outcome"): dict,
    ("adapters", "settings"): dict,
    ("adapters", "epochs"): list,
    ("questions", "choices"): list,
    ("comparisons", "asked"): dict,
    ("comparisons", "found"): dict,
}
READ: Mapping[str, Callable[[Row], object]] = {
    table.name: table.of_row
    for table in (
        QUESTIONS,
        SEATS,
        REPLIES,
        ANSWERS,
        EXPLANATIONS,
        REVIEWS,
        VERDICTS,
        LESSONS,
        TURNS,
        ADAPTERS,
    )
}
LONGEST = 300  # characters of a problem
TIMES = ("started", "ended", "created", "imported")
SIGNED = (
    "score",
    "mean",
    "weight",
    "seed",
    "run_seed",
    "intercept",
    "threshold",
    "teacher",
    "loss",
)
STATUSES = ("running", "done", "interrupted", "failed")
ALWAYS = (
    "student",
    "teachers",
    "reviewers",
    "mentor",
    "engine",
    "precision",
    "train_limit",
    "test_limit",
)
NAMES = ("student", "mentor", "engine", "student_engine", "precision", "date")
LISTS = ("teachers", "reviewers")


def odd_cells(store: Store) -> Iterator[str]:
    """Each cell that holds something else than localfair writes there, in words."""
    tables = [*TABLES]
    for sealed in TABLES.values():
        tables += [child.table for child in sealed.children if child.table not in TABLES]
    for table in dict.fromkeys(tables):
        columns = store.rows(f"PRAGMA main.table_info({table})")
        key = [column["name"] for column in columns if column["pk"]]
        for row in store.db.execute(f"SELECT * FROM {table}"):
            cells = dict(row)
            name = f"{table} {' '.join(str(cells[each]) for each in key)}"
            for column in columns:
                problem = _problem(table, column, cells[column["name"]])
                if problem:
                    yield f"{name}: {column['name']} {problem}"
            problem = _unread(table, cells)
            if problem:
                yield f"{name}: {problem}"
            if table == "runs":
                yield from (f"{name}: {problem}" for problem in _odd_settings(cells))


def _unread(table: str, row: Row) -> str | None:
    """Why a row cannot be read as what it is, or None."""
    if table not in READ:
        return None
    try:
        READ[table](row)
    except ODD_CELLS as error:
        return one_line(f"cannot be read: {type(error).__name__}: {error}", LONGEST)
    return None


def _problem(table: str, column: Row, cell: Cell) -> str | None:
    """What is odd about a cell, or None."""
    name = column["name"]
    if cell is None:
        return "is empty" if column["notnull"] else None
    if not isinstance(cell, STORED[column["type"]]):
        return f"is a {type(cell).__name__} in a column of {column['type']}"
    if isinstance(cell, int | float):
        return _odd_number(name, cell)
    if name in TIMES and isinstance(cell, str):
        return _odd_time(cell)
    expected = JSON.get((table, name))
    if expected is not None and isinstance(cell, str):
        return _odd_json(cell, expected)
    if table == "runs" and name == "status" and cell not in STATUSES:
        return "is none of a run's"
    return None


def _odd_number(name: str, number: float) -> str | None:
    if not math.isfinite(number):
        return "is no finite number"
    if name in ("seed", "run_seed"):
        return None
    if abs(number) > LARGEST:
        return "is a number without measure"
    if number < 0 and name not in SIGNED:
        return "is less than nothing"
    return None


def _odd_time(text: str) -> str | None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return "is no time"
    return None


def _odd_json(text: str, expected: type) -> str | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "is no JSON"
    if not isinstance(value, expected):
        return "is JSON of another kind"
    return None


def _odd_settings(run: Row) -> Iterator[str]:
    """What the settings of a run hold that its command line cannot have said."""
    try:
        settings: dict[str, Any] = json.loads(run["settings"])
        terms_of_settings(settings)
    except (ValueError, TypeError, AttributeError, RecursionError):
        yield "settings hold no terms of models"
        return
    for name in ALWAYS:
        if name not in settings:
            yield f"settings.{name} is missing"
    for name in NAMES:
        if not isinstance(settings.get(name), str | None):
            yield f"settings.{name} is no text"
    for name in LISTS:
        value = settings.get(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            yield f"settings.{name} is no list of texts"
    for name in ("train_limit", "test_limit"):
        limit = settings.get(name)
        if limit is not None and (not isinstance(limit, int) or not 0 < limit <= LARGEST):
            yield f"settings.{name} is no count"
    for name in ("student", "precision"):
        if name in settings and not settings[name]:
            yield f"settings.{name} is empty"
    if settings.get("date"):
        problem = _odd_time(str(settings["date"]))
        if problem:
            yield f"settings.date {problem}"
