"""Opening the record: to write, with its pragmas and migrations, or to read and leave no trace.

Reads and writes the SQLite file; who may write is decided in `lock`. Knows nothing of what the rows
mean.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localfair.errors import NewerDatabase, NoDatabase, StoreError
from localfair.machine.files import disk_is_full
from localfair.machine.terminal import warn
from localfair.record import boundary
from localfair.record.database import Database
from localfair.record.foreign import programs_in
from localfair.record.lock import name_in_use
from localfair.record.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    SEALED_SINCE,
    VERSION,
    statements_for,
)
from localfair.record.sealing import seal_older_rows

IN_MEMORY = ":memory:"  # SQLite's word for no file at all
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


def must_be_file(path: Path) -> None:
    """Raise StoreError for a path that no database can have: no file, or a folder that is missing."""
    if str(path) == IN_MEMORY:
        raise StoreError(
            f"{IN_MEMORY} keeps nothing of what is asked", "name a file with --db FILE"
        )
    try:
        path.resolve()
    except (OSError, RuntimeError):
        raise StoreError(
            f"cannot open {path} (its links lead in a circle)", "choose another --db FILE"
        ) from None
    if not path.parent.is_dir():
        raise StoreError(
            f"the folder of the database does not exist: {path.parent}",
            "make it, or choose another --db",
        )
    if path.exists() and not path.is_file():
        raise StoreError(
            f"cannot open {path} (it is not a file)", "choose a --db FILE that you may write to"
        )


def create_file(path: Path) -> None:
    """Make an empty file that only its user may read, where there is none.

    SQLite gives its log beside it the same permissions. Raises StoreError; OSError for a full disk.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        os.close(os.open(path.resolve(), flags, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        if disk_is_full(error):
            raise
        raise StoreError(
            f"cannot open {path} ({error.strerror})", "choose a --db FILE that you may write to"
        ) from error


def connect_to_write(path: Path) -> Database:
    """The database at `path`, which is there and locked, migrated to this version.

    Raises NewerDatabase when a later localfair wrote it, StoreError when the file cannot be opened
    or is no database of localfair.
    """
    with _in_words(path):
        db = _open(_uri(name_in_use(path), "mode=rw"))
        with _closed_when_refused(db):
            _check_ours(db, path, written=True)
        mode = _pragma(db, "journal_mode=WAL")
        if mode != "wal":
            warn(f"{path} cannot use WAL here ({mode}); expect slower writes")
        for setting in SETTINGS:
            db.execute(f"PRAGMA {setting}")
        migrate(db)
        return db


def connect_to_read(path: Path) -> Database:
    """The database at `path`; nothing is written, neither to it nor beside it.

    One of an older schema is migrated first. Raises NoDatabase when there is none, else what
    `connect_to_write` raises; StoreError for an older schema that cannot be migrated here.
    """
    must_be_file(path)
    if not exists(path):
        raise NoDatabase(
            f"there is no database at {path}",
            "`localfair run` makes one; or name it with --db FILE",
        )
    with _in_words(path):
        db = _open_to_read(path)
        with _closed_when_refused(db):
            version = _check_ours(db, path, written=False)
        if version < VERSION:
            db.close()
            _migrate_file(path)
            db = _open_to_read(path)
        return db


def reading_uri(path: Path) -> str:
    """The URI that reads a database and leaves its folder as it is.

    A connection that could write cleans up after itself; where a killed run left its log, one that
    cannot write leaves that to the next run. A medium that takes no lock files is taken to be
    immutable (sqlite.org/wal.html, Read-Only Databases).
    """
    name = name_in_use(path)
    if has_log(name):
        return _uri(name, "mode=ro")
    if is_writable(name):
        return _uri(name, "mode=rw")
    return _uri(name, "immutable=1")


def has_log(path: Path) -> bool:
    """Whether commits wait in the log beside a database to be copied into it."""
    log = Path(f"{path.resolve()}-wal")
    return log.is_file() and log.stat().st_size > 0


def is_writable(path: Path) -> bool:
    """Whether a database and the folder that its log lies in may be written."""
    target = path.resolve()
    return os.access(target, os.W_OK) and os.access(target.parent, os.W_OK)


def checkpoint(db: Database) -> None:
    """Copy the log into the database, so that a copy of the file alone holds everything.

    Readers may hold it up, and a full disk may refuse it: then the log is kept, and nothing is
    lost.
    """
    with contextlib.suppress(sqlite3.OperationalError):
        db.execute("PRAGMA busy_timeout=2000")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _uri(path: Path, query: str) -> str:
    return f"{path.resolve().as_uri()}?{query}"


def _open(uri: str) -> Database:
    connection = sqlite3.connect(uri, timeout=30, uri=True)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema=OFF")
    return Database(connection)


def _open_to_read(path: Path) -> Database:
    db = _open(reading_uri(path))
    db.execute("PRAGMA query_only=ON")
    return db


def _migrate_file(path: Path) -> None:
    """Migrate a database of an older schema. Raises StoreError where it cannot be written."""
    if not is_writable(path):
        raise StoreError(
            f"{path} has an older schema and cannot be written here",
            "copy it to a folder that you may write to, and `localfair db migrate` it there",
        )
    connect_to_write(path).close()


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Within it, what SQLite says of a file that it cannot open becomes StoreError."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extension
        if code != sqlite3.SQLITE_CANTOPEN:
            raise
        raise _cannot_open(path, error) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path} is not a localfair database ({error})", "choose another --db FILE"
        ) from error


def _cannot_open(path: Path, error: sqlite3.Error) -> StoreError:
    if has_log(path) and not is_writable(path):
        return StoreError(
            f"{path} was being written when it was copied: {path.name}-wal cannot be read here",
            f"copy {path.name} and {path.name}-wal together to a folder that you may write to",
        )
    return StoreError(f"cannot open {path} ({error})", "choose a --db FILE that you may write to")


def _pragma(db: Database, pragma: str) -> Any:
    """The value that a pragma gives back."""
    return db.execute(f"PRAGMA {pragma}").fetchone()[0]


@contextlib.contextmanager
def _closed_when_refused(db: Database) -> Iterator[None]:
    """Within it, an error closes the database: one that is left open keeps files beside it."""
    try:
        yield
    except BaseException:
        db.close()
        raise


def _check_ours(db: Database, path: Path, *, written: bool) -> int:
    """The version of its schema. `written` says whether it will be written to.

    Raises StoreError for another program's database and for one that holds programs, NewerDatabase
    for one of a later localfair.
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
    if version < 0:
        raise StoreError(f"{path} has a schema of version {version}", "choose another --db FILE")
    programs = programs_in(db, written=written)
    if programs:
        raise StoreError(
            f"{path} holds what localfair never makes: {', '.join(programs)}",
            "such things run with every query: go on from a copy that has none",
        )
    return int(version)


def migrate(db: Database) -> None:
    """Apply the migrations that the database lacks, each in one transaction with its own record."""
    version = _pragma(db, "user_version")
    while version < VERSION:
        reason, script = MIGRATIONS[version]
        db.execute("BEGIN IMMEDIATE")
        try:
            # another process may have applied it between the two reads
            if _pragma(db, "user_version") == version:
                for statement in statements_for(db.conn, script):
                    db.execute(statement)
                if version + 1 == SEALED_SINCE:
                    seal_older_rows(db)
                _record_migration(db, version + 1, reason)
            boundary.commit_is("before")
            db.execute("COMMIT")
            boundary.commit_is("after")
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
