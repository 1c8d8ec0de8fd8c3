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
from typing import IO, Any

from sqlite_utils import Database

from localfair.errors import DatabaseBusy, NewerDatabase, NoDatabase, StoreError
from localfair.record.schema import APPLICATION_ID, MIGRATIONS, SEALED_SINCE, VERSION
from localfair.record.sealing import seal_older_rows

SETTINGS = (
    "synchronous=FULL",  # what was committed survives a power cut
    "foreign_keys=ON",
    "busy_timeout=30000",  # milliseconds
)


def now() -> str:
    """UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def exists(path: Path) -> bool:
    """Whether there is a database at `path`. A file of no bytes is none yet."""
    is_empty = path.is_file() and path.stat().st_size == 0
    return path.exists() and not is_empty


def connect(path: Path, *, create: bool) -> Database:
    """The database at `path`, opened and migrated to this version.

    Raises NoDatabase when there is none and `create` is false, NewerDatabase when a later localfair
    wrote it, StoreError when the file cannot be opened or is no database of localfair.
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
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extension
        if code != sqlite3.SQLITE_CANTOPEN:
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
    mode = _pragma(db, "journal_mode=WAL")
    if mode != "wal":
        print(
            f"warning: {path} cannot use WAL here ({mode}); expect slower writes", file=sys.stderr
        )
    for setting in SETTINGS:
        db.execute(f"PRAGMA {setting}")
    migrate(db)
    return db


def _pragma(db: Database, pragma: str) -> Any:
    """The value that a pragma gives back."""
    return db.execute(f"PRAGMA {pragma}").fetchone()[0]


def _check_ours(db: Database, path: Path) -> None:
    """Raise StoreError for another program's database, NewerDatabase for one of a later
    localfair.
    """
    application = _pragma(db, "application_id")
    version = _pragma(db, "user_version")
    is_new = application == 0 and not db.table_names()
    if application != APPLICATION_ID and not is_new:
        raise StoreError(f"{path} is some other program's database", "choose another --db FILE")
    if version > VERSION:
        raise NewerDatabase(
            f"{path} was written by a newer localfair (schema {version}, this one knows {VERSION})",
            "upgrade localfair, or choose another --db FILE",
        )


def migrate(db: Database) -> None:
    """Apply the migrations that the database lacks, each in one transaction with its own record."""
    version = _pragma(db, "user_version")
    while version < VERSION:
        reason, script = MIGRATIONS[version]
        db.execute("BEGIN IMMEDIATE")
        try:
            # another process may have applied it between the two reads
            if _pragma(db, "user_version") == version:
                for statement in _statements(script):
                    db.execute(statement)
                if version + 1 == SEALED_SINCE:
                    seal_older_rows(db)
                _record_migration(db, version + 1, reason)
            db.execute("COMMIT")
        except BaseException:
            db.conn.rollback()
            raise
        version = _pragma(db, "user_version")


def _record_migration(db: Database, version: int, reason: str) -> None:
    db.execute("INSERT INTO migrations VALUES (?, ?, ?)", [version, reason, now()])
    if version == 1:
        db.execute("INSERT INTO secrets VALUES ('fence', ?)", [secrets.token_bytes(32)])
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute(f"PRAGMA user_version={version}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script.

    sqlite3's `executescript` commits first: a migration would not be one transaction.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the write lock of the database, the file `<path>-writer`.

    The kernel lets go of the lock however this process ends. Raises DatabaseBusy when another
    process holds it.
    """
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
