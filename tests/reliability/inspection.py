"""What a record holds, looked at in a copy: the record itself is left as the kill left it.

Reads the database and its log; copies both. Uses localfair to verify alone: what is committed is read
by SQLite.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from localfair.pipeline.reading import verify_record
from tests.reliability.scene import Scene
from tests.reliability.server import keys_in

NOUNS = ("questions", "generations", "answers", "explanations", "reviews", "verdicts")


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What a record holds.

    committed: the keys of requests that it has answers to. ids: of every noun. problems: what
    `db verify` says. statuses: of its runs, in their order.
    """

    committed: frozenset[str]
    ids: dict[str, list[str]]
    problems: list[str]
    statuses: list[str]


NOTHING = Inspected(committed=frozenset(), ids={}, problems=[], statuses=[])


def inspected(scene: Scene) -> Inspected:
    """What the scene's record holds now; nothing where a kill came before the tables."""
    with _copy(scene.db) as copy:
        if not _has_tables(copy):
            return NOTHING
        # a copy that was killed in a migration is migrated here, and the record by its next run
        problems = verify_record(copy).problems
        with closing(sqlite3.connect(copy)) as connection:
            ids = {}
            for noun in NOUNS:
                ids[noun] = _column(connection, f"SELECT id FROM {noun} ORDER BY id")
            texts = _column(connection, "SELECT text FROM generations")
            statuses = _column(connection, "SELECT status FROM runs ORDER BY rowid")
    keys = keys_in(texts) if scene.engine == "http" else set(ids["generations"])
    return Inspected(committed=frozenset(keys), ids=ids, problems=problems, statuses=statuses)


@contextmanager
def _copy(db: Path) -> Iterator[Path]:
    """A copy of a database with its log, in a folder that goes with the block."""
    folder = db.parent / "copy"
    folder.mkdir()
    target = db.resolve()  # SQLite's log lies beside the file that a link names
    try:
        for path in (target, target.with_name(f"{target.name}-wal")):
            if path.exists():
                shutil.copy(path, folder / path.name)
        yield folder / target.name
    finally:
        shutil.rmtree(folder)


def _has_tables(db: Path) -> bool:
    if not db.exists():
        return False
    with closing(sqlite3.connect(db)) as connection:
        return bool(_column(connection, "SELECT name FROM sqlite_schema WHERE name = 'runs'"))


def _column(connection: sqlite3.Connection, sql: str) -> list[str]:
    return [row[0] for row in connection.execute(sql)]
