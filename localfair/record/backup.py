"""A copy of the record that is whole, while a run may be writing it.

Reads the database; writes one new file. Knows nothing of what the rows mean.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from localfair.errors import DiskFull, StoreError
from localfair.machine.files import disk_is_full, full_disk_as, replacing, sha256_file
from localfair.record.connection import connect_to_read, reading_uri


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made. `bytes` is its size."""

    path: Path
    sha256: str
    bytes: int


def backup(source: Path, target: Path) -> Backup:
    """Copy the database at `source` to `target`, without free pages and with the log in it.

    The copy has its name when it is whole and on the disk. Only its user may read it. Raises
    StoreError when there is something at `target` or its folder cannot be written to, NoDatabase
    when there is no database, DiskFull.
    """
    _must_be_free(target)
    connect_to_read(source).close()  # whether it is one of ours
    full = f"no space left on the disk for {target}"
    with full_disk_as(full, "free some space, or name a file on another disk"):
        try:
            _copy(source, target)
        except OSError as error:
            if disk_is_full(error):
                raise
            raise StoreError(
                f"cannot write to {target.parent}: {error.strerror or error}", "name another file"
            ) from error
    return Backup(target, sha256_file(target), target.stat().st_size)


def _must_be_free(target: Path) -> bool:
    """False: nothing is kept. Raises StoreError when there is a file, a folder or a link."""
    if target.exists() or target.is_symlink():
        raise StoreError(f"there is something at {target} already", "name a file that is not there")
    return False


def _copy(source: Path, target: Path) -> None:
    if not target.parent.is_dir():
        raise StoreError(f"the folder {target.parent} does not exist", "make it, or name another")
    with replacing(target, durable=True, keep=_must_be_free) as written:
        with closing(sqlite3.connect(reading_uri(source), timeout=30, uri=True)) as connection:
            try:
                connection.execute("VACUUM INTO ?", [str(written)])
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                    raise DiskFull(
                        f"no space left on the disk for {target}",
                        "free some space, or name a file on another disk",
                    ) from error
                raise
        written.chmod(0o600)
