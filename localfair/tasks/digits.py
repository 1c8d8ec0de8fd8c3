"""The value of digits with their separators.

Reads the digits and separators of one number and writes nothing. Knows no signs, powers or texts.
Ours.

Separators follow one rule, whatever the country:

- Spaces (U+0020, U+00A0, U+202F, U+2005 to U+2009) and apostrophes part groups of three: `12 345`, `12'000`.
- A comma before one group of three parts thousands: `1,234`; after a zero, or before any other
  number of digits, it is a decimal comma: `0,500`, `2,5`, `18,50`.
- A point is a decimal point: `1.234`; several before groups of three part thousands: `1.234.567`.
- Of commas and points together the last is the decimal sign: `1,234.50`, `1.234,50`.
- Indian groups are `1,50,000`.

What fits no rule (`1.2.3`, `1,2,3`, `12/24/2023`, `3:30`) looks like a number and has no value.
"""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST = 400  # digits; what is longer is a model gone astray, not a number
SPACES = " \u00a0\u202f\u2009\u2005\u2006\u2007\u2008"  # those that may part groups of three

_DECIMAL = re.compile(r"\d+|\d*\.\d+")
_POINTS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,}")
_COMMA_GROUPS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3}")
_COMMA_DECIMAL = re.compile(r"(?:0,\d+|\d+,\d{1,2}|\d+,\d{4,}|\d{4,},\d{3})")
_COMMAS_THEN_POINT = re.compile(rf"(?P<whole>{_COMMA_GROUPS.pattern})\.(?P<places>\d+)")
_POINTS_THEN_COMMA = re.compile(r"(?P<whole>[1-9]\d{0,2}(?:\.\d{3})+),(?P<places>\d+)")


def plain_digits(digits: str) -> Fraction | None:
    """Digits with separators by the rule of this module, or None where they are ambiguous."""
    if len(digits) > LONGEST:
        return None
    has_spaces = any(space in digits for space in f"{SPACES}'")
    digits = re.sub(f"[{SPACES}']", "", digits)
    if has_spaces:
        return Fraction(digits.replace(",", "."))
    if _DECIMAL.fullmatch(digits):
        return Fraction(digits)
    if _POINTS.fullmatch(digits):
        return Fraction(digits.replace(".", ""))
    if _COMMA_GROUPS.fullmatch(digits):
        return Fraction(digits.replace(",", ""))
    if _COMMA_DECIMAL.fullmatch(digits):
        return Fraction(digits.replace(",", "."))
    both = _COMMAS_THEN_POINT.fullmatch(digits) or _POINTS_THEN_COMMA.fullmatch(digits)
    if both:
        whole = re.sub("[.,]", "", both["whole"])
        return Fraction(f"{whole}.{both['places']}")
    return None
