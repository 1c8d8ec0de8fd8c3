"""What was said can be searched after each step, and `verify` checks the views and the index."""

import sqlite3
from contextlib import closing

import pytest

from localfair.record.gc import collect
from localfair.record.overlay import Overlay
from localfair.record.schema import INDEX_TABLES, MIGRATIONS, SEARCH, VIEWS, statements_for
from localfair.record.search import fill_index, has_index, rebuild_index
from localfair.record.store import Store
from localfair.record.verify import verify
from tests.record.old_versions import VERSIONS, restore, todays_record
from tests.record.samples import ENGINE, generation

SEARCHED_SINCE = 9  # the schema version
VIEW_NAMES = {"question_history", "exam_rows", "lesson_origin", "reviewer_worth"}


def say(store, *texts):
    """Record replies with these texts."""
    replies = [generation(text, seed=number) for number, text in enumerate(texts)]
    store.add_generations(ENGINE, replies)


def matching(store, words):
    sql = (
        "SELECT g.text FROM said JOIN generations g ON g.rowid = said.rowid "
        "WHERE said MATCH ? ORDER BY g.text"
    )
    return store.first_column(sql, words)


def change(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def test_what_was_said_is_found_by_its_words_once_it_is_indexed(store):
    say(store, "carry the one", "eleven apples")
    assert matching(store, "apples") == []
    assert fill_index(store) == 2
    assert matching(store, "apples") == ["eleven apples"]


def test_only_new_texts_are_put_into_the_index(store):
    say(store, "carry the one")
    fill_index(store)
    assert fill_index(store) == 0
    say(store, "carry the one", "eleven apples")
    assert fill_index(store) == 1
    assert verify(store) == []


def test_the_steps_of_a_run_fill_the_index(tmp_path):
    with Store.open(todays_record(tmp_path)) as store:
        texts = store.first_column("SELECT COUNT(*) FROM generations")
        assert store.first_column("SELECT COUNT(*) FROM said_docsize") == texts
        assert matching(store, "answer") != []
        assert verify(store) == []


def test_texts_that_wait_for_the_end_of_a_step_are_no_damage(store):
    say(store, "carry the one")
    fill_index(store)
    say(store, "carry the one", "eleven apples")
    assert verify(store) == []


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM said_docsize WHERE id = 1",
        "DELETE FROM said_data WHERE id > 10",
        "INSERT INTO said (rowid, text) VALUES (1, 'never said')",
    ],
)
def test_a_damaged_index_is_named_and_gc_makes_it_anew(store, damage):
    say(store, "carry the one", "eleven apples")
    fill_index(store)
    change(store.path, damage)
    assert [line for line in verify(store) if "search index" in line] != []
    rebuild_index(store)
    assert verify(store) == []


def test_gc_leaves_no_deleted_text_in_the_index(store):
    say(store, "nobody needs this", "nor that")
    fill_index(store)
    assert collect(store, dry_run=False).generations == 2
    assert matching(store, "nobody") == []
    assert verify(store) == []


def test_a_view_or_an_index_that_is_missing_is_named(store):
    change(store.path, "DROP VIEW exam_rows")
    change(store.path, "DROP TABLE said")
    problems = verify(store)
    assert "the view exam_rows is missing" in problems
    assert "the table said is missing" in problems
    rebuild_index(store)
    assert verify(store) == ["the view exam_rows is missing"]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_record_gets_the_views_and_a_full_index(tmp_path, version):
    path = tmp_path / "old.db"
    restore(version, path)
    with Store.open(path) as store:
        views = store.first_column("SELECT name FROM sqlite_schema WHERE type = 'view'")
        assert set(views) >= VIEW_NAMES
        for view in VIEW_NAMES:
            assert store.rows(f"SELECT * FROM {view}") != [], view
        assert matching(store, "answer") != []
        assert [line for line in verify(store) if "index" in line or "view" in line] == []


def test_what_is_written_over_a_record_reads_its_views(tmp_path):
    path = todays_record(tmp_path)
    with Store.open(path) as store:
        recorded = store.rows("SELECT * FROM question_history ORDER BY 1, 3, 5")
    with Overlay.open(path) as over:
        assert over.rows("SELECT * FROM question_history ORDER BY 1, 3, 5") == recorded


def test_the_index_counts_no_rows_of_its_own(store):
    say(store, "carry the one")
    fill_index(store)
    assert not set(store.counts()) & set(INDEX_TABLES)


class WithoutFts5:
    """A connection of an SQLite that was built without FTS5."""

    def execute(self, sql):
        assert "fts5" in sql
        return closing_cursor()


def closing_cursor():
    return sqlite3.connect(":memory:").execute("SELECT 1 WHERE 0")


def test_without_fts5_a_record_has_the_views_and_no_index():
    statements = statements_for(WithoutFts5(), VIEWS + SEARCH)
    with closing(sqlite3.connect(":memory:")) as connection:
        for _, script in MIGRATIONS[: SEARCHED_SINCE - 1]:
            connection.executescript(script)
        for statement in statements:
            connection.execute(statement)
        names = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert {name for (name,) in names} >= VIEW_NAMES
    assert "said" not in {name for (name,) in names}


def test_a_record_without_an_index_says_so(store):
    assert has_index(store)
    change(store.path, "DROP TABLE said")
    assert not has_index(store)
