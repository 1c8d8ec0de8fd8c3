"""Whatever is changed in a finished record behind localfair's back, `db verify` names it.

Each change is one SQL statement, as somebody with a database browser would make it; the text that the
problem must hold stands beside it.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.cli.conftest import review

CHANGES = {
    "a better score": ("UPDATE reviews SET score = 6 - score WHERE score <> 3", "review"),
    "a score that nobody gave": ("UPDATE reviews SET score = 4", "review"),
    "a score taken away": ("UPDATE reviews SET score = NULL WHERE score IS NOT NULL", "review"),
    "a review of one's own weights hidden": (
        "UPDATE reviews SET same_weights = 1 - same_weights",
        "review",
    ),
    "a verdict turned round": ("UPDATE verdicts SET accepted = 1 - accepted", "verdict"),
    "another mean": ("UPDATE verdicts SET mean = coalesce(mean, 1) + 0.5", "verdict"),
    "another reason": ("UPDATE verdicts SET reason = 'because'", "verdict"),
    "another gate": ("UPDATE verdicts SET policy = replace(policy, '3.0', '1.0')", "verdict"),
    "other words of a reply": ("UPDATE generations SET text = text || '!'", "generation"),
    "a reply cut short": ("UPDATE generations SET finish = 'length'", "generation"),
    "cheaper replies": ("UPDATE generations SET completion_tokens = 1", "generation"),
    "another prompt": ("UPDATE generations SET messages = '[]'", "generation"),
    "another model's name": ("UPDATE generations SET model = 'better'", "generation"),
    "a better grade": ("UPDATE answers SET grade = 'right' WHERE grade <> 'right'", "answer"),
    "another reading": ("UPDATE answers SET read = '7'", "answer"),
    "an answer of another question": (
        "UPDATE answers SET question = (SELECT max(id) FROM questions WHERE split = answers.split)",
        "answer",
    ),
    "an explanation's grade": (
        "UPDATE explanations SET grade = 'right' WHERE grade IS NOT NULL",
        "explanation",
    ),
    "an explanation of another reply": (
        "UPDATE explanations SET generation = (SELECT max(generation) FROM answers)",
        "explanation",
    ),
    "another right answer": ("UPDATE questions SET gold = '1'", "question"),
    "another question": ("UPDATE questions SET text = 'What?'", "question"),
    "another seat's seed": ("UPDATE seats SET seed = seed + 1", "seat"),
    "a run of another seed": ("UPDATE runs SET seed = 99", "run"),
    "another recipe": ("UPDATE runs SET effective = '{}'", "run"),
    "fewer calls": ("UPDATE run_steps SET calls = 0", "step"),
    "another outcome": ("UPDATE run_steps SET outcome = '{}'", "step"),
    "a reply that is gone": (
        "DELETE FROM generations WHERE rowid = (SELECT min(rowid) FROM generations)",
        "generation",
    ),
    "reviews that are gone": ("DELETE FROM reviews", "review"),
    "a view that is gone": ("DROP VIEW mistakes", "mistakes"),
    "an index that is gone": ("DROP INDEX reviews_by_explanation", "reviews_by_explanation"),
    "a trigger": (
        "CREATE TRIGGER kind AFTER INSERT ON reviews BEGIN SELECT 1; END",
        "kind",
    ),
    "a column more": ("ALTER TABLE reviews ADD COLUMN note TEXT", "reviews"),
    "no seal": ("UPDATE reviews SET seal = NULL", "review"),
    "an older reader": ("UPDATE answers SET reader = 1, grade = 'right'", "answer"),
    "a blob in the place of a text": ("UPDATE generations SET text = x'ff00'", "generation"),
    "no JSON": ("UPDATE generations SET sampling = '{'", "generation"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Where a finished record is kept, once there is one."""
    return tmp_path_factory.mktemp("finished") / "record.db"


@pytest.fixture
def record(desk, finished):
    """A copy of it, on the desk."""
    copy = desk.folder / "record.db"
    if not finished.exists():
        assert desk.says(*review("--db", copy)).code == 0
        shutil.copy(copy, finished)
    shutil.copy(finished, copy)
    return copy


def test_an_unchanged_record_is_sound(desk, record):
    said = desk.says("db", "verify", "--db", record)
    assert (said.code, said.out, said.err) == (0, "", "sound\n")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.replace(" ", "-"))
def test_a_change_is_named(desk, record, change):
    sql, name = CHANGES[change]
    with closing(sqlite3.connect(record)) as connection:
        rows = connection.total_changes
        connection.execute(sql)
        connection.commit()
        is_schema = not sql.startswith(("UPDATE", "DELETE"))
        assert is_schema or connection.total_changes > rows, "nothing was changed"
    said = desk.says("db", "verify", "--db", record)
    assert said.code == 1, said
    assert name in said.out
    assert "Traceback" not in said.out + said.err
