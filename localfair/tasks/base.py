"""What a task is: where its questions come from, how one is asked, how an answer is graded.

Knows nothing of models, recipes or the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from localfair.record.nouns import Graded, Question
from localfair.tasks.grading import READER_VERSION, AnswerKind


@dataclass(frozen=True, slots=True)
class Source:
    """A file that questions were read from: its name (no directory), sha256, size in bytes."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions, already split. `licence` is what the files' own text says, or 'unverified'.

    `notes` are lines for people: how the answers were read. `warnings` are what they should know
    of the splits. `skipped` are the items that were left out, each with its place and its fault,
    and `skipped_told` says so in a line. `reader` is the version that read the golds.
    """

    questions: tuple[Question, ...]
    sources: tuple[Source, ...]
    licence: str
    notes: tuple[str, ...] = ()
    reader: int = READER_VERSION
    warnings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    skipped_told: str = ""

    def told(self) -> tuple[str, ...]:
        """Every line for people."""
        skipped = (self.skipped_told,) if self.skipped_told else ()
        return (*self.notes, *self.warnings, *skipped)


class Task(Protocol):
    """One benchmark or generated task. Axes stay apart: a task knows no recipe and no model."""

    @property
    def name(self) -> str:
        """What the command line and the record call it."""
        ...

    @property
    def answer_kind(self) -> AnswerKind | Literal["any"]:
        """The kind of its answers, or `any` where each question has its own."""
        ...

    @property
    def licence(self) -> str:
        """What its files say of their licence, or 'unverified'."""
        ...

    @property
    def public_source(self) -> str:
        """Where its authors publish it, for people."""
        ...

    @property
    def generated(self) -> bool:
        """True when no file is needed."""
        ...

    def read(self, path: Path) -> Dataset:
        """Read the files its authors publish (a file or a folder).

        Raises BadDataset naming file and line.
        """
        ...

    def generate(self, *, seed: int = 0) -> Dataset:
        """All questions of a generated task. Raises TaskError for a task that needs files."""
        ...

    def prompt(self, question: Question) -> str:
        """The question as text for a model: the text, then lettered choices if it has any."""
        ...

    def answer_format(self, question: Question | None = None) -> str:
        """One sentence that tells a model how to end its answer so that `grade` can read it.

        A task whose questions are answered in several ways says the one of the question.
        """
        ...

    def grade(self, question: Question, text: str) -> Graded:
        """Right, wrong or unreadable, and what was read."""
        ...

    def sound(self, question: Question, text: str) -> bool | None:
        """Whether a text reaches its answer by true steps; None where this task cannot tell."""
        ...


def split_questions(questions: Iterable[Question]) -> dict[str, list[Question]]:
    """Questions by split, in their order."""
    by_split: dict[str, list[Question]] = {"train": [], "dev": [], "test": []}
    for question in questions:
        by_split[question.split].append(question)
    return by_split
