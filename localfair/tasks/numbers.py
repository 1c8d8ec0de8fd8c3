r"""The number a text ends on, exactly.

Reads a text and writes nothing. Knows no task. `read_number` takes the explicit final statement
first, else the last sentence with a number. How a number is written stands in `numerals`, what a
sentence of several comes to in `equations`. What cannot be told is None: a sum that is never worked
out, `20 or 25`, `between 20 and 25`, `1.2.3`. Ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice

from localfair.tasks.equations import Chain, chains, is_result
from localfair.tasks.numerals import Numeral, scan
from localfair.tasks.statements import Statement, clean, statements

_LONGEST_SENTENCE = 2000  # characters
_DENIAL = re.compile(
    r"(?:\b(?:not|cannot|never|neither|nor|rather\s+than|instead\s+of)|n't)\s+(?:be\s+)?(?:(?:equal\s+to|about|exactly)\s+)?$",
    re.IGNORECASE,
)
# what may stand between "the answer is" and its number
_FILLER = re.compile(
    r"""[\W_]*(?:(?:about|approximately|approx|around|roughly|exactly|precisely|only|just|simply|also|now|still|then|thus|therefore|a\s+total\s+of|the\s+(?:total|sum|number|amount)(?:\s+of)?|equal\s+to|indeed|at\s+least|at\s+most|found|as|follows|USD|EUR
        |Rs|but|it|it's|is|rather|\\?text|\\?approx|\\?sim)\b[\W_]*|[a-z]\s?=[\W_]*){0,6}""",
    re.IGNORECASE | re.VERBOSE,
)
# a bound or a range is no number
_BOUND = re.compile(
    r"""(?:\b(?:between|either|from|(?:more|less|fewer|greater|larger|smaller|higher|lower)\s+than|over|under|above|below
        |nearly|almost|(?<!add\s)(?<!adds\s)(?<!sum\s)(?<!sums\s)(?<!come\s)(?<!comes\s)up\s+to|anywhere|somewhere|ranges?|plus\s+or\s+minus)\b|[<>≤≥±]|\\(?:pm|leq?|geq?|lt|gt)\b)
        [\s$€£]*$""",
    re.IGNORECASE | re.VERBOSE,
)
# 5 or more, 5+
_BOUND_AFTER = re.compile(
    r"[\s%$€£]*(?:\w+\s)?(?:\b(?:or|and)\s+(?:more|less|fewer|higher|lower|greater|above|below|over|so)\b"
    r"|\+(?!\s*[\w$(\\]))",
    re.IGNORECASE,
)
# "in 4 boxes": a number that a question gives
_GIVEN = re.compile(
    r"\b(?:in|of|for|from|per|with|within|by|at|after|before|on|over|every|each|to|than|out\s+of|among|into|during|if"
    r"|when|since|because|through|step|these|those|all|his|her|their|its|the)\s+[$€£]?$",
    re.IGNORECASE,
)
# <<48/2=24>>24, the calculator marks of GSM8K
_CALCULATOR = re.compile(r"<<[^<>\n]{0,200}>>(?=[-\d.])")
_SENTENCE_BREAK = re.compile(r"(?<=[.!?;])\s")
_DIGIT = re.compile(r"\d|√|π|\\frac|\\sqrt|\\pi")
_WEAK_WORDS = re.compile(r"(?:one|half|(?:an?|one)[\s-]\w+)", re.IGNORECASE)


class _Ambiguous(Exception):
    """The text states what cannot be told to be one number."""


def read_number(text: str) -> Fraction | None:
    """The value the text states, or None when it states none or it cannot be told."""
    text = _CALCULATOR.sub("", clean(text))
    denied: set[Fraction | None] = set()
    try:
        for statement in statements(text):
            value = _stated(statement)
            if value is not None:
                # "The answer is 10. No, the answer is not 10."
                return None if value in denied else value
            denied |= _denied(statement.sentence)
        value = _ending(text)
        return None if value in denied else value
    except _Ambiguous:
        return None


def read_denied(text: str) -> Fraction | None:
    """The number of which a text says that it is not the answer, or None."""
    text = clean(text)
    sentences = [statement.sentence for statement in islice(statements(text), 1)]
    for sentence in sentences or islice(_last_sentences(text), 1):
        for value in _denied(sentence):
            return value
    return None


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
    """The number a final statement means, or None when it states none.

    Raises _Ambiguous when it states what cannot be told.
    """
    # what stands after #### is the answer whole: a full stop in it ends no sentence
    sentence = statement.line if statement.marker == "hashes" else statement.sentence
    # "The answer is 24? No, ..." asks
    if statement.marker == "answer" and statement.line[len(sentence) :].startswith("?"):
        return None
    numerals = _meant(sentence, [*scan(sentence)])
    if not numerals:
        return None
    opening = sentence[: numerals[0].start]
    is_opening = _FILLER.fullmatch(opening) is not None
    grouped = chains(sentence, numerals)
    first = grouped[0]
    # "Answer: She sold 24 in May" and "Answer: 48 + 24" begin a solution: the text goes on after them
    if not statement.firm and (first.is_sum or re.search(r"\w", opening)):
        return None
    is_bound = _BOUND.search(opening) or _BOUND_AFTER.match(sentence, numerals[0].end)
    if is_bound and not first.is_equation:
        raise _Ambiguous
    if not is_opening:
        return _of_clause(sentence, grouped)
    value = _result(first, is_strict=True)
    # "Three days each make 60 / 3 = 20" begins with a number word that is no answer
    if numerals[0].is_word and any(_differs(chain, value) for chain in grouped[1:]):
        raise _Ambiguous
    return value


def _result(chain: Chain, *, is_strict: bool) -> Fraction:
    """What a chain comes to. Raises _Ambiguous when it comes to nothing."""
    value = chain.value(is_strict=is_strict)
    if value is None:
        raise _Ambiguous
    return value


def _differs(chain: Chain, value: Fraction) -> bool:
    """Whether the chain is an equation with another result."""
    return chain.is_equation and chain.value(is_strict=False) != value


def _of_clause(sentence: str, grouped: Sequence[Chain]) -> Fraction:
    """The result that a clause of words and numbers states: that of its last equation, else the
    number that is no given one ("in 4 boxes"). Raises _Ambiguous when several remain.
    """
    equations = [
        chain for chain in grouped if chain.is_equation and "alternative" not in chain.links
    ]
    if equations:
        return _result(equations[-1], is_strict=False)
    candidates = [chain for chain in grouped if not _GIVEN.search(sentence[: chain.start])]
    results = [chain for chain in candidates if is_result(sentence[: chain.start])]
    for chosen in (candidates, results):
        values = {_result(chain, is_strict=True) for chain in chosen}
        if len(values) == 1:
            return values.pop()
    if len(grouped) == 1:
        return _result(grouped[0], is_strict=True)
    raise _Ambiguous


def _ending(text: str) -> Fraction | None:
    """The result of the last sentence that has a number in digits, or None when there is none.

    Raises _Ambiguous when it cannot be told.
    """
    for sentence in _last_sentences(text):
        numerals = [numeral for numeral in scan(sentence) if not numeral.is_word]
        numerals = [numeral for numeral in numerals if not _is_denied(sentence, numeral)]
        if numerals:
            return _of_ending(sentence, chains(sentence, numerals))
    return None


def _of_ending(sentence: str, grouped: Sequence[Chain]) -> Fraction:
    """The last equation or number that is no given one ("in 4 boxes"), else the last of all."""
    chosen = grouped[-1]
    for chain in grouped:
        if chain.is_equation or not _GIVEN.search(sentence[: chain.start]):
            chosen = chain
    if _BOUND.search(sentence[: chosen.start]) and not chosen.is_equation:
        raise _Ambiguous
    return _result(chosen, is_strict=False)


def _last_sentences(text: str) -> Iterator[str]:
    """The sentences that have a digit, the last one first."""
    for line in reversed(text.splitlines()):
        if not _DIGIT.search(line):
            continue
        for sentence in reversed(_SENTENCE_BREAK.split(line[-_LONGEST_SENTENCE:])):
            if _DIGIT.search(sentence):
                yield sentence


def _meant(sentence: str, numerals: Sequence[Numeral]) -> list[Numeral]:
    """The numbers of a sentence without those it denies and words that only count in passing."""
    meant = []
    for numeral in numerals:
        if _is_denied(sentence, numeral):
            continue
        word = sentence[numeral.start : numeral.end]
        is_opening = _FILLER.fullmatch(sentence[: numeral.start]) is not None
        if numeral.is_word and not is_opening and _WEAK_WORDS.fullmatch(word):
            continue
        meant.append(numeral)
    return meant


def _denied(sentence: str) -> set[Fraction | None]:
    """The numbers of which a sentence says that they are not the answer."""
    return {numeral.value for numeral in scan(sentence) if _is_denied(sentence, numeral)}


def _is_denied(sentence: str, numeral: Numeral) -> bool:
    """Whether "not" stands before the number."""
    return _DENIAL.search(sentence[max(0, numeral.start - 40) : numeral.start]) is not None
