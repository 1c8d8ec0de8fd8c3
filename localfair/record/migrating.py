"""Bringing a record of an older version to this one, with a copy of it made first.

Reads and writes the SQLite file; writes the copy beside it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from localfair.errors import StoreError
from localfair.record.connection import connect_to_read, connect_to_write, exists, reading_uri
from localfair.record.lock import WriterLock
from localfair.record.schema import APPLICATION_ID, VERSION


def version_of(path: Path) -> int:
    """The schema version of a record, this one's when the file is none of localfair's (opening it
    says so).
    """
    if not exists(path):
        return VERSION
    try:
        with contextlib.closing(sqlite3.connect(reading_uri(path), uri=True)) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return VERSION
            return int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError:
        return VERSION


def migrate_with_backup(path: Path) -> Path | None:
    """Migrate the record; the path of the copy made first, or None when it was up to date.

    The copy is `<file>.before-<version>`. Raises StoreError when it exists or cannot be written,
    DatabaseBusy when a run is writing, and whatever opening a record raises.
    """
    version = version_of(path)
    if version >= VERSION:
        connect_to_read(path).close()  # says what is wrong with it
        return None
    with WriterLock(path):
        backup = path.with_name(f"{path.name}.before-{VERSION}")
        _copy(path, backup)
        connect_to_write(path).close()
    return backup


def _copy(path: Path, backup: Path) -> None:
    """A whole copy of a database, or none."""
    if backup.exists():
        raise StoreError(
            f"{backup} exists; the record was not migrated", "move it away, it is a copy of before"
        )
    unfinished = backup.with_name(f"{backup.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(reading_uri(path), uri=True)) as db:
            db.execute("VACUUM INTO ?", [str(unfinished)])
        unfinished.rename(backup)
    except (sqlite3.Error, OSError) as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write {backup} ({error}); the record was not migrated",
            "make room, or copy the record to a folder that you may write to",
        ) from error
