"""Exams as rows: each answer with its question and its seat, and how many were right."""

import pytest

from localfair.record.exams import exam_answers, exam_scores
from localfair.record.store import Store


@pytest.fixture
def opened(lab):
    lab.run(until="exam")
    with Store.open(lab.db) as store:
        yield store


def test_every_answer_of_a_runs_exams_comes_with_its_question(opened):
    [run] = opened.first_column("SELECT id FROM runs")
    answers = list(exam_answers(opened, run))
    assert [answer.step for answer in answers] == ["before"] * 4 + ["exam"] * 8
    assert {answer.split for answer in answers[:4]} == {"test"}
    for answer in answers:
        assert (answer.key, answer.gold) != ("", "")
        assert answer.role == "student" and answer.adapter == ""


def test_exams_on_test_are_counted_by_run(opened):
    [run] = opened.first_column("SELECT id FROM runs")
    scores = exam_scores(opened)
    assert scores == exam_scores(opened, run)
    [score] = scores[run]
    rights = sum(
        answer.grade == "right" for answer in exam_answers(opened, run) if answer.split == "test"
    )
    assert (score.answers, score.right) == (4, rights)
    assert exam_scores(opened, "another") == {}
