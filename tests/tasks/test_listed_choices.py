"""The layout of OpenBookQA and ARC in small."""

from __future__ import annotations

import pytest

from localfair.tasks import get_task

QUESTION = {"id": 1, "question": "Which?", "choices": ["red", "blue"], "answer": "blue"}


@pytest.mark.parametrize("task", ["obqa", "arc"])
def test_the_answer_repeats_a_choice_and_valid_is_dev(write, task):
    question = get_task(task).read(write(f"{task}_valid.json", [QUESTION])).questions[0]
    assert question.split == "dev"
    assert question.key == "1"
    assert (question.gold, question.choices) == ("B", ("red", "blue"))


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (QUESTION | {"answer": "green"}, "item 1: the answer 'green' is none of the choices"),
        (QUESTION | {"choices": "ab"}, "item 1: 'choices' must be a list"),
        (None, "item 1: is not a JSON object"),
    ],
)
def test_a_wrong_file_is_refused_with_its_item(refusal, item, problem):
    assert problem in refusal("obqa", "obqa_test.json", [item])
