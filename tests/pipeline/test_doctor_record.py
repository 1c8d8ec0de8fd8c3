"""The record's place is tried, not believed: a journal, two processes, locks, and the clock."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localfair.errors import StoreError
from localfair.pipeline import doctor_record as record
from localfair.pipeline.doctor_check import Check, Examination
from localfair.record.connection import now
from localfair.record.schema import APPLICATION_ID, VERSION
from localfair.record.store import Store


@pytest.fixture
def examination(tmp_path) -> Examination:
    return Examination(workspace=tmp_path, db=tmp_path / "localfair.db")


def single(checks) -> Check:
    (check,) = checks
    return check


def database(examination: Examination, application: int, version: int) -> None:
    with sqlite3.connect(examination.db) as connection:
        connection.execute("CREATE TABLE anything (number INTEGER)")
        connection.execute(f"PRAGMA application_id={application}")
        connection.execute(f"PRAGMA user_version={version}")
    connection.close()


def test_a_local_disk_has_wal_and_locks_and_is_left_as_it_was(examination, tmp_path):
    assert single(record.wal(examination)).status == "ok"
    assert single(record.locks(examination)).status == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_shared_memory_is_slower(examination):
    check = single(record.wal(examination, vfs="unix-dotfile"))
    assert check.status == "warn"
    assert check.finding == "no WAL on this file system (delete): slower writes"


def test_a_file_system_without_locks_fails(examination):
    check = single(record.wal(examination, vfs="unix-none"))
    assert check.status == "fail"
    assert check.finding == "a second process may write during a transaction"


def test_a_layer_that_sqlite_does_not_have_fails(examination):
    check = single(record.wal(examination, vfs="nowhere"))
    assert (check.status, check.finding) == (
        "fail",
        "SQLite cannot work here (no such vfs: nowhere)",
    )


def test_a_lock_that_keeps_nobody_out_fails(examination):
    check = single(record.locks(examination, lock=lambda file: None))
    assert (check.status, check.finding) == ("fail", "two processes hold the same lock at once")


def test_a_lock_that_is_refused_fails(examination):
    def refuse(file):
        raise OSError(37, "No locks available")

    check = single(record.locks(examination, lock=refuse))
    assert (check.status, check.finding) == ("fail", "flock is refused (No locks available)")


@pytest.mark.parametrize("check", [record.wal, record.locks, record.record_file])
def test_a_record_whose_folder_is_missing_is_refused(tmp_path, check):
    examination = Examination(workspace=tmp_path, db=tmp_path / "none" / "localfair.db")
    with pytest.raises(StoreError, match="the folder of the database does not exist"):
        list(check(examination))


@pytest.mark.parametrize("check", [record.wal, record.locks])
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, check):
    examination = Examination(workspace=tmp_path, db=Path("/proc/localfair.db"))
    with pytest.raises(StoreError, match=r"/proc cannot be written \("):
        list(check(examination))


def test_a_record_of_this_version_is_well_and_one_may_be_missing(examination):
    assert single(record.record_file(examination)).finding == "none yet: the first run makes it"
    with Store.open(examination.db, create=True):
        pass
    assert single(record.record_file(examination)).status == "ok"


@pytest.mark.parametrize(
    ("application", "version", "status", "words"),
    [
        (7, VERSION, "fail", "some other program's database"),
        (APPLICATION_ID, VERSION + 1, "fail", f"schema {VERSION + 1}, this localfair knows"),
        (APPLICATION_ID, VERSION - 1, "warn", f"schema {VERSION - 1} of {VERSION}"),
    ],
)
def test_another_schema_is_told_and_nothing_is_migrated(
    examination, application, version, status, words
):
    database(examination, application, version)
    before = examination.db.read_bytes()
    check = single(record.record_file(examination))
    assert check.status == status
    assert check.finding.startswith(words)
    assert examination.db.read_bytes() == before


def test_a_file_that_is_no_database_fails_and_tells_no_time(examination):
    examination.db.write_text("not a database, though long enough for one\n" * 30)
    check = single(record.record_file(examination))
    assert (check.status, check.finding) == ("fail", "cannot be read (file is not a database)")
    assert record.newest_time(examination.db) is None


def test_a_clock_before_localfair_or_before_the_record_fails(examination):
    assert single(record.clock(examination)).finding.endswith("no record to compare it with")
    with Store.open(examination.db, create=True):
        pass
    assert single(record.clock(examination)).status == "ok"
    yesterday = datetime.fromisoformat(now()) - timedelta(days=1)
    check = single(record.clock(examination, yesterday))
    assert check.status == "fail"
    assert "and the record was written at" in check.finding
    check = single(record.clock(examination, datetime(2000, 1, 1, tzinfo=UTC)))
    assert check.finding == "2000-01-01 00:00 UTC, before localfair was written"
