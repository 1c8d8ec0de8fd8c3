"""Made stories of swaps: each person holds in the end what the swaps say."""

from __future__ import annotations

import re

from localfair.tasks import get_task


def holds_in_the_end(question):
    """Who holds what, by following the swaps that the text tells."""
    people = re.match(r"(\w+), (\w+) and (\w+) ", question.text).groups()
    holds = dict(zip(people, question.choices, strict=True))
    swaps = question.text.split(" At the start ")[1]
    for left, right in re.findall(r"(?:First|Then|Finally), (\w+) and (\w+) ", swaps):
        holds[left], holds[right] = holds[right], holds[left]
    return holds


def test_the_answer_is_what_the_swaps_leave_the_person_with():
    for question in get_task("shuffled-objects").generate().questions[:200]:
        asked = re.search(r"At the end of [\w ]+, (\w+) ", question.text)[1]
        gold = question.choices["ABC".index(question.gold)]
        assert gold == holds_in_the_end(question)[asked]


def test_there_are_two_or_three_swaps_and_a_step_for_each():
    for question in get_task("shuffled-objects").generate().questions[:200]:
        swaps = len(re.findall(r"(?:First|Then|Finally), ", question.text))
        assert swaps in (2, 3)
        assert question.rationale.count("After ") == swaps
