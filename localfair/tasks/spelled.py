"""English number words by value: `one hundred and twenty`, `two and a half`, `three quarters`.

Reads a text and writes nothing. Knows no digits and no task. Words that make no number together
("twenty twelve", "five quarters") have no value. Vague words ("a couple", "several") are no numbers.
Ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from localfair.tasks.names import words

_ONES = {
    word: value
    for value, word in enumerate(words("one two three four five six seven eight nine"), 1)
}
_TEENS = {
    word: value
    for value, word in enumerate(
        words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
        10,
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(words("twenty thirty forty fifty sixty seventy eighty ninety"), 2)
}
_HUNDRED = "hundred"
# What multiplies the words before it; a smaller one may follow a larger one.
SCALES = {
    "thousand": 10**3,
    "lakh": 10**5,
    "million": 10**6,
    "crore": 10**7,
    "billion": 10**9,
    "trillion": 10**12,
}
_DOZEN = "dozen"
_HALF = "half"
_SINGULAR = {
    "half": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "twelfth": 12,
    "twentieth": 20,
    "hundredth": 100,
    "thousandth": 1000,
}
_PLURAL = {"halves": 2} | {f"{word}s": value for word, value in _SINGULAR.items() if word != _HALF}
_ARTICLES = ("a", "an")
_CARDINALS = (*_ONES, *_TEENS, *_TENS)
_MULTIPLES = (_HUNDRED, *SCALES, _DOZEN)


def _any(names: Sequence[str]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


_GAP = r"(?:\s{1,2}|-)"
# one million, two hundred thousand
_COMMA = rf"(?<=(?:sand|lion)),\s(?=(?:{_any((*_ONES, *_TEENS, *_TENS))})(?:-\w{{3,5}})?\s(?:hundred|thousand)\b)"
_AFTER_ARTICLE = _any([*_MULTIPLES, *_SINGULAR])
# every word that may stand in a number after its first
_NEXT = _any(["zero", *_CARDINALS, *_MULTIPLES, *_SINGULAR, *_PLURAL])
_ARTICLE = rf"an?(?={_GAP}(?:{_AFTER_ARTICLE})\b)"
_FIRST = rf"(?:zero|{_any(_CARDINALS)}|{_HALF}|{_ARTICLE})"
_RUN = re.compile(
    rf"\b{_FIRST}\b(?:(?:{_GAP}|{_COMMA})(?:and{_GAP}|point{_GAP})?(?:{_NEXT}|{_ARTICLE})\b){{0,40}}",
    re.IGNORECASE,
)
_FRACTION_AFTER_AND = re.compile(
    rf"{_GAP}and{_GAP}(?P<fraction>(?:(?:an?|{_any(tuple(_ONES))}){_GAP})?"
    rf"(?:{_any([*_SINGULAR, *_PLURAL])}))\b",
    re.IGNORECASE,
)
_OF = re.compile(r"\s+of\b")


def runs(text: str) -> Iterator[tuple[int, int, Fraction | None]]:
    """Where number words stand, and their value; None where they make no number.

    Words that only count some of a whole ("two of them") are left out.
    """
    for match in _RUN.finditer(text):
        value = value_of(match[0])
        counts_some = _OF.match(text, match.end()) and match[0].lower() in _CARDINALS
        if not counts_some:
            yield match.start(), match.end(), value


def fraction_after(text: str, start: int) -> tuple[Fraction, int] | None:
    """The fraction and where it ends, of ` and a half` at `start`; None where there is none."""
    match = _FRACTION_AFTER_AND.match(text, start)
    value = value_of(match["fraction"]) if match else None
    if match is None or value is None:
        return None
    return value, match.end()


def value_of(text: str) -> Fraction | None:
    """The value of a number in words, or None when the words make no number."""
    return _value(re.split(r"[\s,-]+", text.strip().lower()))


def _value(names: list[str]) -> Fraction | None:
    """A number in lower-case words: a fraction, a multiple of one, a decimal or a cardinal."""
    if not names:
        return None
    *before, last = names
    if last in _SINGULAR or last in _PLURAL:
        return _fraction(before, last)
    if _HALF in before or "quarter" in before or "quarters" in before:
        return _multiple_of_a_fraction(before, last)
    if "point" in names:
        return _decimal(names)
    return _cardinal(names)


def _fraction(before: list[str], last: str) -> Fraction | None:
    """`half`, `three quarters`, `two and a third`. None for `five quarters` and `twenty third`."""
    whole: Fraction | None = Fraction(0)
    if "and" in before:
        last_and = len(before) - 1 - before[::-1].index("and")
        whole = _cardinal(before[:last_and])
        before = before[last_and + 1 :]
    top = _top(before, last)
    bottom = (_SINGULAR | _PLURAL)[last]
    is_singular = last in _SINGULAR
    if whole is None or top is None or (top == 1) != is_singular or top >= bottom:
        return None
    return whole + top / bottom


def _top(names: list[str], bottom: str) -> Fraction | None:
    if names in ([], ["a"], ["an"]):
        return Fraction(1) if names or bottom == _HALF else None
    return _cardinal(names)


def _multiple_of_a_fraction(before: list[str], last: str) -> Fraction | None:
    """`half a dozen`, `two and a half million`."""
    multiple = {_HUNDRED: 100, _DOZEN: 12, **SCALES}.get(last)
    if before[-1] in _ARTICLES:
        before = before[:-1]
    fraction = _value(before)
    if multiple is None or fraction is None:
        return None
    return fraction * multiple


def _decimal(names: list[str]) -> Fraction | None:
    """`two point five`: the digits after the point are said one by one."""
    point = names.index("point")
    whole = _cardinal(names[:point])
    digits = ""
    for name in names[point + 1 :]:
        if name != "zero" and name not in _ONES:
            return None
        digits += str(_ONES.get(name, 0))
    if whole is None or not digits:
        return None
    return whole + Fraction(int(digits), 10 ** len(digits))


def _cardinal(names: list[str]) -> Fraction | None:
    """A whole number. None when a word may not follow the one before it."""
    if names == ["zero"]:
        return Fraction(0)
    if names and names[-1] == _DOZEN:
        dozens = [1] if names[:-1] in (["a"], ["an"]) else [_cardinal(names[:-1])]
        return None if dozens[0] is None else Fraction(12 * dozens[0])
    total = 0
    group = 0
    least_scale = max(SCALES.values()) + 1
    for position, name in enumerate(names):
        following = names[position + 1] if position + 1 < len(names) else ""
        if name in _ARTICLES and not group and (following == _HUNDRED or following in SCALES):
            group = 1
        elif name == "and" and following and names[position - 1] in {_HUNDRED, *SCALES}:
            continue
        elif name in SCALES and group and SCALES[name] < least_scale:
            least_scale = SCALES[name]
            total += group * least_scale
            group = 0
        elif _fits(name, group):
            group = 100 * group if name == _HUNDRED else group + _below_hundred(name)
        else:
            return None
    return Fraction(total + group) if total + group else None


def _below_hundred(name: str) -> int:
    return (_ONES | _TEENS | _TENS)[name]


def _fits(name: str, group: int) -> bool:
    """Whether the word may follow a group of that value: `twenty` then `five`, not `twelve`."""
    if name == _HUNDRED:
        return 0 < group < 100
    is_open = group % 100 == 0
    if name in _ONES:
        return is_open or (group % 10 == 0 and group % 100 >= 20)
    return is_open and (name in _TEENS or name in _TENS)
