"""BIG-bench's layout in small."""

from __future__ import annotations

import pytest

from localfair.tasks import get_task


def example(number):
    scores = {f"right {number}": 1, f"wrong {number}": 0, f"other {number}": 0}
    return {"input": f"Question {number}?", "target_scores": scores}


def test_choices_are_not_in_the_files_order(write):
    path = write("task.json", {"examples": [example(number) for number in range(60)]})
    questions = get_task("date").read(path).questions
    assert {q.gold for q in questions} == {"A", "B", "C"}
    for question in questions:
        assert question.choices["ABC".index(question.gold)].startswith("right")


@pytest.mark.parametrize(
    ("scores", "problem"),
    [
        ({"a": 0, "b": 0}, "item 1: 'target_scores' must score exactly one choice 1, not 0"),
        ({"a": 1, "b": 1}, "exactly one choice 1, not 2"),
        ({"a": 1}, "must map 2 to 26 choices"),
        ({"a": 1, " ": 0}, "holds an empty choice"),
        ({"a": 1, " a": 0}, "holds one choice twice"),
    ],
)
def test_choices_without_one_right_one_are_refused(refusal, scores, problem):
    examples = [{"input": "x", "target_scores": scores}]
    assert problem in refusal("date", "task.json", {"examples": examples})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", "line 1: is not a JSON object with 'examples'"),
        ({"examples": 5}, "is not a list"),
    ],
)
def test_a_file_without_examples_is_refused(refusal, content, problem):
    assert problem in refusal("date", "task.json", content)
