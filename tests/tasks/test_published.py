"""The published files, where they are on this machine: every gold answer and solution grades right."""

from __future__ import annotations

from collections import Counter

import pytest

from localfair.record.nouns import Grade
from localfair.tasks import get_task
from localfair.tasks.files import json_rows, open_file
from localfair.tasks.grading import grade_number

FOLDERS = {
    "gsm8k": "gsm8k",
    "svamp": "svamp",
    "strategyqa": "strategyqa",
    "commonsenseqa": "commonsenseqa",
    "obqa": "tinyllm_obqa",
    "arc": "tinyllm_arc",
    "date": "date_understanding",
    "shuffled-objects": "tracking_shuffled_objects",
    "last-letters": "last_letters",
}


@pytest.fixture(scope="module", params=FOLDERS)
def read(request, published):
    task = get_task(request.param)
    return task, task.read(published(FOLDERS[task.name])).questions


def test_every_gold_answer_grades_right(read):
    task, questions = read
    assert {task.grade(q, f"The answer is {q.gold}.").grade for q in questions} == {Grade.RIGHT}


def test_every_published_solution_grades_right(read):
    task, questions = read
    assert {task.grade(q, q.rationale).grade for q in questions if q.rationale} <= {Grade.RIGHT}


def test_every_choice_can_be_named_by_its_text(read):
    task, questions = read
    named = [(q, q.choices["ABCDEFGH".index(q.gold)]) for q in questions if q.choices]
    assert {task.grade(q, f"The answer is {text}.").grade for q, text in named} <= {Grade.RIGHT}


def test_no_question_is_in_two_splits_and_every_id_is_one_row(read):
    _, questions = read
    seen = {}
    for q in questions:
        same = (q.text.casefold(), tuple(sorted(c.casefold() for c in q.choices)))
        assert seen.setdefault(same, q.split) == q.split
    assert len({q.id for q in questions}) == len(questions)
    assert {q.split for q in questions} == {"train", "dev", "test"}


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("gsm8k", {"train": 6739, "dev": 734, "test": 1319}),
        ("strategyqa", {"train": 1852, "dev": 208, "test": 229}),
        ("commonsenseqa", {"train": 8715, "dev": 1026, "test": 1221}),
        ("obqa", {"train": 4931, "dev": 500, "test": 500}),
        ("arc", {"train": 1116, "dev": 295, "test": 1165}),
        ("svamp", {"train": 614, "dev": 69, "test": 317}),
    ],
)
def test_split_sizes_never_move(published, name, sizes):
    questions = get_task(name).read(published(FOLDERS[name])).questions
    assert Counter(q.split for q in questions) == sizes


def test_gsm8k_solutions_grade_right_and_their_neighbours_golds_do_not(published):
    rows = json_rows(open_file(published("gsm8k") / "train.jsonl", ""), "")
    solutions = [row.text("answer") for row in rows]
    golds = [solution.rpartition("####")[2].strip() for solution in solutions]
    assert len(solutions) == 7473
    for gold, other, solution in zip(golds, [*golds[1:], golds[0]], solutions, strict=True):
        assert grade_number(gold, solution).grade is Grade.RIGHT
        assert (grade_number(other, solution).grade is Grade.RIGHT) == (
            gold.replace(",", "") == other.replace(",", "")
        )


def test_the_right_date_does_not_stand_first_more_than_elsewhere(published):
    questions = get_task("date").read(published("date_understanding")).questions
    letters = Counter(q.gold for q in questions)
    assert max(letters.values()) < len(questions) / 3


def test_the_calculator_marks_of_gsm8k_are_gone(published):
    questions = get_task("gsm8k").read(published("gsm8k")).questions
    assert not any("<<" in q.rationale or "####" in q.rationale for q in questions)
