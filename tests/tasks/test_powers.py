"""Powers are found where they are written in signs and in words."""

from __future__ import annotations

from fractions import Fraction

import pytest

from localfair.tasks.powers import Power, power_at, raised


@pytest.mark.parametrize(
    ("text", "exponent"),
    [
        ("^2", "2"),
        ("^{-3}", "-3"),
        ("^(4)", "4"),
        ("⁻¹²", "-12"),
        (" squared", "2"),
        (" cubed", "3"),
        (" to the power of 7", "7"),
        (" raised to the power of seven", "7"),
        (" to the 7th power", "7"),
        (" to the seventh power", "7"),
    ],
)
def test_a_power_is_read_to_its_end(text, exponent):
    assert power_at(f"5{text}", 1) == Power(exponent, len(text) + 1)


@pytest.mark.parametrize("text", ["^x", "^{1/2}", "^2^3", "! = 120", " to the power of love"])
def test_a_power_that_is_no_whole_number_has_no_exponent(text):
    power = power_at(f"5{text}", 1)
    assert power is not None
    assert power.exponent is None


@pytest.mark.parametrize("text", [" to the left", "!", " square meters", " power", ""])
def test_what_is_no_power_is_none(text):
    assert power_at(f"5{text}", 1) is None


def test_a_power_that_no_one_writes_out_has_no_value():
    assert raised(Fraction(10), "5") == 100_000
    assert raised(Fraction(10), "9999") is None
    assert raised(Fraction(10), "123456789") is None
    assert raised(Fraction(0), "-1") is None
    assert raised(Fraction(4), "1/2") is None
