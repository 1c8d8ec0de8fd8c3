"""Whether a lesson gives away a question that the student will be examined on.

Pure: words in, a reason out. Knows nothing of the store, of recipes or of prompts: a prompt's own instructions are
no part of what is compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from localfair.record.nouns import Question

WORD = re.compile(r"\w+")
BOILERPLATE = (
    10  # train questions: words in a row that more of them share are the task's own phrases
)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What no lesson may hold: runs of `n` words of dev and test questions, and such questions whole."""

    n: int
    runs: frozenset[str]
    wholes: frozenset[str]


def words(text: str) -> list[str]:
    """Letters and digits in small letters, punctuation dropped."""
    return WORD.findall(text.lower())


def runs(text: str, n: int) -> Iterator[str]:
    """Every `n` words in a row."""
    found = words(text)
    return (" ".join(found[i : i + n]) for i in range(len(found) - n + 1))


def whole(question: Question) -> str:
    """The question and its choices, normalised."""
    return " ".join(words(" ".join([question.text, *question.choices])))


def held_out(exams: Iterable[Question], train: Iterable[Question], n: int = 13) -> HeldOut:
    """What the questions of dev and test forbid.

    13 words in a row, and phrases of the data set itself ignored, as GPT-3's filter (arXiv 2005.14165,
    appendix C); here a phrase is the task's own when more than BOILERPLATE of its *train* questions have it (ours).
    """
    found, wholes = set[str](), set[str]()
    for question in exams:
        found.update(runs(question.text, n))
        wholes.add(whole(question))
    common = Counter(run for question in train for run in set(runs(question.text, n)) & found)
    return HeldOut(
        n, frozenset(run for run in found if common[run] <= BOILERPLATE), frozenset(wholes)
    )


def question_reason(question: Question, held: HeldOut) -> str | None:
    """Why no lesson may be made of a question, or None."""
    if whole(question) in held.wholes:
        return "the question stands in dev or test too"
    return _shared(question.text, held)


def completion_reason(completion: str, held: HeldOut) -> str | None:
    """Why a completion may not be learned, or None."""
    return _shared(completion, held)


def _shared(text: str, held: HeldOut) -> str | None:
    found = next((run for run in runs(text, held.n) if run in held.runs), None)
    return f"shares {held.n} words with dev or test: {found}" if found else None
