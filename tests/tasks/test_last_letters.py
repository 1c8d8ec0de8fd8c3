"""Last letters: the published layout in small, and the questions that are made."""

from __future__ import annotations

import re

import pytest

from localfair.tasks import get_task


def test_the_published_answer_is_gold(write):
    path = write("last_letters.json", {"examples": [{"question": "Take ...", "answer": "yajo"}]})
    question = get_task("last-letters").read(path).questions[0]
    assert (question.text, question.gold) == ("Take ...", "yajo")


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        ({"question": "x"}, "item 1: has no 'answer'"),
        ({"question": "x", "answer": "y a"}, "item 1: the answer 'y a' is not one word"),
    ],
)
def test_a_wrong_file_is_refused_with_its_item(refusal, example, problem):
    assert problem in refusal("last-letters", "last_letters.json", {"examples": [example]})


def test_made_answers_are_the_last_letters_of_two_to_four_names():
    for question in get_task("last-letters").generate().questions:
        names = re.search('"(.*?)"', question.text)[1].split()
        assert 2 <= len(names) <= 4
        assert question.gold == "".join(name[-1] for name in names)
