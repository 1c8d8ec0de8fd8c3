"""What multiplies a number multiplies it; what nobody can tell leaves it without a value."""

from __future__ import annotations

from fractions import Fraction

import pytest

from localfair.tasks.numbers import read_number


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("7 Mio. Euro", 7 * 10**6),
        ("7 millones", 7 * 10**6),
        ("7 milliards", 7 * 10**9),
        ("7 тыс. рублей", 7000),
        ("7千", 7000),
        ("7 Tausend", 7000),
        ("$7T", 7 * 10**12),
        ("$7MM", 7 * 10**6),
        ("₹7.5 Cr", 75 * 10**6),
        ("₹7.5L", 750_000),
        ("7 L", 7),
        ("7 quarters", 7),
        ("one million, two hundred thousand", 1_200_000),
    ],
)
def test_a_size_multiplies(written, value):
    assert read_number(f"The answer is {written}.") == Fraction(value)


@pytest.mark.parametrize(
    "written", ["7 mil", "7 billones", "7 grand", "7 score", "3 tenths", "3 quarters", "two fives"]
)
def test_what_multiplies_by_nobody_knows_what_is_unreadable(written):
    assert read_number(f"The answer is {written}.") is None
