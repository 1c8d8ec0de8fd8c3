"""Opening the record: pragmas, migrations, one writer.

Reads and writes the SQLite file and its `-writer` lock. Knows nothing of what the rows mean.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sqlite_utils import Database

from localfair.errors import DatabaseBusy, NewerDatabase, NoDatabase, StoreError
from localfair.record.schema import APPLICATION_ID, MIGRATIONS, VERSION


def now() -> str:
    """UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def exists(path: Path) -> bool:
    """Whether there is a database at `path`: a file of no bytes is none yet."""
    return path.exists() and not (path.is_file() and path.stat().st_size == 0)


def connect(path: Path, *, create: bool) -> Database:
    """The database at `path`, migrated to this version.

    Raises NoDatabase, NewerDatabase, or StoreError for a file that is not a localfair database.
    """
    if not create and not exists(path):
        raise NoDatabase(
            f"there is no database at {path}",
            "`localfair run` makes one; or name it with --db FILE",
        )
    if not path.parent.is_dir():
        raise StoreError(
            f"the folder of the database does not exist: {path.parent}",
            "make it, or choose another --db",
        )
    try:
        return _open(path)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CANTOPEN:
            raise
        raise StoreError(
            f"cannot open {path} ({error})", "choose a --db FILE that you may write to"
        ) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path} is not a localfair database ({error})", "choose another --db FILE"
        ) from error


def _open(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=30)
    connection.row_factory = sqlite3.Row
    db = Database(connection)
    _check_ours(db, path)
    mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        print(
            f"warning: {path} cannot use WAL here ({mode}); expect slower writes", file=sys.stderr
        )
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        db.execute(f"PRAGMA {pragma}")
    migrate(db)
    return db


def _check_ours(db: Database, path: Path) -> None:
    ours = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if ours not in (0, APPLICATION_ID) or (ours == 0 and db.table_names()):
        raise StoreError(f"{path} is some other program's database", "choose another --db FILE")
    if version > VERSION:
        raise NewerDatabase(
            f"{path} was written by a newer localfair (schema {version}, this one knows {VERSION})",
            "upgrade localfair, or choose another --db FILE",
        )


def migrate(db: Database) -> None:
    """Apply what is missing; each migration and its own record are one transaction."""
    while (version := db.execute("PRAGMA user_version").fetchone()[0]) < VERSION:
        reason, script = MIGRATIONS[version]
        db.execute("BEGIN IMMEDIATE")
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] == version:
                for statement in _statements(script):
                    db.execute(statement)
                _record_migration(db, version + 1, reason)
            db.execute("COMMIT")
        except BaseException:
            db.conn.rollback()
            raise


def _record_migration(db: Database, version: int, reason: str) -> None:
    db.execute("INSERT INTO migrations VALUES (?, ?, ?)", [version, reason, now()])
    if version == 1:
        db.execute("INSERT INTO secrets VALUES ('fence', ?)", [secrets.token_bytes(32)])
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute(f"PRAGMA user_version={version}")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the write lock of the database; the kernel lets go of it however this process ends."""
    with Path(f"{path}-writer").open("a+") as handle:
        _lock(handle, path)
        yield


def _lock(handle: IO[str], path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        raise DatabaseBusy(
            f"{path} is being written by another localfair (process {holder})",
            "wait for it, or use another --db FILE",
        ) from error
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
