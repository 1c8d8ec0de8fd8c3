r"""Gold answers: what a data file gives for right, read strictly and without loss.

Reads texts and writes nothing. Knows no task and no file. What a gold becomes says the same as what
was written: a number is read only where the whole answer is one written number, yes or no only
where it says nothing else, and anything else stays the text that it is. What can be read in two
ways, and what no reply could ever be graded right against, raises BadGold. Ours.

`read_gold` reads one answer, `read_column` all of a table, whose rows tell how one of them is
meant. README.md lists the forms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from localfair.record.nouns import Grade, Question
from localfair.tasks.choices import LETTERS, plain
from localfair.tasks.grading import AnswerKind, grade
from localfair.tasks.latex import is_latex
from localfair.tasks.numbers import show_number
from localfair.tasks.numerals import exact
from localfair.tasks.texts import composed, tokens
from localfair.tasks.yes_no import YesNo, plain_yes_no

ANSWER_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)

# -- what a cell holds ------------------------------------------------------------------------------

_LONGEST_ENDING = 1000  # characters of the end of a cell in which its answer is looked for
# A cell may hold a whole solution, which ends in its answer.
# ... \boxed{72}.
_BOXED = re.compile(
    r"\\boxed\s*\{(?P<answer>(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}(?P<after>[.$\s\\)\]]*)$"
)
# ... So the answer is 72.
_STATED = re.compile(
    r"""(?:\b(?:so|thus|hence|therefore),?\s+)?
        \bthe\s+(?:final\s+)?answer\s+is:?\s+(?P<answer>(?:(?![.!?]\s)[^\n])+?)\.?$""",
    re.IGNORECASE | re.VERBOSE,
)

# -- words ------------------------------------------------------------------------------------------

_SHORT_YES_NO: dict[str, YesNo] = {
    "y": "yes",
    "t": "yes",
    "1": "yes",
    "n": "no",
    "f": "no",
    "0": "no",
}
# "Yes, it is", "No. They do not": after the word comes a sentence that only repeats it
_YES_NO_SENTENCE = re.compile(
    r"""(?P<word>yes|no|true|false)\s*[,.;:!-]?\s+
        (?:it|he|she|they|this|that|these|those|there|i|we|you|because|since|as)\b
        (?P<rest>[^?\n]*)""",
    re.IGNORECASE | re.VERBOSE,
)
_OPPOSITES = {
    "yes": re.compile(r"\b(?:no|not|never|false|untrue|incorrect|cannot)\b|n't\b", re.IGNORECASE),
    "no": re.compile(r"\b(?:yes|true|correct)\b", re.IGNORECASE),
}
_LABEL = re.compile(
    r"(?:(?:option|choice|answer)\s+)?\(?(?P<letter>[A-Za-z])(?P<closed>[.):]*)(?P<rest>\s+\S.*)?",
    re.IGNORECASE | re.DOTALL,
)

# -- numbers of more than one country ---------------------------------------------------------------

_DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}|\d+,\d{4,}|0,\d+|\d{1,3}(?:\.\d{3})+(?:,\d+|\.\d{3})")
_ONE_GROUP = re.compile(r"(?P<whole>[1-9]\d{0,2})[.,](?P<rest>\d{3})")
# a number and up to three words, in brackets or not: 12 km, 9 (apples), 30 m/s, 5 m², 3 red balls
_MEASURED = re.compile(
    r"""(?P<number>[^\s()]*\d[^\s()]*(?:\s\d+/\d+)?)\s*
        (?P<unit>\(\s*[^\W\d][^()\d]*\)|[^\W\d_][^\s()\d]*(?:\^?[23²³])?(?:\s[^\W\d][^\s()\d]*){0,2}|°[CF]?)
        [.]?""",
    re.VERBOSE,
)
# words that say another number, or that there are several
_NO_UNIT = re.compile(
    r"""\b(?:dozens?|scores?|hundreds?|thousands?|millions?|billions?|trillions?|half|halves|thirds?
        |quarters?|and|or|to|times|more|less|fewer|about|least|most|not|no|k|bn|mln|am|pm|st|nd
        |rd|th|percent|e)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_AROUND_NUMBER = " $€£¥₹%+-−"


