"""Anyone's own questions: a JSON Lines, JSON array or CSV file with a column for each thing.

Reads `question` and `answer`, and optionally `choices` and `split`; the column names can be given.
The kind of each answer is the one that the user gives, or what all answers together show: see
`golds`. Two rows that ask the same and differ in their answer are refused. In CSV, choices stand in
one cell, apart by `|`. Without a split column the 70/30 rule holds, and dev is carved from train
unless the file names one. Ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from localfair.errors import BadDataset, TaskError
from localfair.record.nouns import Grade, Graded, Question
from localfair.tasks.base import Dataset
from localfair.tasks.benchmark import UNVERIFIED, answer_format, concluded, prompt
from localfair.tasks.choices import LETTERS
from localfair.tasks.files import File, Row, csv_rows, json_rows, open_file
from localfair.tasks.golds import (
    BadGold,
    Gold,
    Written,
    key_with_kind,
    question_kind,
    read_column,
    split_solution,
)
from localfair.tasks.grading import AnswerKind, grade
from localfair.tasks.splits import Item, Part, assemble, same_question
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
_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_MOST_LINES = 10  # that one note lists
_KIND_NAMES: dict[AnswerKind, tuple[str, str]] = {
    "number": ("number", "numbers"),
    "choice": ("choice", "choices"),
    "yes-no": ("yes or no", "yes or no"),
    "text": ("text", "texts"),
    "latex": ("formula", "formulas"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A `Task` over a file with columns.

    It keeps nothing, so any imported name can be graded with it. `gold_kind` is the kind of every
    answer where the user gave one.
    """

    name: str = "table"
    question: str = "question"
    answer: str = "answer"
    choices: str | None = None
    split: str | None = None
    gold_kind: AnswerKind | None = None

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
        rows = list(_rows(file, hint))
        if not rows:
            raise BadDataset(f"{path}: holds no questions", hint)
        column = [Written(row.scalar(self.answer), self._choices(row)) for row in rows]
        golds = self._without_problems(rows, read_column(column, self.gold_kind))
        parts: dict[Part, list[Item]] = {}
        items = []
        for number, (row, written, gold) in enumerate(zip(rows, column, golds, strict=True), 1):
            item = self._item(row, written, gold, str(number))
            parts.setdefault(self._part(row), []).append(item)
            items.append(item)
        _refuse_two_golds(rows, items)
        questions = assemble(self.name, parts)
        notes = (*_notes(rows, golds), *_percent_notes(rows, column, golds))
        return Dataset(questions, (file.source,), self.licence, notes)

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

    def _hint(self) -> str:
        columns = [self.question, self.answer]
        for column in (self.choices, self.split):
            if column:
                columns.append(column)
        return f"expected .jsonl, .json or .csv with the columns {', '.join(columns)}; other names can be given"

    def _without_problems(self, rows: Sequence[Row], golds: Sequence[Gold | BadGold]) -> list[Gold]:
        """The golds. Raises BadDataset for the first row that has none, naming the others."""
        bad = [row for row, gold in zip(rows, golds, strict=True) if isinstance(gold, BadGold)]
        others = f"; {_places(bad[1:])} too" if bad[1:] else ""
        for row, gold in zip(rows, golds, strict=True):
            if isinstance(gold, BadGold):
                way_out = "leave --answer-kind out" if self.gold_kind else "take it out"
                hint = gold.hint or f"mend the row, or {way_out}"
                raise BadDataset(f"{row.where}: {gold}{others}", hint)
        return [gold for gold in golds if isinstance(gold, Gold)]

    def _item(self, row: Row, written: Written, gold: Gold, key: str) -> Item:
        return Item(
            key=key_with_kind(key, gold, written.choices),
            text=row.text(self.question),
            gold=gold.text,
            choices=written.choices,
            rationale=_rationale(written, gold),
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
    suffix = file.path.suffix.lower()
    if suffix == ".csv":
        return csv_rows(file, hint)
    begins_like_json = file.text.lstrip()[0] in "[{"
    if suffix not in _JSON_SUFFIXES and not begins_like_json:
        raise BadDataset(
            f"{file.path} line 1: is not JSON, and the file's name does not end in .csv", hint
        )
    return json_rows(file, hint)


def _rationale(written: Written, gold: Gold) -> str:
    """The reasoning that a cell holds, closed by its answer, or nothing.

    Reasoning that states another answer more strongly is left out.
    """
    reasoning, _ = split_solution(written.answer)
    if not reasoning:
        return ""
    rationale = concluded(reasoning, gold.text)
    graded = grade(gold.answer_kind, gold.text, rationale, written.choices)
    return rationale if graded.grade is Grade.RIGHT else ""


def _refuse_two_golds(rows: Sequence[Row], items: Sequence[Item]) -> None:
    """Raises BadDataset when two rows ask the same and have different answers."""
    first: dict[tuple[str, ...], tuple[Row, str]] = {}
    for row, item in zip(rows, items, strict=True):
        answer = _answer_in_words(item)
        earlier, earlier_answer = first.setdefault(same_question(item), (row, answer))
        if answer != earlier_answer:
            raise BadDataset(
                f"{row.where}: asks the same as {_places([earlier])}, and the answers are "
                f"{earlier_answer!r} and {answer!r}",
                "keep the row that is right",
            )


def _answer_in_words(item: Item) -> str:
    """The gold, or the text of the choice whose letter it is."""
    if not item.choices:
        return item.gold
    return item.choices[LETTERS.index(item.gold)]


def _notes(rows: Sequence[Row], golds: Sequence[Gold]) -> tuple[str, ...]:
    """How many answers there are of each kind, with the lines of the rarer ones."""
    counts = Counter(gold.answer_kind for gold in golds)
    (commonest, count), *rarer = counts.most_common()
    counted = f"answers: {_count(count, commonest)}"
    if not rarer:
        return (counted,)
    listed = []
    for answer_kind, rare_count in rarer:
        theirs = [
            row for row, gold in zip(rows, golds, strict=True) if gold.answer_kind == answer_kind
        ]
        listed.append(f"{_count(rare_count, answer_kind)}: {_places(theirs)}")
    advice = f"if all are one kind, import them with --answer-kind {commonest}"
    return (f"{counted}, {'; '.join(listed)}", advice)


def _percent_notes(
    rows: Sequence[Row], column: Sequence[Written], golds: Sequence[Gold]
) -> tuple[str, ...]:
    """What is said of numbers that lost a percent sign."""
    percentages = []
    example = ""
    for row, written, gold in zip(rows, column, golds, strict=True):
        if gold.answer_kind == "number" and "%" in split_solution(written.answer)[1]:
            percentages.append(row)
            example = example or gold.text
    if not percentages:
        return ()
    return (
        f"{example}% is the number {example}, a reply of {example} or {example}% is right: {_places(percentages)}",
    )


def _count(count: int, answer_kind: AnswerKind) -> str:
    singular, plural = _KIND_NAMES[answer_kind]
    return f"{count} {singular if count == 1 else plural}"


def _places(rows: Sequence[Row]) -> str:
    """`lines 4, 17, 90`, or items where the file is one JSON array."""
    unit = "item" if " item " in rows[0].where else "line"
    numbers = ", ".join(str(row.number) for row in rows[:_MOST_LINES])
    more = f" and {len(rows) - _MOST_LINES} more" if len(rows) > _MOST_LINES else ""
    return f"{unit}{'s' if len(rows) > 1 else ''} {numbers}{more}"
