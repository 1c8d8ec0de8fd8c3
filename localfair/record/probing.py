"""What `localfair doctor` asks SQLite: of a trial database, and of a record whose rows it leaves alone.

Reads a record without a lock, and writes the trial database alone. Raises sqlite3.DatabaseError
where SQLite cannot work or the file is none of its own.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from localfair.record.connection import exists, reading_uri

Told = TypeVar("Told")


def two_connections(uri: str, other: Callable[[], Told]) -> tuple[str, Told, Told]:
    """The journal's mode of a new database, and what another process tells of it during a
    transaction and after it.
    """
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=1)
    with contextlib.closing(connection):
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        connection.execute("CREATE TABLE trial (number INTEGER)")
        connection.execute("INSERT INTO trial VALUES (1)")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO trial VALUES (2)")
        during = other()
        connection.execute("COMMIT")
        after = other()
    return mode, during, after


def application_and_version(path: Path) -> tuple[int, int]:
    """Whose database it is, and of which schema."""
    with _reading(path) as connection:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return application, version


def newest_time(path: Path) -> datetime | None:
    """When the newest migration or run of a record began; None where nothing tells."""
    if not exists(path):
        return None
    query = (
        "SELECT max(time) FROM (SELECT max(applied) AS time FROM migrations"
        " UNION ALL SELECT max(started) FROM runs)"
    )
    try:
        with _reading(path) as connection:
            (text,) = connection.execute(query).fetchone()
        time = datetime.fromisoformat(text)
    except (sqlite3.DatabaseError, TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(reading_uri(path), uri=True, timeout=5)) as connection:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        yield connection
