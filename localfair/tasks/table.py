"""Anyone's own questions: JSON Lines, JSON, CSV, Excel or Parquet with a column for each thing.

Reads `question` and `answer`, and optionally `choices`, `split` and `rationale`; the column names
can be given. The kind of each answer is the one that the user gives, or what all answers together
show: see `golds`. Two rows that ask the same and differ in their answer are faulty; what repeats
one with other reasoning is one question, with the first reasoning that reaches the answer. In CSV,
choices stand in one cell, apart by `|`. Files of one split each keep their splits. Without those,
and without a split column, the 70/30 rule holds, and dev is carved from train unless it is there.
Ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from localfair.errors import TaskError
from localfair.record.nouns import Graded, Question
from localfair.tasks.base import Dataset
from localfair.tasks.benchmark import UNVERIFIED, answer_format, prompt
from localfair.tasks.golds import question_kind
from localfair.tasks.grading import AnswerKind, grade
from localfair.tasks.steps import sums_hold
from localfair.tasks.table_rows import Columns, TableReader


@dataclass(frozen=True, slots=True)
class Table:
    """A `Task` over a file with columns.

    It keeps nothing, so any imported name can be graded with it. `gold_kind` is the kind of every
    answer where the user gave one. `strict` refuses a file with a faulty row, which is left out
    otherwise.
    """

    name: str = "table"
    question: str = "question"
    answer: str = "answer"
    choices: str | None = None
    split: str | None = None
    gold_kind: AnswerKind | None = None
    rationale: str | None = None
    strict: bool = True

    @property
    def answer_kind(self) -> Literal["any"]:
        """Each question has its own."""
        return "any"

    @property
    def licence(self) -> str:
        """A file of one's own states none."""
        return UNVERIFIED

    @property
    def public_source(self) -> str:
        """None that is public."""
        return "your own file"

    @property
    def generated(self) -> bool:
        """A table always needs its file."""
        return False

    def read(self, path: Path) -> Dataset:
        """One file, or a folder with a file a split; see `read_files`."""
        return self.read_files([path])

    def read_files(self, paths: Sequence[Path]) -> Dataset:
        """The files at some paths. Columns called `choices` and `split` are used without being
        named.

        Raises BadDataset naming file and line: for the first faulty row when `strict`, else when
        no row is sound.
        """
        names = Columns(
            question=self.question,
            answer=self.answer,
            choices=self.choices,
            split=self.split,
            rationale=self.rationale,
        )
        return TableReader(names, self.gold_kind, self.strict).read(self.name, paths)

    def generate(self, *, seed: int = 0) -> Dataset:
        """Raises TaskError: a table is never generated."""
        raise TaskError(
            f"task {self.name!r} needs a file", "import one: localfair tasks import table FILE"
        )

    def prompt(self, question: Question) -> str:
        """See `benchmark.prompt`."""
        return prompt(question)

    def answer_format(self, question: Question | None = None) -> str:
        """See `benchmark.answer_format`."""
        return answer_format("any")

    def grade(self, question: Question, text: str) -> Graded:
        """Graded as the kind of answer that the question's gold is."""
        answer_kind = question_kind(question)
        return grade(answer_kind, question.gold, text, question.choices)

    def sound(self, question: Question, text: str) -> bool | None:
        """Whether the written sums of a text hold, where the answer is a number."""
        return sums_hold(text) if question_kind(question) == "number" else None
