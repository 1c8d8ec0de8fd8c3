"""Opening a record: who may, what is refused, and how it is set up."""

import sqlite3

import pytest

from localfair.errors import NewerDatabase, NoDatabase, StoreError
from localfair.record.connection import exists, now
from localfair.record.schema import APPLICATION_ID, MIGRATIONS, VERSION
from localfair.record.store import Store
from localfair.record.verify import verify


def pragma(store, name):
    return store.db.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_missing_database_is_not_made_by_looking(tmp_path):
    with pytest.raises(NoDatabase):
        Store.open(tmp_path / "none.db")
    assert not list(tmp_path.iterdir())


def test_an_empty_file_is_no_database_until_somebody_writes(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    assert not exists(path)
    with pytest.raises(NoDatabase):
        Store.open(path)
    assert path.stat().st_size == 0
    with Store.open(path, create=True) as store:
        assert verify(store) == []
    assert exists(path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match="the folder of the database does not exist"):
        Store.open(tmp_path / "none" / "record.db", create=True)


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(StoreError, match="cannot open"):
        Store.open(tmp_path)


def test_a_file_of_something_else_is_no_database(tmp_path):
    path = tmp_path / "notes.db"
    path.write_text("no database at all, but long enough to have a header " * 10)
    with pytest.raises(StoreError, match="is not a localfair database"):
        Store.open(path)


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    with pytest.raises(StoreError, match="other program"):
        Store.open(path, create=True)


def test_a_database_from_a_newer_version_is_left_alone(store):
    store.db.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(NewerDatabase, match=str(VERSION + 1)):
        Store.open(store.path)


def test_anybody_may_read_beside_the_writer(store):
    with Store.open(store.path) as reader:
        assert reader.tasks() == []


def test_writes_are_durable_and_links_are_checked(durable, store):
    assert pragma(store, "journal_mode") == "wal"
    assert pragma(store, "synchronous") == 2  # FULL
    assert pragma(store, "foreign_keys") == 1


def test_a_new_database_says_whose_it_is_and_which_migrations_it_had(store):
    assert pragma(store, "application_id") == APPLICATION_ID
    assert pragma(store, "user_version") == VERSION
    applied = store.rows("SELECT version, reason FROM migrations ORDER BY version")
    reasons = [reason for reason, _ in MIGRATIONS]
    assert [row["reason"] for row in applied] == reasons


def test_opening_again_changes_nothing(store):
    before = store.rows("SELECT * FROM migrations")
    key = store.fence_key()
    with Store.open(store.path) as again:
        assert again.rows("SELECT * FROM migrations") == before
        assert again.fence_key() == key
    assert len(key) == 32


def test_times_are_utc_to_the_millisecond():
    assert now().endswith("+00:00")
    assert len(now()) == len("2026-01-01T00:00:00.000+00:00")
