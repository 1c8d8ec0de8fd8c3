"""Separators between digits follow one rule; what breaks it has no value."""

from __future__ import annotations

from fractions import Fraction

import pytest

from localfair.tasks.digits import plain_digits


@pytest.mark.parametrize(
    ("digits", "value"),
    [
        ("48", "48"),
        ("4.8", "4.8"),
        ("4.800", "4.8"),
        ("4,800", "4800"),
        ("0,800", "0.8"),
        ("4,8", "4.8"),
        ("4,85", "4.85"),
        ("4,8500", "4.85"),
        ("4800,125", "4800.125"),
        ("4,800,125", "4800125"),
        ("4.800.125", "4800125"),
        ("4,800.5", "4800.5"),
        ("4.800,5", "4800.5"),
        ("4 800,5", "4800.5"),
        ("4'800.5", "4800.5"),
        ("4,80,000", "480000"),
        ("1,04,80,000.5", "10480000.5"),
    ],
)
def test_separators_are_read_by_the_rule(digits, value):
    assert plain_digits(digits) == Fraction(value)


@pytest.mark.parametrize(
    "digits", ["4.8.5", "4,8,5", "48,00,0", "4,800,12", "4,8.5", "0.800.125", "1" * 401]
)
def test_what_fits_no_rule_has_no_value(digits):
    assert plain_digits(digits) is None
