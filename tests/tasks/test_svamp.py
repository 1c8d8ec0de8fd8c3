"""SVAMP's layout in small."""

from __future__ import annotations

import pytest

from localfair.tasks import get_task
from localfair.tasks.svamp import joined

PROBLEM = {
    "ID": "chal-1",
    "Body": "He has 8 pens and loses 3",
    "Question": "How many are left?",
    "Equation": "( 8.0 - 3.0 )",
    "Answer": 5.0,
}


def read(write, **changes):
    path = write("SVAMP.json", [PROBLEM | changes])
    return get_task("svamp").read(path).questions[0]


def test_the_equation_is_the_reasoning_without_outer_brackets_and_point_zero(write):
    question = read(write)
    assert question.gold == "5"
    assert question.rationale == "8 - 3 = 5. The answer is 5."
    assert question.text == "He has 8 pens and loses 3. How many are left?"


def test_brackets_inside_an_equation_stay_and_a_problem_may_have_none(write):
    nested = read(write, Equation="( ( 8.0 - 3.0 ) * 1.0 )")
    assert nested.rationale == "( ( 8 - 3 ) * 1 ) = 5. The answer is 5."
    assert read(write, Equation="").rationale == ""


@pytest.mark.parametrize(
    ("body", "question", "text"),
    [
        ("He has 3.", "How many?", "He has 3. How many?"),
        ("He has 3", "How many?", "He has 3. How many?"),
        ("He has 3. If he finds 2", "How many?", "He has 3. If he finds 2, how many?"),
    ],
)
def test_body_and_question_are_joined_with_the_punctuation_they_lack(body, question, text):
    assert joined(body, question) == text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[\n{},\n{oops}]", "line 3: is not JSON"),
        ([{"Body": "x", "Question": "y"}], "item 1: has no 'Answer'"),
        ([{"Body": "x", "Question": "y", "Answer": [1]}], "item 1: 'Answer' must be"),
        (
            [{"Body": "x", "Question": "y", "Answer": "4 or 5"}],
            "item 1: the answer '4 or 5' is not",
        ),
        ([{"Body": "x", "Question": "y", "Answer": True}], "item 1: the answer 'yes' is not"),
        ("[]", "holds no questions"),
    ],
)
def test_a_wrong_file_is_refused_with_its_item(refusal, content, problem):
    assert problem in refusal("svamp", "SVAMP.json", content)


def test_endless_nesting_is_refused(refusal):
    message = refusal("svamp", "SVAMP.json", "[" * 100000)
    assert "too large" in message or "is not JSON" in message
