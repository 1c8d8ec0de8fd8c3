r"""The number a text ends on, exactly. Reads a text, writes nothing, knows no task.

`read_number` takes the explicit final statement first, else the last number in the text.
Commas, currency, units, percent signs, fractions (1/2, 2 1/2, \frac{1}{2}), signs and
"1.5 million" are read by value with `fractions.Fraction`. Ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from localfair.tasks.names import words
from localfair.tasks.statements import Statement, clean, statements

_NUMBER = re.compile(
    r"""(?P<sign>-)?(?:[$€£¥₹]\s?)?(?P<sign2>-)?
        (?: (?:(?P<lwhole>\d+)\s*)?\\frac\s*\{\s*(?P<ltop>-?\d+)\s*\}\s*\{\s*(?P<lbottom>\d+)\s*\}
          | (?:(?P<whole>\d+)\s+(?:and\s+)?)?(?P<top>\d+)/(?P<bottom>\d+)(?![/\d.])
          | (?P<plain>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)
            (?:e(?P<exponent>[+-]?\d{1,2})(?!\w)|\s*(?:×|x|\*|\\times)\s*10\^\{?(?P<power>-?\d{1,2})\}?)?
            (?:\s*(?P<size>thousand|million|billion|trillion)\b)? )""",
    re.IGNORECASE | re.VERBOSE,
)
_SIZES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_LONGEST = 400  # digits; what is longer is a model gone astray, not a number
_OPERATOR = re.compile(r"[\s$%A-Za-z]{0,20}[-+*/×÷=^]")
_WORDS = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_TENS = {
    w: 20 + 10 * i
    for i, w in enumerate(words("twenty thirty forty fifty sixty seventy eighty ninety"))
}
_SPELLED = re.compile(
    rf"\b(?:({'|'.join(_TENS)})[- ])?({'|'.join([*_WORDS, *_TENS])})\b(?!\s+of)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Found:
    value: Fraction
    start: int
    end: int


def read_number(text: str) -> Fraction | None:
    """The value the text states, or None when it holds no number at all."""
    text = clean(text)
    for statement in statements(text):
        value = _stated(statement)
        if value is not None:
            return value
    found = list(_numbers(text))
    return found[-1].value if found else None


def show_number(value: Fraction) -> str:
    """`72`, `2.5` or, where no decimal is exact, `2/3`."""
    if value.denominator == 1:
        return str(value.numerator)
    if 10**12 % value.denominator:
        return f"{value.numerator}/{value.denominator}"
    whole, rest = divmod(abs(value) * 10**12, 10**12)
    digits = f"{whole}.{int(rest):012d}".rstrip("0")
    return ("-" if value < 0 else "") + digits


def same_number(a: Fraction, b: Fraction) -> bool:
    """Equal; where either is not whole, equal to one part in a million (a rounded decimal)."""
    if a.denominator == b.denominator == 1:
        return a == b
    return abs(a - b) <= abs(b) / 10**6


def _stated(statement: Statement) -> Fraction | None:
    sentence = statement.line if statement.marker == "hashes" else statement.sentence
    found = [
        n for n in _numbers(sentence) if not re.search(r"\bnot\s+[$€£]?$", sentence[: n.start])
    ]
    if not found:
        return _spelled(sentence)
    first = found[0]
    is_expression = _OPERATOR.match(sentence, first.end) is not None
    if not statement.firm and (is_expression or re.search(r"\w", sentence[: first.start])):
        return None
    if is_expression and "=" in sentence[first.end :]:
        after = [n for n in found if n.start > sentence.rindex("=")]
        return after[0].value if after else found[-1].value
    return first.value


def _numbers(text: str) -> Iterator[_Found]:
    for match in _NUMBER.finditer(text):
        value = _value(match)
        if value is None:
            continue
        negative = bool(match["sign2"]) or (
            bool(match["sign"]) and not _is_subtraction(text, match.start())
        )
        yield _Found(-value if negative else value, match.start(), match.end())


def _is_subtraction(text: str, at: int) -> bool:
    before = text[max(0, at - 4) : at]
    return re.search(r"[\w)\]}%]$|[\d)]\s+$", before) is not None


def _value(match: re.Match[str]) -> Fraction | None:
    if match.end() - match.start() > _LONGEST:
        return None
    if match["ltop"]:
        return _ratio(match["lwhole"], match["ltop"], match["lbottom"])
    if match["top"]:
        return _ratio(match["whole"], match["top"], match["bottom"])
    power = int(match["exponent"] or match["power"] or 0)
    size = _SIZES[match["size"].lower()] if match["size"] else 1
    return Fraction(match["plain"].replace(",", "")) * Fraction(10) ** power * size


def _ratio(whole: str | None, top: str, bottom: str) -> Fraction | None:
    return int(whole or 0) + Fraction(int(top), int(bottom)) if int(bottom) else None


def _spelled(sentence: str) -> Fraction | None:
    """Zero to ninety-nine in words, at the start of a statement only."""
    match = _SPELLED.match(sentence.strip(" :$*\"'"))
    if not match:
        return None
    word = match[2].lower()
    ones = _WORDS.index(word) if word in _WORDS else _TENS[word]
    return Fraction((_TENS[match[1].lower()] if match[1] else 0) + ones)
