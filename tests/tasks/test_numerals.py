"""One written number is read exactly or not at all; the numbers of a text are found in their order."""

from __future__ import annotations

from fractions import Fraction

import pytest

from localfair.tasks.numerals import exact, scan
from tests.tasks.hostile import seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("48", "48"),
        (" 48. ", "48"),
        ("+48", "48"),
        ("-48", "-48"),
        ("−48", "-48"),
        ("minus 48", "-48"),
        ("negative forty-eight", "-48"),
        ("$48", "48"),
        ("-$48", "-48"),
        ("48 €", "48"),
        ("48 dollars", "48"),
        ("48%", "48"),
        (".25", "1/4"),
        ("2,500", "2500"),
        ("2,5", "5/2"),
        ("2.500.000", "2500000"),
        ("2 500", "2500"),
        ("2\u00a0500,5", "5001/2"),
        ("3/4", "3/4"),
        ("3 / 4", "3/4"),
        ("1 3/4", "7/4"),
        ("1¾", "7/4"),
        ("\\frac{3}{4}", "3/4"),
        ("$\\dfrac34$", "3/4"),
        ("\\frac{-3}{4}", "-3/4"),
        ("\\sqrt{9/4}", "3/2"),
        ("2^5", "32"),
        ("2**5", "32"),
        ("2⁵", "32"),
        ("10^{-2}", "1/100"),
        ("6 x 10^3", "6000"),
        ("6e-05", "6/100000"),
        ("three and a half", "7/2"),
        ("3 and a half", "7/2"),
        ("2 dozen", "24"),
        ("$3M", "3000000"),
        ("3万", "30000"),
        ("٤٨", "48"),
    ],
)
def test_a_written_number_has_its_exact_value(text, value):
    assert exact(text) == Fraction(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "48 figs",
        "48 or 50",
        "48-50",
        "- 48 figs",
        "4.8.1",
        "4,8,1",
        "1,23,45",
        "4/8/2024",
        "4:30",
        "4:00",
        "007",
        "5/0",
        "\\sqrt{3}",
        "2\\pi",
        "2^x",
        "2^{1/2}",
        "2^3^4",
        "401k",
        "A, C",
        "x + y",
        "twenty twelve",
        "10^999999999",
        "1e999999",
        "9" * 5000,
        "\\frac{1}{0}",
        "\\frac{a}{b}",
        "\\frac{\\frac{1}{2}}{3}",
    ],
)
def test_what_is_no_single_exact_number_has_no_value(text):
    assert exact(text) is None


def test_numbers_are_found_in_their_order_with_their_signs():
    text = "From -3 to five, then 2 1/2 and 8 - 6, minus 4 and x^2."
    values = [numeral.value for numeral in scan(text)]
    assert values == [-3, 5, Fraction(5, 2), 8, 6, -4]


def test_what_looks_like_a_number_is_found_without_a_value():
    (numeral,) = scan("on 4/8/2024")
    assert numeral.value is None
    assert (numeral.start, numeral.end) == (3, 11)


def test_a_minus_after_an_operand_is_no_sign():
    assert [numeral.value for numeral in scan("9 minus 5, 9 - 5, 9-5, 9 € - 5 €")] == [9, 5] * 4


def test_a_root_that_is_no_fraction_is_rounded_and_says_so():
    (numeral,) = scan("√3")
    assert not numeral.is_exact
    assert abs(numeral.value**2 - 3) < Fraction(1, 10**10)


@pytest.mark.parametrize(
    "piece", ["7", "7 ", "7,", "7.", "7/", "7^", "7'", "\\frac{", "\\sqrt", "-"]
)
def test_a_hostile_number_takes_no_longer_than_its_length_says(piece):
    assert seconds(exact, piece * 20_000) < 40 * seconds(exact, piece * 2_000)
