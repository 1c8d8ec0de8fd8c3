r"""How a number is written, and its exact value.

Reads a text and writes nothing. Knows no statements, no task. `exact` takes one complete written
number; `scan` yields every number of a text. Values are `fractions.Fraction`, so that no rounding
makes a right answer wrong. Ours.

Separators are read by the rule of `digits`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from localfair.tasks.cleaning import clean
from localfair.tasks.digits import LONGEST, SPACES, plain_digits
from localfair.tasks.powers import power_at, raised
from localfair.tasks.sizes import CURRENCY, CURRENCY_CODE, size_at
from localfair.tasks.spelled import fraction_after, runs
from localfair.tasks.terms import is_argument, is_term

_LONGEST_BRACE = 120  # characters between the braces of a LaTeX command
_ROOT_PLACES = 12  # decimal places of a root or of pi
_PI = Fraction("3.141592653590")

_START = re.compile(r"\d|(?<!\.)\.\d|\\frac|\\sqrt|√|π|\\pi\b")
# Digits with their separators. A space or an apostrophe parts groups of three and nothing else.
_DIGITS = re.compile(
    rf"(?P<grouped>[1-9]\d{{0,2}}(?P<space>[{SPACES}'])\d{{3}}(?:(?P=space)\d{{3}})*(?:[.,]\d+)?)(?![\d/]|[.,]\d)"
    r"|(?P<plain>\d+(?:[.,]\d+)*|\.\d+)"
)
_COMMA_DECIMAL = re.compile(r"\d+,\d{1,2}|\d+,\d{4,}")
_BRACKETS = ("()", "[]", "{}")
_LONE_COMMA = re.compile(r"(?:^|\s),$")  # ,5 may be 0.5
_CENTS = re.compile(r"[€£]\d+")  # 18€50
# two fives
_BILLS = re.compile(
    r"\s(?:twos|threes|fours|fives|sixes|sevens|eights|nines|tens|twenties|fifties|hundreds)\b"
)
_EXPONENT = re.compile(r"[eE](?P<exponent>[+-]?\d+)(?!\w)")
_TIMES_TEN = re.compile(r"\s?(?:×|x|\*|·|⋅|\\times|\\cdot)\s?(?=10(?:\s?\^|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]))")
_SLASH = re.compile(r"\s?/\s?(?=[\d.])")
_MORE_SLASHES = re.compile(r"(?:\s?/\s?\d+)+")
_MIXED = re.compile(
    r"\s{1,2}(?:and\s{1,2})?(?P<top>[1-9]\d{0,5})\s?/\s?(?P<bottom>\d{1,6})(?![/\d]|[.,:]\d)"
)
_LATEX_PART = re.compile(rf"\s?(?:\{{(?P<braced>[^{{}}]{{0,{_LONGEST_BRACE}}})\}}|(?P<digit>\d))")
_ROOT_PART = re.compile(rf"\s?(?:\{{(?P<braced>[^{{}}]{{0,{_LONGEST_BRACE}}})\}}|(?P<bare>\d+))")
_ROOT_DEGREE = re.compile(r"\[[^\[\]]{0,20}\]")
_NESTED = re.compile(r"(?:\s?\{[^{}]{0,120}(?:\{[^{}]{0,120}\}[^{}]{0,120}){0,4}\}){0,2}")
_PI_AFTER = re.compile(r"\s?(?:\\pi\b|π|pi\b)")
_ROOT_AFTER = re.compile(r"\s?(?=\\sqrt|√)")
# 3:30, 1:2; 3:00 is three o'clock; "Week 3:210 pages" is a label
_COLON = re.compile(r":\d{1,2}(?::\d+)*(?!\d)")
_OCLOCK = re.compile(r":00(?![:\d])")

_SIGN = re.compile(
    rf"(?P<minus>[-—])\(?(?P<money>[{CURRENCY}]\s?)?$"
    rf"|(?<!\d)(?<!\d\s)[{CURRENCY}]\s?(?P<inner>-?)$"
    r"|(?P<word>\b(?:minus|negative|menos|moins|meno|минус)(?:\s(?:number|value|integer|amount))?\s{1,2}|[负負]|マイナス|마이너스\s?)"
    r"(?P<paid>[$€£]\s?)?$",
    re.IGNORECASE,
)
_NEAREST = 24  # characters before a number in which its sign stands
_BELOW_ZERO = re.compile(
    r"\s?(?:°\s?)?(?:degrees?\s)?(?:°?[CF]\b\s|celsius\s|fahrenheit\s)?below\s(?P<zero>zero|0\b)?",
    re.IGNORECASE,
)
_OPERAND = re.compile(r"[\w)\]}%]$|[\d)]\s+$")
_COUNTED = re.compile(r"[\d)%]\s*(?:[A-Za-z]{1,15}\s+){0,2}$")
_RAISED = re.compile(r"\^\s?[{(]?\s?-?$")
_LATEX_STYLE = re.compile(r"^\$(.*)\$$", re.DOTALL)
_AFTER_EXACT = re.compile(rf"\s?(?:[%{CURRENCY}]|{CURRENCY_CODE})?\s?\.?")
_LEADING_ZERO = re.compile(r"[-+]?0\d")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A written number in a text. `value` is None where it looks like one and cannot be told.

    `is_exact` is False for a root or a multiple of pi, whose value is rounded. `is_word` tells
    number words from digits. `is_coefficient`: it is a part of a term, such as `3x` or `101_2`.
    `is_argument`: a function or a multiple is taken of it, as in "half of 10".
    """

    value: Fraction | None
    start: int
    end: int
    is_exact: bool = True
    is_word: bool = False
    is_coefficient: bool = False
    is_argument: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """A value and where its text ends."""

    value: Fraction | None
    end: int
    is_exact: bool = True

    def times(self, other: Fraction | None, end: int, *, is_exact: bool = True) -> _Piece:
        """The product, None where either is unknown."""
        product = None if self.value is None or other is None else self.value * other
        return _Piece(product, end, self.is_exact and is_exact)


