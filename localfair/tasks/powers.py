r"""How a power is written after its base: `^2`, `⁵`, `squared`, `to the fifth power`.

Reads a text and writes nothing. Knows no numbers but exponents and no task. Ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from localfair.tasks.digits import LONGEST
from localfair.tasks.spelled import value_of

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SIGNED = re.compile(
    r"\s?\^\s?(?:\{\s?(?P<braced>-?\d+)\s?\}|\(\s?(?P<bracketed>-?\d+)\s?\)|(?P<bare>-?\d+))"
    r"|(?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
)
# a power that is no whole number: 2^x, 2^{1/2}
_OTHER = re.compile(r"\s?\^\s?(?:\{[^{}]{0,40}\}|\([^()]{0,40}\)|\w)?")
# 5! = 120; any other exclamation mark only exclaims
_FACTORIAL = re.compile(r"!(?=\s?[=≈+*/×])")
_TO_THE = r"\s(?:raised\s)?to\sthe\s"
_SPELLED = re.compile(
    rf"\s(?P<named>squared|cubed)\b"
    rf"|{_TO_THE}(?:power(?:\sof)?\s)(?P<cardinal>-?\d+\b(?!\.\d)|[a-z]+\b)"
    rf"|{_TO_THE}(?:(?P<ordinal>\d+)(?:st|nd|rd|th)|(?P<word>[a-z]+))\spower\b"
    rf"|{_TO_THE}(?P<last>second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)(?=\s*(?:[.,;:!?)$]|$))",
    re.IGNORECASE,
)
_NAMED = {"squared": 2, "cubed": 3}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), 2
    )
} | {"first": 1}


@dataclass(frozen=True, slots=True)
class Power:
    """An exponent and where its text ends. `exponent` is None where it is no whole number,
    and for a factorial."""

    exponent: str | None
    end: int


def power_at(text: str, position: int) -> Power | None:
    """The power that stands at a position, or None where there is none."""
    signed = _SIGNED.match(text, position)
    if signed:
        exponent = signed["braced"] or signed["bracketed"] or signed["bare"]
        exponent = exponent or signed["raised"].translate(_SUPERSCRIPTS)
        tower = _OTHER.match(text, signed.end())
        return Power(None, tower.end()) if tower else Power(exponent, signed.end())
    other = _OTHER.match(text, position) or _FACTORIAL.match(text, position)
    if other:
        return Power(None, other.end())
    spelled = _SPELLED.match(text, position)
    return Power(_exponent(spelled), spelled.end()) if spelled else None


def _exponent(spelled: re.Match[str]) -> str | None:
    """The exponent of a power in words, or None where the word is no number."""
    if spelled["named"]:
        return str(_NAMED[spelled["named"].lower()])
    if spelled["ordinal"]:
        return spelled["ordinal"]
    word = spelled["word"] or spelled["last"]
    if word:
        ordinal = _ORDINALS.get(word.lower())
        return None if ordinal is None else str(ordinal)
    cardinal = spelled["cardinal"]
    if cardinal.lstrip("-").isdecimal():
        return cardinal
    value = value_of(cardinal)
    return None if value is None else str(value)


def raised(base: Fraction | None, exponent: str) -> Fraction | None:
    """None where the value would have more than LONGEST digits, or none at all."""
    if base is None or len(exponent) > 4 or "/" in exponent:
        return None
    power = int(exponent)
    if base == 0:
        return base if power > 0 else None
    longest = max(base.numerator.bit_length(), base.denominator.bit_length())
    if longest * abs(power) > 4 * LONGEST:
        return None
    return base**power
