"""A record of an older version is migrated with a copy of it beside it, or not at all."""

import sqlite3
from contextlib import closing

import pytest

from localfair.errors import DatabaseBusy, StoreError
from localfair.record.lock import WriterLock
from localfair.record.migrating import migrate_with_backup, version_of
from localfair.record.schema import VERSION
from localfair.record.store import Store
from localfair.record.verify import verify
from tests.record.old_versions import VERSIONS, restore, todays_record


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.db"
    restore(2, path)
    return path


def rows_of(path, table):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_copy_is_the_record_as_it_was(tmp_path, version):
    path = tmp_path / "old.db"
    restore(version, path)
    before = rows_of(path, "generations")
    backup = migrate_with_backup(path)
    assert backup == tmp_path / f"old.db.before-{VERSION}"
    assert (version_of(path), version_of(backup)) == (VERSION, version)
    assert rows_of(backup, "generations") == before


def test_a_record_of_the_version_before_is_that_of_today_without_what_came_since(tmp_path):
    path = todays_record(tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE imports")
        connection.execute("DELETE FROM migrations WHERE version = 10")
        connection.execute("PRAGMA user_version=9")
    backup = migrate_with_backup(path)
    assert (version_of(path), version_of(backup)) == (VERSION, 9)
    with Store.open(path) as store:
        assert verify(store) == []
        assert not store.is_imported("an-import")


def test_no_row_is_lost_and_no_id_changes(old):
    tables = ("questions", "generations", "answers", "explanations", "reviews", "verdicts")
    before = {table: [row[0] for row in rows_of(old, table)] for table in tables}
    migrate_with_backup(old)
    assert {table: [row[0] for row in rows_of(old, table)] for table in tables} == before


def test_a_record_of_this_version_needs_no_copy(tmp_path):
    path = tmp_path / "record.db"
    with Store.open(path, create=True):
        pass
    assert migrate_with_backup(path) is None
    assert list(tmp_path.glob("*.before-*")) == []


def test_a_copy_that_is_there_is_not_overwritten(old):
    backup = old.with_name(f"{old.name}.before-{VERSION}")
    backup.write_text("mine")
    with pytest.raises(StoreError, match="exists; the record was not migrated"):
        migrate_with_backup(old)
    assert backup.read_text() == "mine"
    assert version_of(old) == 2


def test_a_copy_that_cannot_be_written_leaves_the_record_alone(old):
    blocked = old.with_name(f"{old.name}.before-{VERSION}.unfinished")
    blocked.mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        migrate_with_backup(old)
    assert version_of(old) == 2


def test_a_record_that_a_run_writes_to_is_not_migrated(old):
    with WriterLock(old), pytest.raises(DatabaseBusy):
        migrate_with_backup(old)
    assert version_of(old) == 2


def test_what_is_no_record_says_so(tmp_path):
    path = tmp_path / "text.db"
    path.write_text("no database at all, " * 50)
    with pytest.raises(StoreError, match="not a localfair database"):
        migrate_with_backup(path)


def test_a_migrated_record_goes_on_as_any_other(old):
    migrate_with_backup(old)
    with Store.open(old, create=True) as store:
        assert store.counts()["runs"] == 1
