"""A number that is a part of something else is not its value."""

from __future__ import annotations

from fractions import Fraction

import pytest

from localfair.tasks.numbers import read_number


@pytest.mark.parametrize(
    "written",
    [
        r"\sin 45",
        r"\ln 8",
        r"\lfloor 8.6 \rfloor",
        "|-8|",
        r"0.\overline{8}",
        "110_2",
        "8y",
        "8i",
        "(8)^2",
        "8!",
        r"\{8,5\}",
    ],
)
def test_a_part_of_a_formula_in_a_box_is_unreadable(written):
    assert read_number(rf"\boxed{{{written}}}") is None


@pytest.mark.parametrize(
    "written",
    ["the cube root of 8", "twice 8", "half of 8", "0.888...", "8 factorial", "8 mod 3", "8x"],
)
def test_what_is_made_of_a_number_is_not_the_number(written):
    assert read_number(f"The answer is {written}.") is None


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2x = 18, x = 9", 9),
        ("half of 18 = 9", 9),
        ("the square root of 81", 9),
        ("sqrt(81)", 9),
        ("ten squared", 100),
        ("18 : 2 = 9", 9),
        ("3 x 3 = 9", 9),
        ("4 and 5 make 9", 9),
        ("3 × 3, so 9", 9),
        ("- 9", -9),
        ("-(9)", -9),
        ("menos 9", -9),
        ("负9", -9),
        ("9 degrees below zero", -9),
        ("9_000", 9000),
        ("9\N{ARABIC THOUSANDS SEPARATOR}000", 9000),
        ("<b>9</b>", 9),
        ("~~7~~ 9", 9),
        (r"9^{\circ}", 9),
    ],
)
def test_what_is_worked_out_is_read(written, value):
    assert read_number(f"The answer is {written}.") == Fraction(value)