class BadGold(ValueError):
    """An answer that is no gold; str() says why, `hint` what to do, where that is known."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Gold:
    """A bare gold answer (`72`, `B`, `yes`, `Paris`) and its kind.

    `is_in_words` is True for a number without a digit and for a yes or no that is a sentence.
    `unit` is what stood after a number.
    """

    text: str
    answer_kind: AnswerKind
    is_in_words: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """An answer as a data file has it, with the choices of its question."""

    answer: str
    choices: tuple[str, ...] = ()


def split_solution(text: str) -> tuple[str, str]:
    """The reasoning and the answer of a cell; the reasoning is empty where it holds an answer alone.

    The answer of a solution stands after `####`, in a box at its end, or after "the answer is".
    """
    reasoning, hashes, answer = text.rpartition("####")
    if hashes:
        return reasoning.strip(), answer.strip()
    text = text.strip()
    near_end = max(0, len(text) - _LONGEST_ENDING)
    boxed = _BOXED.search(text, near_end)
    if boxed:
        # the sentence around the box is a part of the reasoning
        before = text[: boxed.start()]
        is_alone = not re.search(r"\w", before)
        reasoning = "" if is_alone else f"{before}{boxed['answer']}{boxed['after']}"
        return reasoning.strip(), boxed["answer"].strip()
    stated = _STATED.search(text, near_end)
    if stated:
        return text[: stated.start()].strip(), stated["answer"].strip()
    return "", text


def read_gold(
    answer: str, choices: Sequence[str] = (), answer_kind: AnswerKind | None = None
) -> Gold:
    """The gold of one answer, of the kind that is given or else of the kind that it shows.

    Raises BadGold.
    """
    answer = composed(split_solution(answer)[1])
    if not answer:
        raise BadGold("the answer is empty")
    if answer_kind is None:
        answer_kind = "choice" if choices else None
    gold = _shown(answer) if answer_kind is None else _of_kind(answer_kind, answer, choices)
    said = f"The answer is {gold.text}."
    if grade(gold.answer_kind, gold.text, said, choices).grade is not Grade.RIGHT:
        raise BadGold(
            f"no reply could be graded right against the answer {_short(answer)}",
            "give one line that a reply can end on",
        )
    return gold


def read_column(
    column: Sequence[Written], answer_kind: AnswerKind | None = None
) -> list[Gold | BadGold]:
    """The gold of each answer of a table, or why it has none.

    Where more than half of the answers are texts, number words and yes-or-no sentences are texts
    too. Where one answer has a decimal comma, `1.234` and `1,234` can be read in two ways.
    """
    golds = [_gold_or_problem(written, answer_kind) for written in column]
    if answer_kind is None and _is_of_texts(golds):
        for index, gold in enumerate(golds):
            if isinstance(gold, Gold) and gold.is_in_words:
                golds[index] = _gold_or_problem(column[index], "text")
    example = _decimal_comma_in(column, golds)
    if example:
        for index, gold in enumerate(golds):
            if isinstance(gold, Gold) and gold.answer_kind == "number":
                golds[index] = _unless_two_ways(gold, column[index].answer, example)
    return golds


def kind_of(gold: str, choices: Sequence[str] = ()) -> AnswerKind:
    """The kind of answer that a bare gold shows by its spelling."""
    if choices:
        return "choice"
    if gold in ("yes", "no"):
        return "yes-no"
    value = exact(gold)
    is_bare_number = value is not None and show_number(value) == gold
    return "number" if is_bare_number else "text"


def key_with_kind(key: str, gold: Gold, choices: Sequence[str] = ()) -> str:
    """The key of a question, with the kind of its answer where the gold does not show it."""
    if kind_of(gold.text, choices) == gold.answer_kind:
        return key
    return f"{key}:{gold.answer_kind}"


def question_kind(question: Question) -> AnswerKind:
    """The kind of a table's question: what `key_with_kind` wrote, else what the gold shows."""
    written = question.key.partition(":")[2]
    for answer_kind in ANSWER_KINDS:
        if written == answer_kind:
            return answer_kind
    return kind_of(question.gold, question.choices)


def _short(answer: str) -> str:
    return repr(answer if len(answer) <= 60 else f"{answer[:57]}...")


# -- one answer -------------------------------------------------------------------------------------


def _shown(answer: str) -> Gold:
    """The gold of an answer whose kind nobody gave."""
    for read in (_yes_no, _number):
        gold = read(answer)
        if gold:
            return gold
    return _text(answer)


def _of_kind(answer_kind: AnswerKind, answer: str, choices: Sequence[str]) -> Gold:
    """Raises BadGold when the answer is none of that kind."""
    readers: dict[AnswerKind, Callable[[str], Gold | None]] = {
        "number": _number,
        "choice": lambda answer: _choice(answer, choices),
        "yes-no": lambda answer: _yes_no(answer) or _short_yes_no(answer),
        "text": _text,
        "latex": _latex,
    }
    gold = readers[answer_kind](answer)
    if gold is None:
        expected = "one of the choices" if choices else f"a {answer_kind} answer"
        raise BadGold(f"the answer {_short(answer)} is not {expected}")
    return gold


def _number(answer: str) -> Gold | None:
    value = exact(answer)
    if value is None:
        return None
    bare = show_number(value)
    if exact(bare) != value:
        raise BadGold(f"the answer {_short(answer)} is too long a number")
    is_in_words = not any(character.isnumeric() for character in answer)
    return Gold(bare, "number", is_in_words)


