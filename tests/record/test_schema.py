"""The schema: what it refuses, and that records of every earlier version become records of this
one.
"""

import json
import secrets
import sqlite3

import pytest

from localfair.record.made import SoftKey
from localfair.record.nouns import content_id
from localfair.record.schema import APPLICATION_ID, MIGRATIONS, VERSION
from localfair.record.store import Store
from localfair.record.tables import generation_row, question_row
from localfair.record.verify import verify
from localfair.tasks.base import Dataset
from tests.record.samples import DATASET, ENGINE, SEAT, SOFT_LABEL_KEY, generation, question

# -- what is refused ------------------------------------------------------------------------------


@pytest.fixture
def reviewed(store):
    """A record that holds an explanation of one seat, and the seat of a reviewer."""
    store.ensure_dataset("t", DATASET)
    store.ensure_seat(SEAT)
    reply = store.add_generation(ENGINE, generation())
    explanation = {
        "id": "e",
        "kind": "rationale",
        "question": DATASET.questions[0].id,
        "split": "train",
        "seat": SEAT.id,
        "generation": reply.id,
        "grade": "right",
    }
    store.ensure("explanations", [explanation])
    return store


def review(store, **fields):
    reply = store.one("SELECT id FROM generations")
    row = {
        "id": "r",
        "explanation": "e",
        "author": SEAT.id,
        "seat": SEAT.id,
        "generation": reply["id"],
        "score": 5,
        "same_weights": 0,
    }
    store.ensure("reviews", [row | fields])


def test_nobody_reviews_what_they_wrote(reviewed):
    with pytest.raises(sqlite3.IntegrityError, match="seat <> author"):
        review(reviewed)


def test_a_score_is_one_to_five(reviewed):
    with pytest.raises(sqlite3.IntegrityError, match="score BETWEEN 1 AND 5"):
        review(reviewed, score=6)


def test_a_review_names_the_author_of_its_explanation(reviewed):
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        review(reviewed, author="somebody else")


def lesson_of(asked, **fields):
    row = {
        "id": "l",
        "question": asked.id,
        "split": asked.split,
        "kind": "answer",
        "teacher": None,
        "prompt": "[]",
        "completion": "9",
        "weight": 1.0,
        "dropped": None,
    }
    return row | fields


def test_a_lesson_from_test_is_refused_whatever_split_it_names(store):
    asked = question(9, split="test")
    store.ensure_dataset("t", Dataset((asked,), (), "mit"))
    for split in ("train", "test"):
        with pytest.raises(sqlite3.IntegrityError):
            store.ensure("lessons", [lesson_of(asked, split=split)])
    assert store.counts()["lessons"] == 0


def test_mistakes_are_the_students_wrong_and_unreadable_answers_on_train(reviewed):
    student = {"id": "s", "role": "student", "index": 0, "model": "m", "fingerprint": "f"}
    reviewed.ensure("seats", [{**student, "adapter": "", "run_seed": 0, "seed": 0}])
    reply = reviewed.one("SELECT id FROM generations")
    answers = []
    for asked, grade in zip(DATASET.questions, ("right", "wrong", "unreadable"), strict=False):
        answers.append(
            {
                "id": grade,
                "question": asked.id,
                "split": "train",
                "seat": "s",
                "generation": reply["id"],
                "grade": grade,
            }
        )
    reviewed.ensure("answers", answers)
    reviewed.ensure("answers", [answers[1] | {"id": "teacher's", "seat": SEAT.id}])
    mistakes = reviewed.rows("SELECT id FROM mistakes ORDER BY id")
    assert [mistake["id"] for mistake in mistakes] == ["unreadable", "wrong"]


# -- migrations -----------------------------------------------------------------------------------


def old_record(path, version, rows):
    """A database as an earlier version left it, with rows by table."""
    connection = sqlite3.connect(path)
    for number, (reason, script) in enumerate(MIGRATIONS[:version], 1):
        connection.executescript(script)
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (number, reason, "then"))
    connection.execute("INSERT INTO secrets VALUES ('fence', ?)", (secrets.token_bytes(32),))
    for table, row in rows:
        columns = ",".join(row)
        marks = ",".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={version}")
    connection.commit()
    connection.close()


def generation_of_version(version):
    """A generation's row under the columns of an earlier version."""
    row = generation_row(ENGINE, generation())
    row["kind"] = row.pop("action")
    row["family"] = row.pop("engine")
    if version == 1:
        del row["constrained"]
        del row["wants_logprobs"]
    return row


def migrated(path):
    with Store.open(path) as store:
        assert store.db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        assert verify(store) == []
        return store.rows("SELECT * FROM generations"), store.questions("t", "train")


def test_a_record_of_version_1_becomes_one_of_this_version(tmp_path):
    path = tmp_path / "one.db"
    rows = [("questions", question_row(question(1))), ("generations", generation_of_version(1))]
    old_record(path, 1, rows)
    [reply], questions = migrated(path)
    assert questions == [question(1)]
    assert reply["id"] == generation().request.id(ENGINE)
    assert (reply["action"], reply["engine"]) == ("generate", "scripted")
    assert (json.loads(reply["constrained"]), reply["wants_logprobs"]) == (None, 0)


def test_a_record_of_version_2_becomes_one_of_this_version(tmp_path):
    path = tmp_path / "two.db"
    soft_label = {
        "id": SoftKey(**SOFT_LABEL_KEY).id,
        **SOFT_LABEL_KEY,
        "labels": 1,
        "indices": b"\0" * 16,
        "logprobs": b"\0" * 10,
        "created": "then",
    }
    soft_label["family"] = soft_label.pop("engine")
    export = {
        "id": content_id("export", adapter="a"),
        "adapter": "a",
        "kind": "gguf/f16",
        "path": "out.gguf",
        "sha256": "ab",
        "bytes": 1,
        "created": "then",
    }
    rows = [
        ("generations", generation_of_version(2)),
        ("soft_labels", soft_label),
        ("exports", export),
    ]
    old_record(path, 2, rows)
    [reply], _ = migrated(path)
    assert (reply["action"], reply["engine"]) == ("generate", "scripted")
    with Store.open(path) as store:
        assert store.one("SELECT engine FROM soft_labels") == {"engine": "transformers/bf16"}
        assert store.one("SELECT format FROM exports") == {"format": "gguf/f16"}


def test_a_migrated_record_and_a_new_one_have_the_same_tables(tmp_path, store):
    path = tmp_path / "one.db"
    old_record(path, 1, [])
    with Store.open(path) as opened:
        assert opened.db.schema == store.db.schema


def test_a_migration_that_fails_leaves_the_record_as_it_was(tmp_path):
    path = tmp_path / "one.db"
    old_record(path, 1, [])
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE comparisons (a)")  # stands in the way of the second
    connection.commit()
    connection.close()
    with pytest.raises(sqlite3.OperationalError, match="comparisons"):
        Store.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'rates'").fetchall()
    assert tables == []