def exact(text: str) -> Fraction | None:
    """The value of one complete written number, with its currency or percent sign if it has one.

    None when the text is anything else, when its separators are ambiguous, when its value is
    irrational, and when a leading zero says that it is a name ("007").
    """
    text = clean(text).strip()
    wrapped = _LATEX_STYLE.match(text)
    if wrapped:
        text = wrapped[1].strip()
    if not text or _LEADING_ZERO.match(text):
        return None
    numerals = list(scan(text[: 10 * LONGEST]))
    if len(numerals) != 1:
        return None
    (numeral,) = numerals
    before = text[: numeral.start].strip()
    is_whole = before in ("", "+") and _AFTER_EXACT.fullmatch(text, numeral.end)
    is_clock = ":" in text
    if not is_whole or is_clock or not numeral.is_exact:
        return None
    return numeral.value


def scan(text: str) -> Iterator[Numeral]:
    """Every number of a cleaned text, in digits or words, in its order.

    Words and exponents that belong to digits are part of their number.
    """
    in_words = iter([*runs(text)])
    spelled = next(in_words, None)
    for numeral in _in_digits(text):
        while spelled and spelled[0] < numeral.start:
            yield _signed_words(text, *spelled)
            spelled = next(in_words, None)
        while spelled and spelled[0] < numeral.end:
            spelled = next(in_words, None)
        yield numeral
    while spelled:
        yield _signed_words(text, *spelled)
        spelled = next(in_words, None)


def _signed_words(text: str, start: int, end: int, value: Fraction | None) -> Numeral:
    sign_start, is_negative = _sign(text, start)
    piece = _powered(text, _Piece(value, end))
    if piece.end > end and value is None:
        piece = _Piece(None, piece.end)
    size = size_at(text, start, piece.end)
    is_part = is_argument(text, start)
    value = None if is_part or not size.factor or _BILLS.match(text, piece.end) else piece.value
    if value is not None and is_negative:
        value = -value
    return Numeral(value, sign_start, piece.end, is_word=True, is_argument=is_part)


