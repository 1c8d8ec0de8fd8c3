"""What would run in a record is named; what people add for themselves is not."""

from __future__ import annotations

import pytest

from localfair.errors import StoreError
from localfair.record.foreign import programs_in
from localfair.record.store import Store


def test_a_record_of_ours_has_no_programs(store):
    assert programs_in(store.db, written=True) == []


@pytest.mark.parametrize(
    ("script", "read", "written"),
    [
        ("CREATE VIEW mine AS SELECT 1", [], []),
        ("CREATE TABLE notes (text, more AS (text || text))", [], []),
        ("DROP VIEW mistakes; CREATE VIEW mistakes AS SELECT 1", [], []),
        ("CREATE TRIGGER t AFTER INSERT ON runs BEGIN SELECT 1; END", [], ["the trigger t"]),
        ("DROP VIEW links; CREATE VIEW LINKS AS SELECT 1", ["the view LINKS"], ["the view LINKS"]),
        (
            "DROP TABLE rates; CREATE VIRTUAL TABLE rates USING fts5 (a)",
            ["the virtual table rates"],
            ["the virtual table rates"],
        ),
        (
            "ALTER TABLE rates ADD COLUMN more AS (hex(id))",
            ["the worked out column rates.more"],
            ["the worked out column rates.more"],
        ),
    ],
)
def test_what_runs_with_a_query_or_a_write_is_named(store, script, read, written):
    store.db.executescript(script)
    assert programs_in(store.db, written=False) == read
    assert programs_in(store.db, written=True) == written


def test_functions_that_touch_more_than_their_arguments_do_not_run_in_a_schema(store):
    with Store.open(store.path) as reader:
        assert reader.first_column("PRAGMA trusted_schema") == [0]


def test_a_version_that_never_was_is_refused(store):
    store.db.execute("PRAGMA user_version = -1")
    with pytest.raises(StoreError, match="a schema of version -1"):
        Store.open(store.path)
