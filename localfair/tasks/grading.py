"""Right, wrong or unreadable: a pure function for each kind of answer, and `grade`, which picks
one.

Reads two texts and writes nothing. Knows no task and no model. A `gold` here is always bare (`72`,
`B`, `yes`); `bare_gold` takes it out of a data set's own solution. Unreadable means that nothing
could be read, never that what was read is wrong. Ours.

`reply` takes thinking and run-on away first. How the answer is read stands in a module for each
kind: `numbers`, `choices`, `yes_no`, `words`. All of them read the final statements of a text
first. To read one more form, add it to a table:

    reply._THINKING             how thinking is opened and closed
    statements._MARKERS         where a text states its answer
    statements._WRAPPINGS       what stands around an answer and is taken away
    numbers._FORMS              how a number is written
    choices._in_statement       how a final statement names a choice
    choices._without_statement  how any other text settles on one
    yes_no._MEANINGS            words that say yes or no
    words._ENDINGS              where a last sentence has its word
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from localfair.record.nouns import Grade, Graded
from localfair.tasks.choices import letter_of, plain, read_choice, same_choice
from localfair.tasks.numbers import read_number, same_number, show_number
from localfair.tasks.reply import answer_of
from localfair.tasks.statements import clean, statements
from localfair.tasks.words import join_spelt, plain_words, read_words
from localfair.tasks.yes_no import plain_yes_no, read_yes_no

# Of golds, grades, scores and verdicts. It grows where a text may be read as another thing than before;
# rows name the one that they were read by.
READER_VERSION = 2

AnswerKind = Literal["number", "choice", "yes-no", "text"]
_NUMERIC = re.compile(r"\s*[-−]?\s*[$€£]?\s*[-−]?[\d.,/]*\d[\d.,/]*\s*%?\s*")
_UNREADABLE = Graded(Grade.UNREADABLE, None)


def grade(answer_kind: AnswerKind, gold: str, text: str, choices: Sequence[str] = ()) -> Graded:
    """Grade `text` against a bare gold answer of that kind."""
    match answer_kind:
        case "number":
            return grade_number(gold, text)
        case "choice":
            return grade_choice(gold, text, choices)
        case "yes-no":
            return grade_yes_no(gold, text)
        case "text":
            return grade_text(gold, text)


def grade_number(gold: str, text: str) -> Graded:
    """By value: `1,234.0` is `1234`, `1/2` is `0.5`, units and currency do not count."""
    answer = answer_of(text)
    value = None if answer is None else read_number(answer)
    if value is None:
        return _UNREADABLE
    expected = read_number(gold)
    assert expected is not None, f"gold {gold!r} is not a number"
    return _graded(same_number(value, expected), show_number(value))


def grade_choice(gold: str, text: str, choices: Sequence[str] = ()) -> Graded:
    """By letter or by text.

    Without `choices`, letters are compared, or texts when gold is no letter.
    """
    expected = letter_of(gold, choices)
    if expected is None:
        assert not choices, f"gold {gold!r} is none of the choices"
        return _grade_choice_text(gold, text)
    answer = answer_of(text)
    letter = None if answer is None else read_choice(answer, choices)
    if letter is None:
        return _UNREADABLE
    return _graded(same_choice(letter, expected, choices), letter)


def _grade_choice_text(gold: str, text: str) -> Graded:
    answer = answer_of(text)
    words = None if answer is None else read_words(answer)
    if words is None:
        return _UNREADABLE
    return _graded(plain(words) == plain(gold), words)


def grade_yes_no(gold: str, text: str) -> Graded:
    """`yes` and `true`, `no` and `false` are the same; "not true" is no."""
    answer = answer_of(text)
    yes_no = None if answer is None else read_yes_no(answer)
    if yes_no is None:
        return _UNREADABLE
    return _graded(yes_no == plain_yes_no(gold), yes_no)


def grade_text(gold: str, text: str) -> Graded:
    """Case, punctuation and spelt-out letters do not count."""
    expected = plain_words(gold)
    is_one_word = len(expected.split()) == 1
    answer = answer_of(text)
    words = None if answer is None else read_words(answer, one_word=is_one_word)
    if words is None:
        return _UNREADABLE
    return _graded(plain_words(join_spelt(words)) == expected, words)


def _graded(is_right: bool, read: str) -> Graded:
    return Graded(Grade.RIGHT if is_right else Grade.WRONG, read)


def infer_answer_kind(gold: str, choices: Sequence[str] = ()) -> AnswerKind:
    """The kind of a bare gold answer, for tables that do not say."""
    if choices:
        return "choice"
    if plain_yes_no(gold):
        return "yes-no"
    if _NUMERIC.fullmatch(gold) and read_number(gold) is not None:
        return "number"
    return "text"


def bare_gold(answer_kind: AnswerKind, answer: str, choices: Sequence[str] = ()) -> str | None:
    """The answer in its one spelling (`72`, `B`, `yes`) out of a bare answer or a whole solution.

    None when the text holds no answer of that kind.
    """
    match answer_kind:
        case "number":
            value = read_number(answer)
            return None if value is None else show_number(value)
        case "choice":
            return _bare_choice(answer, choices)
        case "yes-no":
            return plain_yes_no(answer) or read_yes_no(answer)
        case "text":
            return _bare_text(answer)


def _bare_choice(answer: str, choices: Sequence[str]) -> str | None:
    letter = letter_of(answer, choices) or read_choice(answer, choices)
    # without the choices, the gold may be the text of one of them
    if letter is None and not choices:
        return _bare_text(answer)
    return letter


def _bare_text(answer: str) -> str | None:
    if not plain_words(answer):
        return None
    has_statement = any(statements(clean(answer)))
    return read_words(answer) if has_statement else answer.strip()
