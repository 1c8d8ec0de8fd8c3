"""What its author takes back is no answer, and what is said instead is."""

from __future__ import annotations

import pytest

from localfair.tasks.choices import read_choice
from localfair.tasks.numbers import read_number
from localfair.tasks.second_thoughts import second_thoughts
from localfair.tasks.yes_no import read_yes_no
from tests.tasks.hostile import seconds

CHOICES = ("tent", "river", "lamp")


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 41. Wait, it is 44.",
        "The answer is 41. Wait, no, it's 44.",
        "The answer is 41. No, it is 44.",
        "The answer is 41 (no, it is 44).",
        "The answer is 41. Hold on, that should be 44 plums.",
        "The answer is 41. I made a mistake, the total is 44.",
        "The answer is 41. Sorry, I meant 44.",
        "The answer is 41. Actually, 44.",
        "#### 41\nCorrection: 44",
        "\\boxed{41}\n\nOops! The result should have been 40 + 4 = 44.",
        "The answer is 41. Wait, that's wrong: it is 44.",
        "The answer is 41. Wait, the answer is 44.",
    ],
)
def test_a_corrected_number_is_read(text):
    assert read_number(text) == 44


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 41. Wait, that is wrong.",
        "The answer is 41. Hold on, it is not 41.",
        "The answer is 41. Actually, it is 3 more than hers.",
        "The answer is 41. Wait, I left out the tax. 41 + 3 = 44.",
        "The answer is 41. Wait, is it 44?",
    ],
)
def test_a_number_that_is_taken_back_for_nothing_is_unreadable(text):
    assert read_number(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 44. Actually, this was easy.",
        "The answer is 44. Wait, let me check: 40 + 4 = 44. Yes.",
        "Wait, it is 41. No, it is 42. The answer is 44.",
        "They wait. The answer is 44.",
        "The answer is 44 plums. Rather nice.",
    ],
)
def test_words_that_take_nothing_back_change_nothing(text):
    assert read_number(text) == 44


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is A. Wait, it is B.", "B"),
        ("The answer is (A) tent. No, it is the river.", "B"),
        ("The answer is A. Sorry, B.", "B"),
        ("The answer is A. Wait, that is not right.", None),
        ("The answer is B. Actually, a lamp is an object.", "B"),
    ],
)
def test_a_corrected_choice_is_read(text, letter):
    assert read_choice(text, CHOICES) == letter


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is yes. Wait, no.", "no"),
        ("The answer is no. Sorry, yes.", "yes"),
        ("The answer is yes. Actually, that is not true.", "no"),
        ("The answer is no. Wait, that's wrong.", None),
        ("The answer is yes. Actually, many think so.", "yes"),
    ],
)
def test_a_corrected_yes_or_no_is_read(text, answer):
    assert read_yes_no(text) == answer


def test_without_a_statement_before_it_nothing_is_taken_back():
    assert second_thoughts("Wait, it is 6.") is None
    assert second_thoughts("The answer is 5.") is None


@pytest.mark.parametrize("piece", ["(", "wait, ", "no ", "Wait, it is 7. ", ". ", "\n", "sorry "])
def test_hostile_second_thoughts_take_no_longer_than_their_length_says(piece):
    assert seconds(second_thoughts, piece * 20_000) < 40 * seconds(second_thoughts, piece * 2_000)
