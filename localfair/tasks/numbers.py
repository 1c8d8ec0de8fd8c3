r"""The number a text ends on, exactly.

Reads a text and writes nothing. Knows no task. `read_number` takes the explicit final statement
first, else the last sentence with a number. How a number is written stands in `numerals`, what a
sentence of several comes to in `equations`. What cannot be told is None: a sum that is never worked
out, `20 or 25`, `between 20 and 25`, `1.2.3`. Ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice

from localfair.tasks.cleaning import clean
from localfair.tasks.denials import CONCLUDES, OTHERWISE, asks, is_denied, is_open
from localfair.tasks.equations import Chain, chains, is_result
from localfair.tasks.numerals import Numeral, exact, scan
from localfair.tasks.second_thoughts import SecondThoughts, second_thoughts
from localfair.tasks.statements import Statement, statements

_LONGEST_SENTENCE = 2000  # characters
_LONGEST_WORDS = 100  # characters of a reply that is one number in words
_LONGEST_GAP = 80  # characters after a stated number in which its author may turn
_ROUNDING = 10**6  # a rounded decimal is off by one part in that many at most
_PLACES_OF_WHOLE = 6
_SOLVED = re.compile(r"[,;]\s?(?:so\s|and\s|thus\s)?[a-z]\s?=\s?$")  # 2x = 72, x = 36
# what may stand between "the answer is" and its number
_FILLER = re.compile(
    r"""[\W_]*(?:(?:about|approximately|approx|around|roughly|exactly|precisely|only|just|simply|also|now|still|then|thus|therefore|a\s+total\s+of|the\s+(?:total|sum|number|amount)(?:\s+of)?|equal\s+to|indeed|at\s+least|at\s+most|found|as|follows|USD|EUR
        |Rs|but|it|it's|is|rather|\\?text|\\?approx|\\?sim)\b[\W_]*|[a-z]\s?=[\W_]*){0,6}""",
    re.IGNORECASE | re.VERBOSE,
)
# a bound or a range is no number
_BOUND = re.compile(
    r"""(?:\b(?:between|either|from|(?:less|greater|more|fewer)\s+than\s+or\s+equal\s+to|no\s+(?:more|less|fewer)\s+than
        |zwischen|entre|между|mehr\s+als|weniger\s+als|m[áa]s\s+de|menos\s+de|plus\s+de|moins\s+de|mais\s+de|più\s+di|meno\s+di
        |meer\s+dan|minder\s+dan|более|больше|менее|меньше|(?:more|less|fewer|greater|larger|smaller|higher|lower)\s+than|over|under|above|below
        |nearly|almost|(?<!add\s)(?<!adds\s)(?<!sum\s)(?<!sums\s)(?<!come\s)(?<!comes\s)up\s+to|anywhere|somewhere|ranges?|plus\s+or\s+minus)\b|[<>≤≥±]|超过|超過|大于|小于|少于|多于|不到|\\(?:pm|leq?|geq?|lt|gt)\b)
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
# "it is 3 more than hers"
_COMPARED = re.compile(
    r"\W*(?:\w+\s+){0,2}?(?:more|less|fewer|times|of|out|higher|lower)\b", re.IGNORECASE
)
# "two 5 dollar bills, 10 in all"
_AFTER_PARTS = re.compile(
    r"(?:[,;:(—]|\s-|\b(?:so|for|is|are|makes?|making|totals?|totall?ing|gives?|giving|i\.?e\.?))\s*[$€£]?$",
    re.IGNORECASE,
)
_IN_ALL = re.compile(
    r"(?:\s[A-Za-z]+){0,3}?\s(?:in\s(?:all|total)|all\stogether|altogether|overall|combined|total)\b",
    re.IGNORECASE,
)
_EACH = re.compile(r"\b(?:each|every|apiece|per|out\s+of)\b", re.IGNORECASE)
# words between two numbers that begin no other clause
_IN_A_SUM = re.compile(
    r"(?:\s(?!(?:because|since|as|so|and|but|or|where|when|while|after|before|with|using|from|if|given"
    r"|that|which|who|to|than|not)\b)[A-Za-z']+){0,5}\s[$€£]?",
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
        thoughts = second_thoughts(text)
        if thoughts:
            value = _rethought(thoughts)
            if value is not None:
                return value
            denied |= _denied(thoughts.sentence)
        for statement in statements(text):
            if is_open(statement.line):
                raise _Ambiguous
            value = _stated(statement)
            if thoughts and (asks(thoughts.text) or value != _ending(thoughts.text, value)):
                return None
            if value is not None:
                # "The answer is 10. No, the answer is not 10."
                return None if value in denied else value
            denied |= _denied(statement.sentence)
        if is_open(text):
            return None
        value = _ending(text)
        if value is None and len(text) <= _LONGEST_WORDS:
            # a number in words and nothing else
            value = exact(text.strip(" .!*\n"))
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
    """Equal; or one is a decimal that is the other rounded to the decimal's own last place, and
    they differ by one part in a million at most.

    `0.333333` is 1/3, `0.33` is not. Of two decimals none is cut short: only a number that no
    decimal is exact of may be (`0.666666` is 2/3).
    """
    if a == b:
        return True
    is_near = abs(a - b) * _ROUNDING <= max(abs(a), abs(b))
    return is_near and (_is_rounded(a, b) or _is_rounded(b, a))


def _is_rounded(decimal: Fraction, value: Fraction) -> bool:
    """Whether a decimal is a value rounded to the decimal's last place.

    A whole number counts as written to six places: 12 is 11.9999999, what binary fractions make
    of it.
    """
    places = _places(decimal)
    if places is None:
        return False
    steps: int = 10**places
    difference = abs(decimal - value) * steps
    if _places(value) is None:
        return difference < 1
    return 2 * difference <= 1


def _places(value: Fraction) -> int | None:
    """The decimal places of a value, or None when no decimal is exact."""
    rest = value.denominator
    if rest == 1:
        return _PLACES_OF_WHOLE
    twos = (rest & -rest).bit_length() - 1
    rest >>= twos
    fives = 0
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    return max(twos, fives) if rest == 1 else None


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
    # alone in a box, 5! is a factorial
    is_whole = statement.marker in ("hashes", "boxed")
    if is_whole and re.search(r"\d\s?!$", statement.line):
        raise _Ambiguous
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
    total = _in_all(sentence, grouped)
    if total is not None:
        return total
    if len(grouped) > 1 and not first.is_equation:
        gap = sentence[first.end : grouped[1].start]
        # "5 choose 2 = 10": words that are read as no operation stand between the numbers of one
        if "equals" in grouped[1].links and _IN_A_SUM.fullmatch(gap):
            return _result(grouped[1], is_strict=False)
        # "two 5 dollar bills"
        if not gap.strip():
            raise _Ambiguous
    if len(grouped) > 1:
        settled = _settled(sentence, grouped)
        if settled is not None:
            return settled
    value = _result(first, is_strict=True)
    # "Three days each make 60 / 3 = 20" begins with a number word that is no answer
    if numerals[0].is_word and any(_differs(chain, value) for chain in grouped[1:]):
        raise _Ambiguous
    return value


def _settled(sentence: str, grouped: Sequence[Chain]) -> Fraction | None:
    """The number that a statement concludes after a sum or a term it began with (`24 × 3, so 72`),
    or None where it does not go on.

    Raises _Ambiguous where it goes on to another number: "20, possibly 25", "$6 each, so $72".
    """
    first, second, *_ = grouped
    is_term = any(side[0].is_coefficient for side in first.sides)
    if is_term and _SOLVED.search(sentence[: grouped[-1].start]):
        return _result(grouped[-1], is_strict=True)
    gap = sentence[first.end : second.start]
    if is_term or not OTHERWISE.search(gap[:_LONGEST_GAP]):
        return None
    value = None if first.is_sum else first.value(is_strict=True)
    other = second.value(is_strict=False)
    if value is None and CONCLUDES.fullmatch(gap):
        return other
    if value is None or other is None or not same_number(value, other):
        raise _Ambiguous
    return None


def _in_all(sentence: str, grouped: Sequence[Chain]) -> Fraction | None:
    """The number that is said to be all of those before it and is their sum or product, or None:
    `two 5 dollar bills, 10 in all`.
    """
    if _EACH.search(sentence):
        return None
    sides = [side for chain in grouped for side in chain.sides]
    parts: list[Fraction] = []
    for side in sides:
        numeral = side[0]
        if len(side) > 1 or numeral.value is None:
            return None
        is_last = _AFTER_PARTS.search(sentence[: numeral.start]) and _IN_ALL.match(
            sentence, numeral.end
        )
        if is_last and len(parts) > 1:
            # "24 hours, 1 day in total" adds up nothing
            is_all = numeral.value in (sum(parts), math.prod(parts))
            return numeral.value if is_all else None
        parts.append(numeral.value)
    return None


def _rethought(thoughts: SecondThoughts) -> Fraction | None:
    """The number that a correction says instead, or None when it says none.

    Raises _Ambiguous when it says only that the statement was wrong, or how its number compares to
    another ("it is 3 more than hers").
    """
    numerals = [*scan(thoughts.sentence)]
    value = None
    if thoughts.line and numerals:
        value = _stated(Statement(thoughts.line, "answer"))
    if value is None and thoughts.is_withdrawn:
        raise _Ambiguous
    is_compared = bool(numerals) and _COMPARED.match(thoughts.sentence, numerals[0].end)
    if value is not None and is_compared:
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


def _ending(text: str, otherwise: Fraction | None = None) -> Fraction | None:
    """The result of the last sentence that has a number in digits, or `otherwise` without one.

    Raises _Ambiguous when it cannot be told.
    """
    for sentence in _last_sentences(text):
        numerals = [numeral for numeral in scan(sentence) if not numeral.is_word]
        numerals = [numeral for numeral in numerals if not _is_denied(sentence, numeral)]
        if numerals:
            return _of_ending(sentence, chains(sentence, numerals))
    return otherwise


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
            if _DIGIT.search(sentence) and not asks(sentence):
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
    """Whether "not" stands before the number, or "is wrong" after it."""
    return is_denied(sentence, numeral.start, numeral.end)
