"""A step that is done again refers to the rows of the first time."""

import re
from pathlib import Path

import pytest

import localfair
from localfair.record.made import BegunStep
from localfair.record.overlay import Overlay
from localfair.record.steps import (
    done_before,
    finish,
    links_hash,
    made_by,
    note_readings,
    questions_hash,
    readings_mark,
    take_over,
)
from localfair.record.store import Store
from localfair.record.verify import verify
from tests.record.samples import DATASET, a_run, a_step

IDS = [question.id for question in DATASET.questions]


@pytest.fixture
def done(store):
    """A record in which one run did a step, from the inputs `i`, and another run has begun."""
    store.ensure_dataset("t", DATASET)
    store.ensure("runs", [a_run("first"), a_run("second")])
    store.ensure("run_steps", [a_step(0, "first")])
    store.link("first", 0, "question", IDS)
    ended = {"ended": "now", "calls": 3, "reused": 1, "outcome": '{"questions": 5}'}
    store.update("run_steps", {"run": "first", "position": 0}, ended)
    finish(store, "first", 0, "i")
    return store


def again(store, run="second"):
    earlier = done_before(store, run, "i")
    step = BegunStep(run=run, position=0, step="exam", stage="exam", round=1)
    take_over(store, step, "i", earlier)


def test_a_step_is_found_by_what_decided_it(done):
    earlier = done_before(done, "second", "i")
    assert (earlier.run, earlier.position, earlier.answered) == ("first", 0, 4)
    assert earlier.outcome == '{"questions": 5}'
    assert done_before(done, "second", "another") is None


def test_a_step_of_the_same_run_is_none_of_an_earlier_one(done):
    assert done_before(done, "first", "i") is None


def test_what_was_taken_over_is_linked_and_nothing_is_copied(done):
    before = done.counts()["run_rows"]
    again(done)
    assert done.linked("second", [0], "question") == done.linked("first", [0], "question")
    assert done.counts()["run_rows"] == before
    assert verify(done) == []


def test_a_step_taken_over_twice_refers_to_the_first(done):
    again(done)
    done.ensure("runs", [a_run("third")])
    again(done, "third")
    first = done.rows("SELECT DISTINCT first_run, first_position FROM done_steps")
    assert first == [{"first_run": "first", "first_position": 0}]
    assert len(done.linked("third", [0], "question")) == len(IDS)


def test_a_step_taken_over_says_what_it_found_and_asked_nobody(done):
    again(done)
    [step] = done.rows("SELECT calls, reused, outcome FROM run_steps WHERE run = 'second'")
    assert step == {"calls": 0, "reused": 4, "outcome": '{"questions": 5}'}


def test_what_a_step_made_is_known_once_it_is_done(done):
    assert made_by(done, "first", [0]) == [links_hash(done, "first", 0)]
    assert made_by(done, "first", []) == []
    assert made_by(done, "second", [0]) is None


def test_other_links_are_another_hash(done):
    before = links_hash(done, "first", 0)
    done.link("first", 0, "answer", [IDS[0]])
    assert links_hash(done, "first", 0) != before


def test_the_hash_of_questions_covers_all_that_they_say(done):
    before = questions_hash(done, "t")
    with done.transaction():
        done.rewrite("questions", IDS[0], {"rationale": "Count them."})
    assert questions_hash(done, "t") != before


def test_readings_have_a_mark_that_every_reading_changes(done):
    marks = [readings_mark(done)]
    for _ in range(2):
        with done.transaction():
            note_readings(done)
        marks.append(readings_mark(done))
    assert marks[0] == ""
    assert len(set(marks)) == 3


def test_links_that_are_not_what_was_made_are_named(done):
    done.db.execute("DELETE FROM run_rows WHERE noun = 'question' AND position = 0")
    assert "step 0 of run first does not link what it made" in verify(done)


def test_a_step_taken_over_from_another_one_is_named(done):
    again(done)
    done.db.execute("UPDATE done_steps SET inputs = 'other' WHERE run = 'second'")
    problems = verify(done)
    named = "step 0 of run second was taken over from a step that made other rows"
    assert named in problems
    assert any(problem.startswith("done step second 0 is not what was") for problem in problems)


def test_what_is_written_over_a_record_sees_the_links_of_both(done):
    again(done)
    with Overlay.open(done.path) as over:
        over.ensure("runs", [a_run("third")])
        over.ensure("run_steps", [a_step(0, "third")])
        over.link("third", 0, "question", IDS[:2])
        assert len(over.linked("second", [0], "question")) == len(IDS)
        assert len(over.linked("third", [0], "question")) == 2


def test_rows_of_a_run_are_read_through_its_links():
    """Who reads `run_rows` alone misses what a run took over."""
    root = Path(localfair.__file__).parent
    readers = set()
    for path in root.rglob("*.py"):
        if re.search(r"(FROM|JOIN) run_rows", path.read_text(encoding="utf-8")):
            readers.add(path.relative_to(root).as_posix())
    # gc asks what any run needs, and a run that is taken over from stays; a history tells which run
    # made a row first
    readers -= {"record/gc.py", "record/history.py"}
    assert readers == {"record/schema.py", "record/steps.py"}


def test_a_reader_needs_no_lock_to_find_a_step(done):
    with Store.open(done.path) as reading:
        assert done_before(reading, "second", "i") is not None