def _in_digits(text: str) -> Iterator[Numeral]:
    """Every number that is written in digits or as a LaTeX command."""
    position = 0
    while True:
        start = _START.search(text, position)
        if start is None:
            return
        piece = _number(text, start.start())
        position = max(piece.end, start.end())
        if _RAISED.search(text, max(0, start.start() - 6), start.start()):
            continue
        sign_start, is_negative = _sign(text, start.start())
        value = piece.value
        below = _BELOW_ZERO.match(text, piece.end)
        if below:
            value = -value if value is not None and below["zero"] and not is_negative else None
            piece = _Piece(value, below.end())
            position = piece.end
        is_coefficient = is_term(text, sign_start, piece.end)
        is_part = is_argument(text, start.start())
        if is_coefficient or is_part:
            value = None
        if value is not None and is_negative:
            value = -value
        yield Numeral(
            value,
            sign_start,
            piece.end,
            piece.is_exact,
            is_coefficient=is_coefficient,
            is_argument=is_part,
        )


def _sign(text: str, start: int) -> tuple[int, bool]:
    """Where the sign and currency before a number begin, and whether it is negative.

    The minus of `20 - 15`, `5-10` and `20 minus 15` is none of the number's.
    """
    near = text[max(0, start - _NEAREST) : start]
    match = _SIGN.search(near)
    if not match:
        return start, False
    sign_start = start - len(near) + match.start()
    if match["inner"] is not None:
        outer = text[max(0, sign_start - 1) : sign_start]
        if outer in ("-", "—") and not _is_operand(text, sign_start - 1):
            return sign_start - 1, True
        return sign_start, match["inner"] == "-"
    if match["word"]:
        # "20 minus 5" subtracts; "negative" never does
        can_subtract = not match["word"].lower().startswith("negative")
        subtracts = can_subtract and _COUNTED.search(text[max(0, sign_start - 40) : sign_start])
        return (start, False) if subtracts else (sign_start, True)
    if _is_operand(text, sign_start):
        return start, False
    return sign_start, True


def _is_operand(text: str, end: int) -> bool:
    return _OPERAND.search(text[max(0, end - 4) : end]) is not None


def _number(text: str, start: int) -> _Piece:
    """The number that begins at `start`, with what belongs to it after its digits."""
    piece = _fraction(text, start)
    times_ten = _TIMES_TEN.match(text, piece.end)
    if times_ten:
        power = _factor(text, times_ten.end())
        piece = piece.times(power.value, power.end)
    is_clock = _OCLOCK.match(text, piece.end)
    colon = _COLON.match(text, piece.end)
    if colon:
        return _Piece(piece.value if is_clock else None, colon.end())
    piece = _with_root_or_pi(text, piece)
    size = size_at(text, start, piece.end)
    return piece.times(size.factor, size.end)


def _fraction(text: str, start: int) -> _Piece:
    """A factor, `a/b`, or a mixed number. A date (`1/2/2003`) has no value."""
    piece = _factor(text, start)
    is_whole = text[start : piece.end].isdecimal()
    if is_whole:
        mixed = _MIXED.match(text, piece.end)
        if mixed:
            return piece if _is_improper(mixed) else _Piece(_mixed(piece.value, mixed), mixed.end())
        latex_start = _skip_space(text, piece.end)
        if text.startswith("\\frac", latex_start):
            fraction = _factor(text, latex_start)
            total = None
            if piece.value is not None and fraction.value is not None:
                total = piece.value + fraction.value
            return _Piece(total, fraction.end)
    and_a_half = fraction_after(text, piece.end) if is_whole else None
    if and_a_half and piece.value is not None:
        fraction_value, end = and_a_half
        return _Piece(piece.value + fraction_value, end)
    return _divided(text, piece)


def _divided(text: str, piece: _Piece) -> _Piece:
    slash = _SLASH.match(text, piece.end)
    if not slash:
        return piece
    bottom = _factor(text, slash.end())
    more = _MORE_SLASHES.match(text, bottom.end)
    if more:
        return _Piece(None, more.end())
    if not bottom.value:
        return _Piece(None, bottom.end)
    return piece.times(1 / bottom.value, bottom.end, is_exact=bottom.is_exact)


def _is_improper(mixed: re.Match[str]) -> bool:
    """Whether `12 24/2` are two numbers."""
    return int(mixed["top"]) >= int(mixed["bottom"])


def _mixed(whole: Fraction | None, mixed: re.Match[str]) -> Fraction | None:
    return None if whole is None else whole + Fraction(int(mixed["top"]), int(mixed["bottom"]))


