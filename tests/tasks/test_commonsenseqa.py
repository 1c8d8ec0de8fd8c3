"""CommonsenseQA's layout in small."""

from __future__ import annotations

import pytest

from localfair.tasks import get_task

CHOICES = [{"label": "A", "text": "bank"}, {"label": "B", "text": "library"}]
QUESTION = {"stem": "Where are books?", "choices": CHOICES}


def test_the_authors_dev_file_is_test_and_choices_are_texts(write):
    line = {"id": "x", "answerKey": "B", "question": QUESTION}
    question = get_task("commonsenseqa").read(write("dev_rand_split.jsonl", line)).questions[0]
    assert question.split == "test"
    assert question.gold == "B"
    assert question.text == "Where are books?"
    assert question.choices == ("bank", "library")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"id": "1", "question": {}}, "line 1: has no 'answerKey'"),
        ({"answerKey": "A", "question": []}, "line 1: is not a JSON"),
        ({"answerKey": "A", "question": QUESTION | {"choices": CHOICES[:1]}}, "a list of 2 to 26"),
        ({"answerKey": "A", "question": QUESTION | {"choices": CHOICES[::-1]}}, "labels must be"),
        ({"id": "1", "answerKey": "C", "question": QUESTION}, "'C' is not one of the choices"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(refusal, line, problem):
    assert problem in refusal("commonsenseqa", "dev_rand_split.jsonl", line)