def _yes_no(answer: str) -> Gold | None:
    bare = plain_yes_no(answer.strip("!"))
    if bare:
        return Gold(bare, "yes-no")
    sentence = _YES_NO_SENTENCE.fullmatch(answer)
    if not sentence:
        return None
    word = plain_yes_no(sentence["word"])
    if word is None or _OPPOSITES[word].search(sentence["rest"]):
        return None
    return Gold(word, "yes-no", is_in_words=True)


def _short_yes_no(answer: str) -> Gold | None:
    word = _SHORT_YES_NO.get(answer.strip(".").lower())
    return Gold(word, "yes-no") if word else None


def _text(answer: str) -> Gold:
    if not tokens(answer):
        raise BadGold(f"the answer {_short(answer)} holds no letter or digit")
    return Gold(answer, "text")


def _latex(answer: str) -> Gold | None:
    return Gold(answer, "latex") if is_latex(answer) else None


def _choice(answer: str, choices: Sequence[str]) -> Gold | None:
    """The letter that the answer is or whose choice it repeats. Raises BadGold for two letters."""
    by_text = _letters_of(answer, choices)
    label = _LABEL.fullmatch(answer)
    by_label = ""
    if label:
        letter = label["letter"].upper()
        if letter in (LETTERS[: len(choices)] or LETTERS):
            by_label = letter
    if label and label["rest"]:
        # "B. library" names its choice twice
        is_choice = by_label in _letters_of(label["rest"].strip(), choices)
        by_label = by_label if label["closed"] and is_choice else ""
    if by_label and by_text and by_label not in by_text:
        raise BadGold(
            f"the answer {_short(answer)} is the letter of one choice and the text of another",
            "give the other choice's text, or letters for all",
        )
    letter = by_label or by_text[:1]
    return Gold(letter, "choice") if letter else None


def _letters_of(answer: str, choices: Sequence[str]) -> str:
    """The letters of the choices that have this text, by the strictest comparison that has any.

    Raises BadGold when they are different choices.
    """
    for spelled in (str.strip, str.casefold, plain):
        wanted = spelled(composed(answer))
        texts = [composed(choice) for choice in choices]
        same = [text for text in texts if spelled(text) == wanted]
        if len(set(same)) > 1:
            raise BadGold(f"the answer {_short(answer)} may be {' or '.join(map(repr, same))}")
        if same:
            pairs = zip(LETTERS, texts, strict=False)
            return "".join(letter for letter, text in pairs if text == same[0])
    return ""


# -- all answers of a table -------------------------------------------------------------------------


def _gold_or_problem(written: Written, answer_kind: AnswerKind | None) -> Gold | BadGold:
    try:
        return read_gold(written.answer, written.choices, answer_kind)
    except BadGold as problem:
        if answer_kind == "number":
            return _with_unit(written) or problem
        return problem


def _with_unit(written: Written) -> Gold | None:
    """The number of `12 km` and `9 (apples)`, where the user says that all answers are numbers."""
    measured = _MEASURED.fullmatch(split_solution(written.answer)[1].strip())
    if measured is None or _NO_UNIT.search(measured["unit"]):
        return None
    try:
        gold = read_gold(measured["number"], (), "number")
    except BadGold:
        return None
    return replace(gold, unit=measured["unit"])


def _is_of_texts(golds: Sequence[Gold | BadGold]) -> bool:
    """Whether more than half of the answers without choices are texts."""
    kinds = Counter(gold.answer_kind for gold in golds if isinstance(gold, Gold))
    return 2 * kinds["text"] > kinds.total() - kinds["choice"]


def _decimal_comma_in(column: Sequence[Written], golds: Sequence[Gold | BadGold]) -> str:
    """The first number of the column that has a decimal comma, or nothing."""
    for written, gold in zip(column, golds, strict=True):
        is_number = isinstance(gold, Gold) and gold.answer_kind == "number"
        if is_number and _DECIMAL_COMMA.fullmatch(_digits(written.answer)):
            return _digits(written.answer)
    return ""


def _unless_two_ways(gold: Gold, answer: str, example: str) -> Gold | BadGold:
    """The gold, or the problem of `1.234` in a column that has a decimal comma."""
    group = _ONE_GROUP.fullmatch(_digits(answer))
    if not group:
        return gold
    thousands = f"{group['whole']}{group['rest']}"
    decimal = f"{group['whole']}.{group['rest']}"
    return BadGold(
        f"the answer {_short(answer)} may be {thousands} or {decimal}, since another row has {example!r}",
        f"write {thousands} or {decimal}0, or keep all as texts with --answer-kind text",
    )


def _digits(answer: str) -> str:
    """A written number without its sign, currency and percent sign."""
    return split_solution(answer)[1].strip(_AROUND_NUMBER)
