"""Whether a text shows steps, and whether the sums that it writes out hold: `3 + 4 = 7`,
`$12 x 5 = $60`, `20% of 50 = 10`.

Reads a text and writes nothing. An evaluator of its own: nothing of the text is run. Only what is
surely a sum is judged, and a side that can be read in two ways holds when one of them does: this
check rejects, so a doubt is no reason. Ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

LONGEST_SIDE = 160  # characters of a sum on either side of its sign
LONGEST_NUMBER = 30  # digits
DEEPEST = 20  # brackets in brackets
FEWEST_WORDS = 8  # beside the answer: what says less explains nothing
_DOUBT = "?"  # stands in a sum that cannot be reckoned
_WORD = "word"  # stands before a sum that follows a word
# words beside numbers that change what a sum is worth
_COUNTING = frozenset(
    {
        *("than", "half", "twice", "double", "triple", "thrice", "squared", "cubed", "mod"),
        *("third", "thirds", "quarter", "quarters", "fourth", "fifth", "dozen", "dozens"),
        *("hundred", "thousand", "million", "billion", "remainder", "ratio"),
    }
)
_SPOKEN = {"plus": "+", "minus": "-"}

# a sum with its result
_WORKED_SUM = re.compile(
    r"\d[^\d\n=]{0,40}(?:[-+*/×÷−]|\bx\b|\\times|\\div|\btimes\b|\bplus\b|\bminus\b)"
    r"[^\d\n=]{0,40}\d[^\n=]{0,80}=[^\d\n]{0,40}\d"
)
_SENTENCE = re.compile(r"[^.!?\n]+")
_STATES_ANSWER = re.compile(r"\banswer\b|\\boxed", re.IGNORECASE)
_WORD_SAID = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_SIGN = re.compile(r"=+|≈|≃|\\approx\b")
# a result of whole things: `100 / 3 = 33 each, with 1 left`
_ROUNDED = re.compile(
    r"\b(?:remain\w*|left over|leftover|rounded|whole|nearest|about)\b", re.IGNORECASE
)
# one piece of a sum; a word between numbers is a unit, except `of` and a lone x
_PIECE = re.compile(
    r"""(?P<number>\d[\d,]*(?:\.\d+)?|\.\d+)
      | (?P<operator>[-+*/×÷·⋅−–^()\[\]{}]|\\times\b|\\cdot\b|\\div\b)
      | (?P<percent>\\?%)
      | (?P<times>(?:\b|(?<=\d))[xX](?=\s*[($\\€£]*[\d.])|\bof\b|\btimes\b)
      | (?P<currency>\\?[$€£¥₹])
      | (?P<word>[A-Za-z]+)
      | (?P<space>[ \t\u00a0\u202f]+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = {
    "×": "*",
    "·": "*",
    "⋅": "*",
    "\\times": "*",
    "\\cdot": "*",
    "÷": "/",
    "\\div": "/",
    "−": "-",
    "–": "-",
    "[": "(",
    "{": "(",
    "]": ")",
    "}": ")",
}


@dataclass(frozen=True, slots=True)
class Sum:
    """A written equation: both sides as they stand, and whether they are equal."""

    text: str
    holds: bool


class _Unreadable(Exception):
    """A side is no sum of numbers, or one too large to reckon."""


def sums(text: str) -> Iterator[Sum]:
    """Every written sum of a text that can be reckoned: a side with an operator, a sign, a number.

    A chain (`3 + 4 = 7 + 5 = 12`) is several.
    """
    signs = list(_SIGN.finditer(text))
    for number, sign in enumerate(signs):
        begin = signs[number - 1].end() if number else 0
        end = signs[number + 1].start() if number + 1 < len(signs) else len(text)
        left = text[max(begin, sign.start() - LONGEST_SIDE) : sign.start()]
        right = text[sign.end() : min(end, sign.end() + LONGEST_SIDE)]
        holds = _compare(_left_pieces(left), _right_pieces(right), sign.group())
        if holds is None or (not holds and _ROUNDED.search(text, sign.end(), end)):
            continue
        yield Sum(f"{_last_line(left)} {sign.group()} {_first_line(right)}", holds)


def shows_steps(text: str) -> bool:
    """Whether a text says how its answer comes about: a sum with its result, or `FEWEST_WORDS` words
    beside the sentences that state the answer. `The answer is 7.` does not; who learns from it learns
    to leave the steps out.
    """
    if _WORKED_SUM.search(text):
        return True
    words = 0
    for sentence in _SENTENCE.findall(text):
        if not _STATES_ANSWER.search(sentence):
            words += len(_WORD_SAID.findall(sentence))
    return words >= FEWEST_WORDS


def first_false(text: str) -> str | None:
    """The first written sum that does not hold, in its own words; None when all do."""
    for each in sums(text):
        if not each.holds:
            return each.text
    return None


def sums_hold(text: str) -> bool | None:
    """Whether all written sums of a text hold; None when it writes none that can be judged."""
    held = [each.holds for each in sums(text)]
    return all(held) if held else None


def equations(text: str) -> tuple[str, ...]:
    """Every sum that a text works out, in order and in one spelling, whether it holds or not.

    `$3 + 4 apples = 7 apples` and `3+4=7.0` are both `3+4=7`. Numbers that follow no operator work
    nothing out (`the total = 7`).
    """
    signs = list(_SIGN.finditer(text))
    spelled: list[str] = []
    for number, sign in enumerate(signs):
        begin = signs[number - 1].end() if number else 0
        end = signs[number + 1].start() if number + 1 < len(signs) else len(text)
        left = _left_pieces(text[max(begin, sign.start() - LONGEST_SIDE) : sign.start()])
        line = _first_line(text[sign.end() : min(end, sign.end() + LONGEST_SIDE)])
        right = _pieces(line)[0]
        has_numbers = any(isinstance(piece, _Number) for piece in right)
        if _has_operator(left) and has_numbers:
            spelled.append(f"{_spelled(left)}={_spelled(right)}")
    return tuple(spelled)


def _spelled(pieces: _Pieces) -> str:
    """A side without its words; operators that nothing follows belong to no sum."""
    while pieces and not isinstance(pieces[-1], _Number) and pieces[-1] != ")":
        pieces = pieces[:-1]
    written = ""
    for piece in pieces:
        if isinstance(piece, _Number):
            written += f"{piece.value}%" if piece.percent else str(piece.value)
        elif piece not in (_WORD, _DOUBT):
            written += _OPERATORS.get(piece, piece)
    return written


# -- the two sides --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Number:
    """A written number: its value, its decimals, and whether a percent sign follows it."""

    value: Fraction
    decimals: int
    percent: bool = False

    def as_share(self) -> Fraction:
        return self.value / 100 if self.percent else self.value


_Pieces = list[_Number | str]


def _left_pieces(text: str) -> _Pieces:
    """The sum that ends at the sign: what stands after the last mark that belongs to none."""
    return _pieces(_last_line(text))[-1]


def _right_pieces(text: str) -> _Pieces:
    """The sum that begins at the sign."""
    parts = _pieces(_first_line(text))
    is_mixed = len(parts) > 1 and parts[1][:1] == [_DOUBT]  # `1 1/2`, `18 000`
    return [_DOUBT] if is_mixed else parts[0]


def _last_line(text: str) -> str:
    return text.rpartition("\n")[2].strip()


def _first_line(text: str) -> str:
    return text.strip(" \t").partition("\n")[0].strip()


def _pieces(line: str) -> list[_Pieces]:
    """A line's numbers and operators, cut where something stands that belongs to no sum."""
    parts: list[_Pieces] = [[]]
    after_word = False
    for piece in _PIECE.finditer(line):
        part = parts[-1]
        sort = piece.lastgroup
        written = piece.group()
        if sort == "number":
            if part and isinstance(part[-1], _Number):
                # a unit and another number begin anew; `1 1/2` and `350 000` are read elsewhere
                parts.append([] if after_word else [_DOUBT])
            parts[-1].append(_number(written))
        elif sort == "operator":
            operator = _OPERATORS.get(written, written)
            if operator == "(" and after_word:
                parts.append([])
            parts[-1].append(operator)
        elif sort == "times":
            part.append("*")
        elif sort == "percent":
            if part and isinstance(part[-1], _Number):
                last = part[-1]
                part[-1] = _Number(last.value, last.decimals, percent=True)
        elif sort == "word":
            _add_word(parts, written)
        elif sort == "other":
            is_clock = written == ":" and line[piece.end() : piece.end() + 1].isdigit()
            parts.append([_DOUBT] if is_clock else [])
        if sort != "space":
            after_word = sort == "word"
    return parts


def _add_word(parts: list[_Pieces], word: str) -> None:
    """A unit after a number, an operator, a variable or a counting word, or words between sums."""
    part = parts[-1]
    after_number = bool(part) and (isinstance(part[-1], _Number) or part[-1] == ")")
    if word.lower() in _SPOKEN and after_number:
        part.append(_SPOKEN[word.lower()])
    elif len(word) == 1 or word.lower() in _COUNTING:
        part.append(_DOUBT)
    elif not after_number and part != [_WORD]:
        parts.append([_WORD])


def _number(written: str) -> _Number:
    digits = written.replace(",", "")
    whole, _, decimals = digits.partition(".")
    if len(whole) + len(decimals) > LONGEST_NUMBER:
        return _Number(Fraction(0), -1)
    return _Number(Fraction(f"{whole or '0'}.{decimals or '0'}"), len(decimals))


def _compare(left: _Pieces, right: _Pieces, sign: str) -> bool | None:
    """Whether both sides are equal; None where one cannot be reckoned or nothing is reckoned."""
    result = _result(right)
    if result is None or not _has_operator(left):
        return None
    try:
        values = {_evaluate(left, shares=True), _evaluate(left, shares=False)}
    except _Unreadable:
        return None
    targets = {result.value, result.as_share(), result.value / 100}
    if _has_operator(right):
        try:
            targets.add(_evaluate(right, shares=True))
        except _Unreadable:
            return None
    margin = _margin(result, sign)
    return any(abs(value - target) <= margin for value in values for target in targets)


def _margin(result: _Number, sign: str) -> Fraction:
    """How far a rounded result may lie from the exact one."""
    if not sign.startswith("="):
        return max(Fraction(1), abs(result.value) / 20)
    return Fraction(1, 10**result.decimals) if result.decimals else Fraction(0)


def _result(right: _Pieces) -> _Number | None:
    """The number that a right side begins with, with its sign."""
    negative = bool(right) and right[0] == "-"
    first = right[1 if negative else 0 : 2 if negative else 1]
    if not first or not isinstance(first[0], _Number) or first[0].decimals < 0:
        return None
    number = first[0]
    value = -number.value if negative else number.value
    return _Number(value, number.decimals, number.percent)


def _has_operator(pieces: _Pieces) -> bool:
    """Whether an operator stands between two numbers."""
    numbers = sum(isinstance(piece, _Number) for piece in pieces)
    operators = sum(piece in ("+", "-", "*", "/", "^") for piece in pieces)
    return numbers >= 2 and operators >= 1


# -- the evaluator --------------------------------------------------------------------------------


def _evaluate(pieces: _Pieces, *, shares: bool) -> Fraction:
    """The value of a sum. `shares`: 20% is 0.2, else 20. Raises _Unreadable."""
    if pieces and pieces[0] == _WORD:
        pieces = pieces[1:]
        if pieces and not isinstance(pieces[0], _Number) and pieces[0] != "(":
            raise _Unreadable  # `apples - 3`: what the word stands for is part of it
    while pieces and pieces[-1] in ("+", "-", "*", "/", "^", "("):
        pieces = pieces[:-1]
    reader = _Reader(pieces, shares)
    value = reader.sum(0)
    if reader.position != len(pieces):
        raise _Unreadable
    return value


class _Reader:
    """Recursive descent: sums of products of powers of numbers and brackets."""

    def __init__(self, pieces: _Pieces, shares: bool) -> None:
        self._pieces = pieces
        self._shares = shares
        self.position = 0

    def _next(self) -> _Number | str | None:
        if self.position < len(self._pieces):
            return self._pieces[self.position]
        return None

    def sum(self, depth: int) -> Fraction:
        value = self._product(depth)
        while self._next() in ("+", "-"):
            operator = self._next()
            self.position += 1
            other = self._product(depth)
            value = value + other if operator == "+" else value - other
        return value

    def _product(self, depth: int) -> Fraction:
        value = self._power(depth)
        divisions = 0
        while self._next() in ("*", "/", "("):
            operator = self._next()
            divisions += operator == "/"
            if divisions > 1:
                raise _Unreadable  # `12 / 1/3`: which of them is the fraction?
            if operator != "(":  # a bracket right after a number multiplies
                self.position += 1
            other = self._power(depth)
            if operator == "/":
                if other == 0:
                    raise _Unreadable
                value /= other
            else:
                value *= other
        return value

    def _power(self, depth: int) -> Fraction:
        value = self._atom(depth)
        if self._next() != "^":
            return value
        self.position += 1
        exponent = self._atom(depth)
        too_large = exponent.denominator != 1 or abs(exponent) > 9
        if too_large or (value == 0 and exponent < 0):
            raise _Unreadable
        return Fraction(value ** int(exponent))

    def _atom(self, depth: int) -> Fraction:
        piece = self._next()
        self.position += 1
        if depth > DEEPEST or piece is None:
            raise _Unreadable
        if piece == "-":
            return -self._atom(depth + 1)
        if piece == "(":
            value = self.sum(depth + 1)
            if self._next() != ")":
                raise _Unreadable
            self.position += 1
            return value
        if isinstance(piece, _Number) and piece.decimals >= 0:
            return piece.as_share() if self._shares else piece.value
        raise _Unreadable
