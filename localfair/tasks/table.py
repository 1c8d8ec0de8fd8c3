"""Anyone's own questions: a JSON Lines, JSON array or CSV file with a column for each thing.

Reads `question` and `answer`, and optionally `choices` and `split`; the column names can be
given. The kind of answer is inferred for each question: choices make it a choice, else yes/no,
a number, or text. In CSV, choices stand in one cell, apart by `|`. Without a split column the
70/30 rule holds, and dev is carved from train unless the file names one. Ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from localfair.errors import BadDataset, TaskError
from localfair.record.nouns import Graded, Question
from localfair.tasks.base import Dataset
from localfair.tasks.benchmark import UNVERIFIED, answer_format, checked_gold, concluded, prompt
from localfair.tasks.files import File, Row, csv_rows, json_rows, open_file
from localfair.tasks.grading import grade, infer_answer_kind
from localfair.tasks.splits import Item, Part, assemble
from localfair.tasks.steps import sums_hold

# What a split column may say.
_PARTS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A `Task` over a file with columns.

    It keeps nothing, so any imported name can be graded with it.
    """

    name: str = "table"
    question: str = "question"
    answer: str = "answer"
    choices: str | None = None
    split: str | None = None

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
        """One file. Columns called `choices` and `split` are used without being named.

        Raises BadDataset naming file and line.
        """
        hint = self._hint()
        file = open_file(path, hint)
        parts: dict[Part, list[Item]] = {}
        for number, row in enumerate(_rows(file, hint), 1):
            part = self._part(row)
            parts.setdefault(part, []).append(self._item(row, number))
        if not parts:
            raise BadDataset(f"{path}: holds no questions", hint)
        return Dataset(assemble(self.name, parts), (file.source,), self.licence)

    def generate(self, *, seed: int = 0) -> Dataset:
        """Raises TaskError: a table is never generated."""
        raise TaskError(
            f"task {self.name!r} needs a file", "import one: localfair tasks import table FILE"
        )

    def prompt(self, question: Question) -> str:
        """See `benchmark.prompt`."""
        return prompt(question)

    def answer_format(self) -> str:
        """See `benchmark.answer_format`."""
        return answer_format("any")

    def grade(self, question: Question, text: str) -> Graded:
        """Graded as the kind of answer that the question's gold is."""
        answer_kind = infer_answer_kind(question.gold, question.choices)
        return grade(answer_kind, question.gold, text, question.choices)

    def sound(self, question: Question, text: str) -> bool | None:
        """Whether the written sums of a text hold, where the answer is a number."""
        is_number = infer_answer_kind(question.gold, question.choices) == "number"
        return sums_hold(text) if is_number else None

    def _hint(self) -> str:
        columns = [self.question, self.answer]
        for column in (self.choices, self.split):
            if column:
                columns.append(column)
        return f"expected .jsonl, .json or .csv with the columns {', '.join(columns)}; other names can be given"

    def _item(self, row: Row, number: int) -> Item:
        choices = self._choices(row)
        solution = row.scalar(self.answer)
        answer = final_answer(solution)
        answer_kind = infer_answer_kind(answer, choices)
        gold = checked_gold(row, answer_kind, answer, choices)
        return Item(
            key=str(number),
            text=row.text(self.question),
            gold=gold,
            choices=choices,
            rationale=_rationale(solution, gold),
        )

    def _choices(self, row: Row) -> tuple[str, ...]:
        column = self.choices or "choices"
        # a column that was not named may be missing or empty
        if not self.choices and not row.optional(column):
            return ()
        if isinstance(row.get(column), str):
            texts = [text.strip() for text in row.text(column).split("|")]
            row = Row(row.where, {column: texts}, row.hint)
        return tuple(row.texts(column))

    def _part(self, row: Row) -> Part:
        column = self.split or "split"
        # a column that was not named may be missing
        if not self.split and not row.has(column):
            return "all"
        name = row.text(column).lower()
        if name not in _PARTS:
            raise row.bad(f"split {name!r} is none of {', '.join(_PARTS)}")
        return _PARTS[name]


def _rows(file: File, hint: str) -> Iterator[Row]:
    if file.path.suffix.lower() == ".csv":
        return csv_rows(file, hint)
    return json_rows(file, hint)


def final_answer(solution: str) -> str:
    """What follows `####` in a whole solution, else all of it."""
    return solution.rpartition("####")[2].strip()


def _rationale(solution: str, gold: str) -> str:
    """The reasoning before `####`, closed by its answer, or nothing where there is none."""
    reasoning = solution.rpartition("####")[0]
    return concluded(reasoning, gold) if reasoning.strip() else ""
