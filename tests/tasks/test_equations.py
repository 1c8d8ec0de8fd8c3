"""Numbers that belong together form a chain, and a chain comes to its last worked-out side."""

from __future__ import annotations

import pytest

from localfair.tasks.equations import chains, is_result
from localfair.tasks.numerals import scan


def values(text, *, is_strict=True):
    """What each chain of a sentence comes to."""
    return [chain.value(is_strict=is_strict) for chain in chains(text, [*scan(text)])]


@pytest.mark.parametrize(
    "text",
    [
        "30 + 18 = 48",
        "30 apples + 18 pears = 48 pieces",
        "Ann's 30 + Bob's 18 = 48",
        "6 x 8 = 48",
        "$6 \\times 8 = 48$",
        "6 · 8 → 48",
        "6 times 8 is 48",
        "6 times 8, which gives 48",
        "6 * 8 (= 48)",
        "48 = 6 * 8",
        "6 * 8 = 48 = 50 - 2",
        "96 miles / 2 miles/hour = 48 hours",
        "6(8) = 48",
        "47.6, which rounds up to 48",
        "50% of 96 = 48",
    ],
)
def test_an_equation_comes_to_its_result(text):
    assert values(text) == [48]


@pytest.mark.parametrize(
    "text",
    ["30 + 18", "48 or 50", "48 to 50", "48-50", "48 and 50", "48, 50", "5 feet 3", "2x = 48"],
)
def test_sums_alternatives_and_lists_come_to_nothing(text):
    assert values(text) == [None]


def test_in_a_running_text_a_list_comes_to_its_last_number():
    assert values("48 and 50", is_strict=False) == [50]
    assert values("48 or 50", is_strict=False) == [None]


def test_the_same_number_twice_is_one_answer():
    assert values("0.5 or 1/2") == [0.5]


def test_numbers_apart_are_chains_of_their_own():
    assert values("48 figs in 6 boxes; 7 left") == [48, 6, 7]


def test_a_result_is_announced_by_what_stands_before_it():
    assert is_result("so there are ")
    assert is_result("x = $")
    assert not is_result("in each of the ")
