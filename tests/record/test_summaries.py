"""What SQLite adds up is what the rows add up to."""

from pathlib import Path

import pytest

from localfair.record.store import Store
from localfair.record.summaries import (
    accepted_count,
    authored,
    kept_lesson_count,
    linked_count,
    mistake_count,
    sat,
    scored,
)
from tests.lab import Lab, scripted_student


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A record of two runs, and the id of the first."""
    folder = tmp_path_factory.mktemp("lab")
    lab = Lab(folder, Path(scripted_student(folder)))
    run = lab.run(until="select")["run"]
    lab.run(until="review", teachers=lab.teachers[:2], seed=1)
    with Store.open(lab.db) as store:
        yield store, run


def test_links_are_counted_once_however_often_they_are_made(made):
    store, run = made
    rows = store.rows('SELECT noun, "row" FROM run_rows WHERE run = ?', run)
    for noun in ("question", "answer", "explanation", "review", "verdict", "lesson"):
        distinct = {row["row"] for row in rows if row["noun"] == noun}
        assert linked_count(store, run, noun) == len(distinct) > 0


def test_counts_are_of_the_run_alone(made):
    store, run = made
    assert linked_count(store, run, "review") < store.counts()["reviews"]
    assert sum(count.given for count in scored(store, run)) == linked_count(store, run, "review")
    written = sum(count.written for count in authored(store, run))
    assert written == linked_count(store, run, "explanation")


def test_an_author_has_what_was_accepted_and_what_was_right(made):
    store, run = made
    counts = authored(store, run)
    assert sum(count.accepted for count in counts) == accepted_count(store, run)
    assert {count.right for count in counts if count.kind == "feedback"} == {0}
    assert all(count.right == count.written for count in counts if count.kind == "rationale")


def test_a_reviewers_mean_is_of_the_scores_that_could_be_read(made):
    store, run = made
    for count in scored(store, run):
        assert (count.mean, count.above_3) == (5, count.scored)


def test_mistakes_and_lessons_are_of_the_steps_that_are_named(made):
    store, run = made
    steps = store.rows("SELECT position, stage FROM run_steps WHERE run = ?", run)
    exams = [step["position"] for step in steps if step["stage"] == "exam"]
    selects = [step["position"] for step in steps if step["stage"] == "select"]
    assert mistake_count(store, run, exams) == 7
    assert mistake_count(store, run, []) == 0
    assert kept_lesson_count(store, run, selects) == 14


def test_an_exam_is_read_answer_by_answer(made):
    store, run = made
    answers = list(sat(store, run, 0))
    assert len(answers) == len(set(answers)) == 4
