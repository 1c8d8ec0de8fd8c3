"""Seals: a hash of everything that a row said when it was written, kept beside it.

An id is the hash of what makes a thing what it is; a seal also covers what was then found: a reply,
a grade, a curve, the links of a step. Whoever changes a cell behind the record's back breaks it.
That is for damage and for accidents: who can write the file can also write a seal. Reads and writes
the column `seal`. Knows nothing of what the columns mean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from localfair.record.database import Database

# as `nouns.canonical_json` writes it, with an encoder that is made once
_as_json = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode
SIMPLE = (str, int, type(None))
Cell: TypeAlias = str | int | float | bytes | None  # what SQLite holds
MIGRATED = "migrated:"  # begins the seal of a row that is older than seals
PIECE = 500  # rows that are sealed at a time


@dataclass(frozen=True, slots=True)
class Children:
    """A table whose rows belong to a row of another: the columns of its key that name the parent,
    and those that order them.
    """

    table: str
    parent: tuple[str, ...]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table whose rows are sealed with their children.

    `late` rows change until they have `ended`, and are sealed then.
    """

    key: tuple[str, ...] = ("id",)
    children: tuple[Children, ...] = ()
    late: bool = False


LEARNED = Children("adapter_lessons", ("adapter",), ("position",))
CURVE = Children("curve", ("adapter",), ("step",))
SEATED = Children("run_seats", ("run",), ("seat",))
STEPS = Children("run_steps", ("run",), ("position",))
LINKED = Children("run_rows", ("run", "position"), ("noun", "row"))


TABLES: Mapping[str, Sealed] = {
    "sources": Sealed(),
    "imports": Sealed(),
    "questions": Sealed(),
    "seats": Sealed(),
    "generations": Sealed(),
    "answers": Sealed(),
    "explanations": Sealed(),
    "reviews": Sealed(),
    "verdicts": Sealed(),
    "turns": Sealed(),
    "lessons": Sealed(),
    "soft_labels": Sealed(),
    "adapters": Sealed(children=(LEARNED, CURVE)),
    # a run's steps before the run, whose seal covers theirs
    "run_steps": Sealed(("run", "position"), (LINKED,), late=True),
    "runs": Sealed(children=(SEATED, STEPS), late=True),
    "done_steps": Sealed(("run", "position")),
    "rates": Sealed(),
    "exports": Sealed(),
    "parities": Sealed(),
    "comparisons": Sealed(),
    "failed_calls": Sealed(),
    "fits": Sealed(),
}


def seal_of(row: Mapping[str, Cell], children: Iterable[Sequence[Cell]] = ()) -> str:
    """32 hex digits: blake2b over the columns of a row, but its seal, and over its children's
    columns, each in order.

    Raises ValueError or TypeError for a row with a cell that no localfair wrote.
    """
    digest = hashlib.blake2b(digest_size=16)
    cells = {}
    for name, value in row.items():
        # every reply is sealed: most cells need no look
        cells[name] = value if type(value) in SIMPLE else _plain(value)
    cells.pop("seal", None)
    digest.update(_as_json(cells).encode())
    for child in children:
        digest.update(_as_json([_plain(value) for value in child]).encode())
    return digest.hexdigest()


def _plain(value: Cell) -> object:
    """A cell as JSON has it. SQLite gives a whole number back as the column's type."""
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    if isinstance(value, bytes):
        return {"blob": hashlib.blake2b(value, digest_size=16).hexdigest()}
    return value


def children_of(db: Database, table: str, row: Mapping[str, Cell]) -> Iterator[Sequence[Cell]]:
    """The rows of a row, in the order of their keys, one by one."""
    sealed = TABLES[table]
    key = [row[name] for name in sealed.key]
    for child in sealed.children:
        where = " AND ".join(f'"{name}" = ?' for name in child.parent)
        order = ", ".join(f'"{name}"' for name in child.order)
        for cells in db.execute(f"SELECT * FROM {child.table} WHERE {where} ORDER BY {order}", key):
            yield tuple(cells)


def is_due(table: str, row: Mapping[str, Cell]) -> bool:
    """Whether a row must have a seal by now."""
    return table in TABLES and not (TABLES[table].late and row.get("ended") is None)


class Sealing:
    """Seals rows before they are inserted, and again after they were changed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._defaults: dict[str, dict[str, Cell]] = {}

    def sealed(self, table: str, row: dict[str, Cell]) -> dict[str, Cell]:
        """A row that is to be inserted, with its seal; one of a table without seals as it is."""
        if not is_due(table, row):
            return row
        whole = self._defaults_of(table) | row
        return {**row, "seal": seal_of(whole)}

    def _defaults_of(self, table: str) -> dict[str, Cell]:
        """What the columns of a table hold where an insert leaves them out."""
        if table not in self._defaults:
            values = {}
            for column in self._db.execute(f"PRAGMA main.table_info({table})").fetchall():
                default = column["dflt_value"]
                value = None
                if default is not None:
                    value = self._db.execute(f"SELECT {default}").fetchone()[0]
                values[column["name"]] = value
            self._defaults[table] = values
        return self._defaults[table]

    def seal_again(self, table: str, key: Mapping[str, Cell], *, migrated: bool = False) -> None:
        """Seal a row as it stands in the database, with its children.

        `migrated`: it is older than seals, and stays so.
        """
        where = " AND ".join(f'"{name}" = ?' for name in key)
        values = list(key.values())
        row = self._db.execute(f"SELECT * FROM {table} WHERE {where}", values).fetchone()
        if row is None:
            return
        seal = None
        if is_due(table, dict(row)):
            seal = seal_of(dict(row), children_of(self._db, table, dict(row)))
            if migrated or (row["seal"] or "").startswith(MIGRATED):
                seal = MIGRATED + seal
        self._db.execute(f"UPDATE main.{table} SET seal = ? WHERE {where}", [seal, *values])


def seal_older_rows(db: Database) -> None:
    """Seal every row that has no seal: what they said before this moment nobody can prove.

    The caller holds the transaction.
    """
    sealing = Sealing(db)
    tables = db.table_names()
    for table, sealed in TABLES.items():
        if table not in tables:  # it came later
            continue
        if sealed.key == ("id",):
            _seal_table(db, table)
            continue
        columns = ", ".join(sealed.key)
        for key in db.execute(f"SELECT {columns} FROM {table}").fetchall():
            sealing.seal_again(table, dict(key), migrated=True)


def _seal_table(db: Database, table: str) -> None:
    """Seal the rows of a table, a piece at a time, in the order in which they lie in the file."""
    last = 0
    while True:
        rows = db.execute(
            f"SELECT rowid AS place, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?",
            [last, PIECE],
        ).fetchall()
        if not rows:
            return
        seals = []
        for row in rows:
            cells = dict(row)
            last = cells.pop("place")
            if is_due(table, cells):
                seal = seal_of(cells, children_of(db, table, cells))
                seals.append((MIGRATED + seal, last))
        db.conn.executemany(f"UPDATE {table} SET seal = ? WHERE rowid = ?", seals)
