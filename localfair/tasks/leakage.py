"""Whether a lesson gives away a question that the student will be examined on.

Pure: words in, a reason out. Knows nothing of the store, of recipes or of prompts. A prompt's own
instructions are not compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from localfair.record.nouns import Question
from localfair.tasks.texts import composed

WORD = re.compile(r"\w+")
# A run of words that more than so many train questions share is a phrase of the task's own.
BOILERPLATE = 10


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What no lesson may hold: runs of `n` words of dev and test questions, and such questions
    whole.
    """

    n: int
    runs: frozenset[str]
    wholes: frozenset[str]


def words(text: str) -> list[str]:
    """Letters and digits in small letters, punctuation dropped."""
    return WORD.findall(composed(text).lower())


def runs(text: str, n: int) -> Iterator[str]:
    """Every `n` words in a row."""
    text_words = words(text)
    for start in range(len(text_words) - n + 1):
        yield " ".join(text_words[start : start + n])


def whole(question: Question) -> str:
    """The question and its choices, normalised."""
    text = " ".join([question.text, *question.choices])
    return " ".join(words(text))


def held_out(exams: Iterable[Question], train: Iterable[Question], n: int = 13) -> HeldOut:
    """What the questions of dev and test (`exams`) forbid.

    13 words in a row are compared and phrases of the data set itself are ignored, as in GPT-3's
    filter (arXiv 2005.14165, appendix C). A phrase is the task's own here when more than
    BOILERPLATE of its *train* questions have it (ours).
    """
    exam_runs: set[str] = set()
    wholes: set[str] = set()
    for question in exams:
        exam_runs.update(runs(question.text, n))
        wholes.add(whole(question))
    train_questions: Counter[str] = Counter()
    for question in train:
        train_questions.update(exam_runs.intersection(runs(question.text, n)))
    forbidden = frozenset(run for run in exam_runs if train_questions[run] <= BOILERPLATE)
    return HeldOut(n, forbidden, frozenset(wholes))


def question_reason(question: Question, held: HeldOut) -> str | None:
    """Why no lesson may be made of a question, or None."""
    if whole(question) in held.wholes:
        return "the question stands in dev or test too"
    return _shared(question.text, held)


def completion_reason(completion: str, held: HeldOut) -> str | None:
    """Why a completion may not be learned, or None."""
    return _shared(completion, held)


def _shared(text: str, held: HeldOut) -> str | None:
    for run in runs(text, held.n):
        if run in held.runs:
            return f"shares {held.n} words with dev or test: {run}"
    return None
