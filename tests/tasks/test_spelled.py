"""Number words have their value where they make a number together."""

from __future__ import annotations

from fractions import Fraction

import pytest

from localfair.tasks.spelled import fraction_after, runs, value_of


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("zero", "0"),
        ("eleven", "11"),
        ("Forty-Two", "42"),
        ("a hundred", "100"),
        ("three hundred and six", "306"),
        ("three hundred six", "306"),
        ("fifteen hundred", "1500"),
        ("two thousand and one", "2001"),
        ("nine hundred thousand", "900000"),
        ("one million two hundred thirty thousand four hundred and five", "1230405"),
        ("two lakh fifty thousand", "250000"),
        ("four dozen", "48"),
        ("half a dozen", "6"),
        ("two and a half million", "2500000"),
        ("half", "1/2"),
        ("a third", "1/3"),
        ("two-thirds", "2/3"),
        ("four and three fifths", "23/5"),
        ("two point zero five", "2.05"),
    ],
)
def test_words_have_their_value(words, value):
    assert value_of(words) == Fraction(value)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "and",
        "thirty twelve",
        "one two",
        "six quarters",
        "two third",
        "twenty third",
        "a",
        "thousand million",
    ],
)
def test_words_that_make_no_number_have_no_value(words):
    assert value_of(words) is None


def test_the_number_words_of_a_text_are_found_where_they_stand():
    text = "A bank lent one hundred and six; two of them paid a quarter."
    assert [(text[start:end], value) for start, end, value in runs(text)] == [
        ("one hundred and six", 106),
        ("a quarter", Fraction(1, 4)),
    ]


def test_a_fraction_may_follow_digits():
    assert fraction_after("7 and a half days", 1) == (Fraction(1, 2), 12)
    assert fraction_after("7 and a bit", 1) is None
