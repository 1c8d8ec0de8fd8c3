"""Made word problems: true sums, as many as the name says, small numbers, many ways to tell them."""

from __future__ import annotations

import operator
import re

import pytest

from localfair.tasks import arithmetic_stories as stories
from localfair.tasks import get_task

EXACT = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv}


def sums(question):
    """The sums of a rationale: left, sign, right, result."""
    matches = re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", question.rationale)
    return [(int(left), sign, int(right), int(result)) for left, sign, right, result in matches]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_problem_has_as_many_true_steps_as_its_name_and_small_numbers(steps):
    for question in get_task(f"arithmetic-{steps}").generate().questions:
        assert len(sums(question)) == steps
        for left, sign, right, result in sums(question):
            assert EXACT[sign](left, right) == result
            assert sign != "/" or left % right == 0
            assert 2 <= result <= 99


def test_the_mixed_task_has_problems_of_every_length():
    questions = get_task("arithmetic").generate().questions
    assert {len(sums(question)) for question in questions} == {1, 2, 3}


def test_each_operation_is_told_in_many_ways():
    for templates in (stories.HAVE, stories.GAIN, stories.LOSE, stories.GROUPS, stories.SHARE):
        assert len(set(templates)) >= 12


def test_no_blank_of_a_template_is_left():
    questions = get_task("arithmetic").generate().questions
    assert not any("{" in question.text for question in questions)
