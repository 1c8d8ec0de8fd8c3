r"""The number a text ends on, exactly.

Reads a text and writes nothing. Knows no task. `read_number` takes the explicit final statement
first, else the last number in the text. `_FORMS` lists how a number may be written; commas,
currency, units, percent signs and signs are read as well. Values are `fractions.Fraction`, so
that no rounding makes a right answer wrong. Ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from localfair.tasks.names import words
from localfair.tasks.statements import Statement, clean, statements

_LONGEST = 400  # characters; what is longer is a model gone astray, not a number
_SIZES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ONES = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_ANY_TENS = "|".join(_TENS)
_ANY_WORD = "|".join([*_ONES, *_TENS])
_SPELLED = re.compile(
    rf"\b(?:(?P<tens>{_ANY_TENS})[- ])?(?P<word>{_ANY_WORD})\b(?!\s+of)", re.IGNORECASE
)
_NOT_BEFORE = re.compile(r"\bnot\s+[$€£]?$")
_OPERAND_BEFORE = re.compile(r"[\w)\]}%]$|[\d)]\s+$")
_OPERATOR_AFTER = re.compile(r"[\s$%A-Za-z]{0,20}[-+*/×÷=^]")


@dataclass(frozen=True, slots=True)
class _Number:
    """A value and where in the text it is written."""

    value: Fraction
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Form:
    """A way to write a number without its sign: a verbose pattern, and the value of what it
    matched.

    Group names must differ from those of the other forms. `value` gives None when the text looks
    like the form and is no number all the same.
    """

    name: str
    pattern: str
    value: Callable[[re.Match[str]], Fraction | None]


def _latex_fraction(match: re.Match[str]) -> Fraction | None:
    return _mixed(match["latex_whole"], match["latex_top"], match["latex_bottom"])


def _slashed_fraction(match: re.Match[str]) -> Fraction | None:
    return _mixed(match["whole"], match["top"], match["bottom"])


def _mixed(whole: str | None, top: str, bottom: str) -> Fraction | None:
    """`2`, `1`, `2` is two and a half. None when the denominator is zero."""
    if int(bottom) == 0:
        return None
    return int(whole or 0) + Fraction(int(top), int(bottom))


def _decimal(match: re.Match[str]) -> Fraction:
    value = Fraction(match["digits"].replace(",", ""))
    power = int(match["exponent"] or match["power"] or 0)
    value *= Fraction(10) ** power
    if match["size"]:
        value *= _SIZES[match["size"].lower()]
    return value


# How a number may be written. Where two forms fit at the same character, the upper one is taken.
_FORMS = (
    # \frac{1}{2}, 2\frac{1}{2}
    _Form(
        "latex_fraction",
        r"""(?:(?P<latex_whole>\d+)\s*)?
            \\frac\s*\{\s*(?P<latex_top>-?\d+)\s*\}\s*\{\s*(?P<latex_bottom>\d+)\s*\}""",
        _latex_fraction,
    ),
    # 1/2, 2 1/2, 2 and 1/2; a date such as 1/2/2003 is none
    _Form(
        "slashed_fraction",
        r"(?:(?P<whole>\d+)\s+(?:and\s+)?)?(?P<top>\d+)/(?P<bottom>\d+)(?![/\d.])",
        _slashed_fraction,
    ),
    # 72, 1,234.50, .5, 1e3, 3 x 10^4, 1.5 million
    _Form(
        "decimal",
        r"""(?P<digits>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)
            (?: e(?P<exponent>[+-]?\d{1,2})(?!\w)
              | \s*(?:×|x|\*|\\times)\s*10\^\{?(?P<power>-?\d{1,2})\}? )?
            (?: \s*(?P<size>thousand|million|billion|trillion)\b )?""",
        _decimal,
    ),
)
_VALUES = {form.name: form.value for form in _FORMS}
_ANY_FORM = "|".join(f"(?P<{form.name}>{form.pattern})" for form in _FORMS)
# -5, $5, -$5, $-5
_NUMBER = re.compile(
    rf"(?P<sign>-)?(?:[$€£¥₹]\s?)?(?P<inner_sign>-)?(?:{_ANY_FORM})",
    re.IGNORECASE | re.VERBOSE,
)


def read_number(text: str) -> Fraction | None:
    """The value the text states, or None when it holds no number at all."""
    text = clean(text)
    for statement in statements(text):
        value = _stated(statement)
        if value is not None:
            return value
    numbers = list(_numbers(text))
    return numbers[-1].value if numbers else None


def show_number(value: Fraction) -> str:
    """`72`, `2.5` or, where no decimal is exact, `2/3`."""
    if value.denominator == 1:
        return str(value.numerator)
    if 10**12 % value.denominator:
        return f"{value.numerator}/{value.denominator}"
    whole, rest = divmod(abs(value) * 10**12, 10**12)
    digits = f"{whole}.{int(rest):012d}".rstrip("0")
    return f"-{digits}" if value < 0 else digits


def same_number(a: Fraction, b: Fraction) -> bool:
    """Equal; where either is not whole, equal to one part in a million (a rounded decimal)."""
    if a.denominator == b.denominator == 1:
        return a == b
    return abs(a - b) <= abs(b) / 10**6


def _stated(statement: Statement) -> Fraction | None:
    """The number a final statement means, or None when it states none."""
    # a line after #### is the answer whole; a full stop in it ends no sentence
    sentence = statement.line if statement.marker == "hashes" else statement.sentence
    numbers = [number for number in _numbers(sentence) if not _is_denied(sentence, number)]
    if not numbers:
        return _spelled(sentence)
    first = numbers[0]
    before = sentence[: first.start]
    after = sentence[first.end :]
    is_expression = _OPERATOR_AFTER.match(after) is not None
    # "Answer: She sold 24 in May" and "Answer: 48 + 24" begin a solution: the text goes on after them
    if not statement.firm and (is_expression or re.search(r"\w", before)):
        return None
    if is_expression and "=" in after:
        return _result(sentence, numbers)
    return first.value


def _is_denied(sentence: str, number: _Number) -> bool:
    """Whether "not" stands before the number."""
    return _NOT_BEFORE.search(sentence[: number.start]) is not None


def _result(sentence: str, numbers: list[_Number]) -> Fraction:
    """The first number after the last equals sign, else the last number."""
    last_equals = sentence.rindex("=")
    for number in numbers:
        if number.start > last_equals:
            return number.value
    return numbers[-1].value


def _numbers(text: str) -> Iterator[_Number]:
    """Every number of a text, in its order."""
    for match in _NUMBER.finditer(text):
        value = _value(match)
        if value is None:
            continue
        if _is_negative(text, match):
            value = -value
        yield _Number(value, match.start(), match.end())


def _value(match: re.Match[str]) -> Fraction | None:
    """What the match is worth without its sign."""
    if match.end() - match.start() > _LONGEST:
        return None
    # a form is the outermost group of its alternative, and so the last one to close
    form = match.lastgroup
    assert form is not None
    return _VALUES[form](match)


def _is_negative(text: str, match: re.Match[str]) -> bool:
    """Whether the number has a minus sign; that of "20 - 15" or "5-10" is none of the number's."""
    if match["inner_sign"]:
        return True
    if not match["sign"]:
        return False
    before = text[max(0, match.start() - 4) : match.start()]
    return _OPERAND_BEFORE.search(before) is None


def _spelled(sentence: str) -> Fraction | None:
    """Zero to ninety-nine in words, at the start of a statement only."""
    match = _SPELLED.match(sentence.strip(" :$*\"'"))
    if not match:
        return None
    word = match["word"].lower()
    value = _ONES.index(word) if word in _ONES else _TENS[word]
    if match["tens"]:
        value += _TENS[match["tens"].lower()]
    return Fraction(value)
