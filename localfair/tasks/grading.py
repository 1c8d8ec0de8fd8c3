"""Right, wrong or unreadable: one pure function per kind of answer, and `grade` that picks it.

Reads two texts, writes nothing, knows no task and no model. A `gold` here is always bare;
`bare_gold` takes it out of a data set's own solution. Unreadable means that nothing could be
read, never that what was read is wrong. Ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from localfair.record.nouns import Grade, Graded
from localfair.tasks.choices import letter_of, plain, read_choice, same_choice
from localfair.tasks.numbers import read_number, same_number, show_number
from localfair.tasks.statements import clean, statements
from localfair.tasks.words import join_spelt, plain_words, read_words
from localfair.tasks.yes_no import plain_yes_no, read_yes_no

AnswerKind = Literal["number", "choice", "yes-no", "text"]
_NUMERIC = re.compile(r"\s*[-−]?\s*[$€£]?\s*[-−]?[\d.,/]*\d[\d.,/]*\s*%?\s*")
_UNREADABLE = Graded(Grade.UNREADABLE, None)


def grade(kind: AnswerKind, gold: str, text: str, choices: Sequence[str] = ()) -> Graded:
    """Grade `text` against a bare gold answer of that kind."""
    if kind == "number":
        return grade_number(gold, text)
    if kind == "choice":
        return grade_choice(gold, text, choices)
    return grade_yes_no(gold, text) if kind == "yes-no" else grade_text(gold, text)


def grade_number(gold: str, text: str) -> Graded:
    """By value: `1,234.0` is `1234`, `1/2` is `0.5`, units and currency do not count."""
    said = read_number(text)
    return _graded(
        said is not None and same_number(said, _number(gold)),
        None if said is None else show_number(said),
    )


def grade_choice(gold: str, text: str, choices: Sequence[str] = ()) -> Graded:
    """By letter or by text. Without `choices`, letters are compared, or texts when gold is no letter."""
    letter = letter_of(gold, choices)
    if letter is None:
        assert not choices, f"gold {gold!r} is none of the choices"
        said = read_words(text)
        return _graded(said is not None and plain(said) == plain(gold), said)
    said = read_choice(text, choices)
    return _graded(said is not None and same_choice(said, letter, choices), said)


def grade_yes_no(gold: str, text: str) -> Graded:
    """`yes` and `true`, `no` and `false` are the same; "not true" is no."""
    said = read_yes_no(text)
    return _graded(said == plain_yes_no(gold), said)


def grade_text(gold: str, text: str) -> Graded:
    """Case, punctuation and spelt-out letters do not count."""
    said = read_words(text, one_word=len(plain_words(gold).split()) == 1)
    return _graded(said is not None and plain_words(join_spelt(said)) == plain_words(gold), said)


def answer_kind(gold: str, choices: Sequence[str] = ()) -> AnswerKind:
    """The kind of a bare gold answer, for tables that do not say."""
    if choices:
        return "choice"
    if plain_yes_no(gold):
        return "yes-no"
    return "number" if _NUMERIC.fullmatch(gold) and read_number(gold) is not None else "text"


def bare_gold(kind: AnswerKind, answer: str, choices: Sequence[str] = ()) -> str | None:
    """The answer in its one spelling (`72`, `B`, `yes`) out of a bare answer or a whole solution, or None."""
    if kind == "number":
        value = read_number(answer)
        return None if value is None else show_number(value)
    if kind == "choice":
        return _bare_choice(answer, choices)
    if kind == "yes-no":
        return plain_yes_no(answer) or read_yes_no(answer)
    return _bare_text(answer)


def _bare_choice(answer: str, choices: Sequence[str]) -> str | None:
    letter = letter_of(answer, choices) or read_choice(answer, choices)
    return letter if letter or choices else _bare_text(answer)


def _bare_text(answer: str) -> str | None:
    if not plain_words(answer):
        return None
    has_marker = next(statements(clean(answer)), None) is not None
    return read_words(answer) if has_marker else answer.strip()


def _number(gold: str) -> Fraction:
    value = read_number(gold)
    assert value is not None, f"gold {gold!r} is not a number"
    return value


def _graded(right: bool, read: str | None) -> Graded:
    return _UNREADABLE if read is None else Graded(Grade.RIGHT if right else Grade.WRONG, read)