def _skip_space(text: str, position: int) -> int:
    return position + 1 if text[position : position + 1] == " " else position


def _factor(text: str, start: int) -> _Piece:
    """Digits, a LaTeX fraction, a root or pi, with a power."""
    if text.startswith("\\frac", start):
        return _powered(text, _latex_fraction(text, start + len("\\frac")))
    if text.startswith("\\sqrt", start):
        return _root(text, start + len("\\sqrt"))
    if text[start] == "√":
        return _root(text, start + 1)
    if text[start] in "π\\":
        return _Piece(_PI, start + (1 if text[start] == "π" else 3), is_exact=False)
    digits = _DIGITS.match(text, start)
    if digits is None:
        return _Piece(None, start + 1)
    piece = _Piece(plain_digits(digits[0]), digits.end())
    if _is_pair(text, digits) or _LONE_COMMA.search(text, max(0, start - 2), start):
        piece = _Piece(None, piece.end)
    cents = _CENTS.match(text, piece.end)
    if cents:
        return _Piece(None, cents.end())
    exponent = _EXPONENT.match(text, piece.end)
    if exponent:
        return _Piece(_shifted(piece.value, exponent["exponent"]), exponent.end())
    return _powered(text, piece)


def _is_pair(text: str, digits: re.Match[str]) -> bool:
    """Whether `(3,4)` may be a pair; `(3.4)` and `(1,234)` are numbers."""
    before = text[max(0, digits.start() - 1) : digits.start()]
    after = text[digits.end() : digits.end() + 2].lstrip("\\")[:1]
    return _COMMA_DECIMAL.fullmatch(digits[0]) is not None and before + after in _BRACKETS


def _powered(text: str, piece: _Piece) -> _Piece:
    power = power_at(text, piece.end)
    if power is None:
        return piece
    if power.exponent is None:
        return _Piece(None, power.end)
    return _Piece(raised(piece.value, power.exponent), power.end)


def _shifted(value: Fraction | None, exponent: str) -> Fraction | None:
    """`1.2e5`."""
    shift = raised(Fraction(10), exponent.lstrip("+"))
    return None if value is None or shift is None else value * shift


def _latex_fraction(text: str, start: int) -> _Piece:
    r"""What follows `\frac`: `{1}{2}`, `12`, `1{2}`, ` 1 2`."""
    top = _LATEX_PART.match(text, start)
    bottom = _LATEX_PART.match(text, top.end()) if top else None
    if top is None or bottom is None:
        nested = _NESTED.match(text, start)
        return _Piece(None, nested.end() if nested else start)
    top_value = exact(top["braced"] or top["digit"] or "")
    bottom_value = exact(bottom["braced"] or bottom["digit"] or "")
    if top_value is None or not bottom_value:
        return _Piece(None, bottom.end())
    return _Piece(top_value / bottom_value, bottom.end())


def _root(text: str, start: int) -> _Piece:
    r"""What follows `\sqrt` or `√`. A root that is not rational is rounded; a cube root is not read."""
    inside = _ROOT_PART.match(text, start)
    if inside is None:
        bracket = _ROOT_DEGREE.match(text, start)
        nested = _NESTED.match(text, bracket.end() if bracket else start)
        return _Piece(None, nested.end() if nested else start)
    value = exact(inside["braced"] or inside["bare"] or "")
    if value is None or value < 0:
        return _Piece(None, inside.end())
    top = math.isqrt(value.numerator)
    bottom = math.isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return _Piece(Fraction(top, bottom), inside.end())
    scale = 10**_ROOT_PLACES
    rounded = math.isqrt(value.numerator * scale**2 // value.denominator)
    return _Piece(Fraction(rounded, scale), inside.end(), is_exact=False)


def _with_root_or_pi(text: str, piece: _Piece) -> _Piece:
    r"""`2\sqrt{3}` and `2π` are products."""
    root = _ROOT_AFTER.match(text, piece.end)
    if root:
        factor = _factor(text, root.end())
        piece = piece.times(factor.value, factor.end, is_exact=factor.is_exact)
    pi = _PI_AFTER.match(text, piece.end)
    return piece.times(_PI, pi.end(), is_exact=False) if pi else piece
