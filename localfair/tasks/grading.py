"""Right, wrong or unreadable: a pure function for each kind of answer, and `grade`, which picks
one.

Reads two texts and writes nothing. Knows no task and no model. A `gold` here is always bare (`72`,
`B`, `yes`); `golds` takes it out of a data file. Unreadable means that nothing
could be read, never that what was read is wrong. Ours.

`reply` takes thinking and run-on away first. How the answer is read stands in a module for each
kind: `numbers`, `choices`, `yes_no`, `words`, `latex`. All of them read the final statements of a text
first. To read one more form, add it to a table:

    reply._THINKING             how thinking is opened and closed
    statements._MARKERS         where a text states its answer
    languages._SAYS             the same in other languages
    cleaning._WRAPPINGS         what stands around an answer and is taken away
    denials                     how an answer is denied, left open or followed by another
    numerals                    how a number is written
    sizes._SIZES                what multiplies a number
    terms                       what makes a number a part of something else
    equations                   what a sentence of several numbers comes to
    choices._in_statement       how a final statement names a choice
    choices._without_statement  how any other text settles on one
    yes_no._MEANINGS            words that say yes or no
    words._ENDINGS              where a last sentence has its word
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from localfair.record.nouns import Grade, Graded
from localfair.tasks.choices import letter_of, plain, read_choice, same_choice
from localfair.tasks.cleaning import clean
from localfair.tasks.latex import same_latex, stated_latex
from localfair.tasks.numbers import read_denied, read_number, same_number, show_number
from localfair.tasks.numerals import exact
from localfair.tasks.reply import answer_of
from localfair.tasks.statements import first_sentence, last_sentence, statements
from localfair.tasks.texts import is_cut, is_figure, is_word, only_figure, same_text
from localfair.tasks.words import read_words
from localfair.tasks.yes_no import plain_yes_no, read_yes_no

# Of golds, grades, scores and verdicts. It grows where a text may be read as another thing than before;
# rows name the one that they were read by.
READER_VERSION = 3

AnswerKind = Literal["number", "choice", "yes-no", "text", "latex"]
UNREADABLE = Graded(Grade.UNREADABLE, None)


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
        case "latex":
            return grade_latex(gold, text)


def grade_number(gold: str, text: str) -> Graded:
    """By value: `1,234.0` is `1234`, `1/2` is `0.5`, units and currency do not count."""
    expected = exact(gold)
    assert expected is not None, f"gold {gold!r} is not a number"
    answer = answer_of(text)
    if answer is None:
        return UNREADABLE
    value = read_number(answer)
    if value is not None:
        return _graded(same_number(value, expected), show_number(value))
    denied = read_denied(answer)
    # "the answer is not 10" is wrong where 10 is right, and says nothing where it is not
    if denied is not None and same_number(denied, expected):
        return Graded(Grade.WRONG, f"not {show_number(denied)}")
    return UNREADABLE


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
        return UNREADABLE
    return _graded(same_choice(letter, expected, choices), letter)


def _grade_choice_text(gold: str, text: str) -> Graded:
    answer = answer_of(text)
    words = None if answer is None else read_words(answer)
    if words is None:
        return UNREADABLE
    return _graded(plain(words) == plain(gold), words)


def grade_yes_no(gold: str, text: str) -> Graded:
    """`yes` and `true`, `no` and `false` are the same; "not true" is no."""
    answer = answer_of(text)
    yes_no = None if answer is None else read_yes_no(answer)
    if yes_no is None:
        return UNREADABLE
    return _graded(yes_no == plain_yes_no(gold), yes_no)


def grade_text(gold: str, text: str) -> Graded:
    """Case, punctuation and spelt-out letters do not count; signs such as `+` and `/` do."""
    answer = answer_of(text)
    if answer is None:
        return UNREADABLE
    words = _words(answer, gold)
    if words is not None and same_text(words, gold):
        return _graded(True, words)
    # a full stop inside the gold ends no sentence of it
    line = _stated_line(answer)
    if line is not None and same_text(line, gold):
        return _graded(True, line)
    return UNREADABLE if words is None else _graded(False, words)


def grade_latex(gold: str, text: str) -> Graded:
    """By math-verify: equal in both directions is right. Raises MissingDependency."""
    answer = answer_of(text)
    formula = None if answer is None else stated_latex(answer)
    is_same = None if answer is None else same_latex(gold, answer)
    if is_same is None:
        return UNREADABLE
    return _graded(is_same, formula or "")


def _words(answer: str, gold: str) -> str | None:
    """What the answer says where such a gold would stand, or None when it says nothing."""
    if is_figure(gold):
        line = _stated_line(answer)
        figure = only_figure(last_sentence(clean(answer)) if line is None else first_sentence(line))
        return figure or read_words(answer)
    words = read_words(answer, one_word=is_word(gold))
    is_part = words is not None and is_word(gold) and is_cut(words, answer)
    return read_words(answer) if is_part else words


def _stated_line(answer: str) -> str | None:
    """The line of the final statement that counts most, or None when there is no statement."""
    for statement in statements(clean(answer)):
        return statement.line.strip()
    return None


def _graded(is_right: bool, read: str) -> Graded:
    return Graded(Grade.RIGHT if is_right else Grade.WRONG, read)
