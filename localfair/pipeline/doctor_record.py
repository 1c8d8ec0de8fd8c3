"""What `localfair doctor` says of the record's place: its file system, its file and the clock.

Tries a database and locks in a temporary folder beside the record; reads the record and leaves it
as it is. Knows nothing of what its rows mean.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from localfair.errors import StoreError
from localfair.pipeline.doctor_check import (
    Answer,
    Check,
    Examination,
    Interpreter,
    ProbeFailed,
    fail,
    ok,
    warn,
)
from localfair.pipeline.doctor_machine import cannot_start
from localfair.record.connection import exists, must_be_file
from localfair.record.lock import lock_paths
from localfair.record.probing import application_and_version, newest_time, two_connections
from localfair.record.schema import APPLICATION_ID, VERSION

LOCAL_DISK = "keep the record on a local disk: name one with --db"
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # localfair is younger
SLACK = timedelta(minutes=5)  # two machines that share a record may differ by as much (ours)


def wal(examination: Examination, vfs: str = "") -> Iterator[Check]:
    """Whether a writer and a reader in another process work on one database as SQLite means it.

    `vfs` names a file system layer of SQLite's other than the usual one.
    """
    name = "record: WAL"
    query = f"?vfs={vfs}" if vfs else ""
    with _trial_folder(examination) as folder:
        uri = f"{(folder / 'trial.db').as_uri()}{query}"
        try:
            mode, during, after = two_connections(
                uri, lambda: examination.interpreter.ask_once("second_connection", uri)
            )
        except sqlite3.DatabaseError as error:
            is_full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
            hint = "free some space there" if is_full else LOCAL_DISK
            yield fail(name, f"SQLite cannot work here ({error})", hint)
            return
        except ProbeFailed as failed:
            yield cannot_start(name, failed)
            return
    yield _judged_wal(name, mode, during, after)


def _judged_wal(name: str, mode: str, during: Answer, after: Answer) -> Check:
    if during["may_write"]:
        return fail(name, "a second process may write during a transaction", LOCAL_DISK)
    if after["rows"] != 2:
        return fail(name, "a second process does not see what was committed", LOCAL_DISK)
    if mode != "wal":
        return warn(name, f"no WAL on this file system ({mode}): slower writes", LOCAL_DISK)
    if during["rows"] != 1:
        return fail(name, "a second process cannot read beside a writer", LOCAL_DISK)
    return ok(name, f"SQLite {sqlite3.sqlite_version}: a second process reads, and waits to write")


def exclusive(file: IO[bytes]) -> None:
    """Take the lock of a file, or raise OSError."""
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def locks(
    examination: Examination, lock: Callable[[IO[bytes]], None] = exclusive
) -> Iterator[Check]:
    """Whether a lock keeps another process out: beside the record, and where its locks lie.

    `lock` takes the lock of a file.
    """
    name = "record: locks"
    places = [examination.db.absolute().parent]
    places += [path.parent for path in lock_paths((0, 0))]
    for place in places:
        with _trial_folder(examination, place) as folder:
            try:
                problem = _lock_problem(folder / "trial.lock", lock, examination.interpreter)
            except ProbeFailed as failed:
                yield cannot_start(name, failed)
                return
        if problem:
            hint = LOCAL_DISK if place == places[0] else "set XDG_STATE_HOME to a local disk"
            yield fail(name, problem, hint)
            return
    yield ok(name, f"flock keeps another process out, in {len(places)} folders")


def _lock_problem(
    path: Path, lock: Callable[[IO[bytes]], None], interpreter: Interpreter
) -> str | None:
    """What is wrong with the locks of a file system; None where nothing is."""
    with path.open("wb") as file:
        try:
            lock(file)
        except OSError as error:
            return f"flock is refused ({error.strerror or error})"
        during = interpreter.ask_once("flock", str(path))
    after = interpreter.ask_once("flock", str(path))
    if not during["held"]:
        return "two processes hold the same lock at once"
    if after["held"]:
        return "a lock is held though its file is closed"
    return None


@contextlib.contextmanager
def _trial_folder(examination: Examination, place: Path | None = None) -> Iterator[Path]:
    """Yield a folder that is removed at the end, beside the record or in `place`.

    Raises StoreError where there can be no record, and where nothing can be written.
    """
    must_be_file(examination.db)
    parent = place or examination.db.absolute().parent
    try:
        trial = tempfile.TemporaryDirectory(dir=parent, prefix=".localfair-doctor-")
    except OSError as error:
        raise StoreError(
            f"{parent} cannot be written ({error.strerror})",
            "choose a --db in a folder that you may write to",
        ) from error
    with trial as folder:
        yield Path(folder)


def record_file(examination: Examination) -> Iterator[Check]:
    """Whether the record that is there can be used by this version."""
    name = "record: file"
    must_be_file(examination.db)
    if not exists(examination.db):
        yield ok(name, "none yet: the first run makes it")
        return
    try:
        application, version = application_and_version(examination.db)
    except sqlite3.DatabaseError as error:
        yield fail(name, f"cannot be read ({error})", "go on from a copy, or choose another --db")
        return
    if application != APPLICATION_ID:
        yield fail(name, "some other program's database", "choose another --db")
    elif version > VERSION:
        yield fail(
            name,
            f"schema {version}, this localfair knows {VERSION}",
            "upgrade localfair, or choose another --db",
        )
    elif version < VERSION:
        yield warn(name, f"schema {version} of {VERSION}", "`localfair db migrate` copies it first")
    else:
        yield ok(name, f"schema {version}; `localfair db verify` checks its rows")


def clock(examination: Examination, now: datetime | None = None) -> Iterator[Check]:
    """Whether the clock is later than localfair and than what the record last noted."""
    now = now or datetime.now(UTC)
    finding = f"{now:%Y-%m-%d %H:%M} UTC"
    newest = newest_time(examination.db)
    if now < EARLIEST:
        yield fail("clock", f"{finding}, before localfair was written", "set the clock")
    elif newest is not None and now + SLACK < newest:
        yield fail(
            "clock",
            f"{finding}, and the record was written at {newest:%Y-%m-%d %H:%M}",
            "set the clock",
        )
    elif newest is None:
        yield ok("clock", f"{finding}; no record to compare it with")
    else:
        yield ok("clock", f"{finding}, after all that the record notes")
