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
def benchmark(request, published):
    """A task and the questions of its published files."""
    task = get_task(request.param)
    folder = published(FOLDERS[task.name])
    return task, task.read(folder).questions


def test_every_gold_answer_grades_right(benchmark):
    task, questions = benchmark
    assert questions
    for question in questions:
        assert task.grade(question, f"The answer is {question.gold}.").grade is Grade.RIGHT


def test_every_published_solution_grades_right(benchmark):
    task, questions = benchmark
    for question in questions:
        if question.rationale:
            assert task.grade(question, question.rationale).grade is Grade.RIGHT


def test_every_choice_can_be_named_by_its_text(benchmark):
    task, questions = benchmark
    for question in questions:
        if question.choices:
            text = question.choices["ABCDEFGH".index(question.gold)]
            assert task.grade(question, f"The answer is {text}.").grade is Grade.RIGHT


def test_no_question_is_in_two_splits(benchmark):
    _, questions = benchmark
    splits = {}
    for question in questions:
        choices = sorted(choice.casefold() for choice in question.choices)
        same = (question.text.casefold(), *choices)
        assert splits.setdefault(same, question.split) == question.split
    assert set(splits.values()) == {"train", "dev", "test"}


def test_every_id_is_one_question(benchmark):
    _, questions = benchmark
    assert len({question.id for question in questions}) == len(questions)


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
    file = open_file(published("gsm8k") / "train.jsonl", "")
    solutions = [row.text("answer") for row in json_rows(file, "")]
    golds = [solution.rpartition("####")[2].strip().replace(",", "") for solution in solutions]
    assert len(solutions) == 7473
    neighbours = [*golds[1:], golds[0]]
    for gold, neighbour, solution in zip(golds, neighbours, solutions, strict=True):
        assert grade_number(gold, solution).grade is Grade.RIGHT
        neighbour_is_right = grade_number(neighbour, solution).grade is Grade.RIGHT
        assert neighbour_is_right == (neighbour == gold)


def test_the_right_date_does_not_stand_first_more_than_elsewhere(published):
    questions = get_task("date").read(published("date_understanding")).questions
    letters = Counter(q.gold for q in questions)
    assert max(letters.values()) < len(questions) / 3


def test_the_calculator_marks_of_gsm8k_are_gone(published):
    questions = get_task("gsm8k").read(published("gsm8k")).questions
    assert not any("<<" in q.rationale or "####" in q.rationale for q in questions)
