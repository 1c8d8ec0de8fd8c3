"""From the rows of a table to questions: the columns that count, faulty rows, repeats, splits.

Reads the files it is given and writes none. Knows no other task. Ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from localfair.errors import BadDataset
from localfair.record.nouns import Grade
from localfair.tasks import columns
from localfair.tasks.base import Dataset, Source
from localfair.tasks.benchmark import UNVERIFIED, concluded
from localfair.tasks.choices import LETTERS
from localfair.tasks.files import Row
from localfair.tasks.golds import (
    BadGold,
    Gold,
    Written,
    key_with_kind,
    read_column,
    split_solution,
)
from localfair.tasks.grading import AnswerKind, grade
from localfair.tasks.splits import Item, Part, assemble, same_question
from localfair.tasks.table_files import PARTS, TableFiles, files_at, rows_of
from localfair.tasks.table_notes import kinds_told, percents_told, places

Same = tuple[str, tuple[str, ...], str]  # text, choices and gold: one question


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The names of a table's columns; None is a column that may be missing under its usual name."""

    question: str = "question"
    answer: str = "answer"
    choices: str | None = None
    split: str | None = None
    rationale: str | None = None

    def hint(self) -> str:
        """What a file must have."""
        named = [self.question, self.answer]
        named += [name for name in (self.choices, self.split, self.rationale) if name]
        return (
            f"expected .jsonl, .json or .csv with the columns {', '.join(named)}; "
            "other names can be given"
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A row whose cells could be read, as number `number` of the table."""

    row: Row
    number: int
    part: Part
    text: str
    written: Written
    rationales: tuple[str, ...]

    def item(self, gold: Gold) -> Item:
        """The question before it has a split."""
        choices = self.written.choices
        return Item(
            key=key_with_kind(str(self.number), gold, choices),
            text=self.text,
            gold=gold.text,
            choices=choices,
            rationale=self._rationale(gold),
        )

    def _rationale(self, gold: Gold) -> str:
        """The first reasoning that reaches the answer, closed by it, or nothing."""
        from_answer, _ = split_solution(self.written.answer)
        if from_answer:
            return self._closed(from_answer, gold)
        for text in self.rationales:
            stated = grade(gold.answer_kind, gold.text, text, self.written.choices)
            if stated.grade is Grade.WRONG:
                continue
            reasoning, _ = split_solution(text)
            rationale = self._closed(reasoning or text, gold)
            if rationale:
                return rationale
        return ""

    def _closed(self, reasoning: str, gold: Gold) -> str:
        """Reasoning that ends in the answer; nothing where it states another more strongly."""
        rationale = concluded(reasoning, gold.text)
        graded = grade(gold.answer_kind, gold.text, rationale, self.written.choices)
        return rationale if graded.grade is Grade.RIGHT else ""


@dataclass(slots=True)
class TableReader:
    """Reads a table once. `strict` refuses the first faulty row; else faulty rows are left out.

    `gold_kind` is the kind of every answer where the user gave one.
    """

    columns: Columns
    gold_kind: AnswerKind | None
    strict: bool
    faults: list[tuple[Row, BadDataset]] = field(default_factory=list)
    has_split_column: bool = False

    def read(self, task: str, paths: Sequence[Path]) -> Dataset:
        """The table at some paths. Raises BadDataset naming file and line."""
        hint = self.columns.hint()
        files = files_at(paths, hint)
        entries, sources = self._entries(files, hint)
        if self.faults and not entries:
            raise self.faults[0][1]
        if not entries:
            raise BadDataset(f"{paths[0]}: holds no questions", hint)
        pairs = self._with_golds(entries)
        items = [(entry, entry.item(gold)) for entry, gold in pairs]
        items = self._without_contradictions(items)
        if not items:
            raise self.faults[0][1]
        kept = {entry.number for entry, _ in items}
        parts, warnings = _merged(items)
        questions = assemble(task, parts)
        shared = sum(len(part) for part in parts.values()) - len(questions)
        if shared:
            warnings.append(f"{shared} questions stand in more than one split: test keeps them")
        rows = [entry.row for entry, _ in pairs if entry.number in kept]
        golds = [gold for entry, gold in pairs if entry.number in kept]
        column = [entry.written for entry, _ in pairs if entry.number in kept]
        return Dataset(
            questions,
            sources,
            UNVERIFIED,
            notes=(*kinds_told(rows, golds), *percents_told(rows, column, golds)),
            warnings=(*self._split_told(files), *warnings, *self._units_told(rows, column, golds)),
            skipped=tuple(error.message for _, error in self.faults),
            skipped_told=self._skipped_told(),
        )

    # -- rows -------------------------------------------------------------------------------------

    def _entries(self, files: TableFiles, hint: str) -> tuple[list[Entry], tuple[Source, ...]]:
        entries = []
        sources = []
        number = 0
        for file in files.files:
            rows, source = rows_of(file.path, hint, keep_faulty=not self.strict)
            sources.append(source)
            for row in rows:
                number += 1
                try:
                    entries.append(self._entry(row, number, file.part))
                except BadDataset as error:
                    self._fault(row, error)
        return entries, tuple(sources)

    def _entry(self, row: Row, number: int, part: Part | None) -> Entry:
        """The row's cells. Raises BadDataset when one of them is missing or of another form."""
        if row.problem:
            raise row.bad(row.problem)
        answer = columns.scalar(row, self.columns.answer)
        return Entry(
            row=row,
            number=number,
            written=Written(answer, self._choices(row)),
            text=columns.text(row, self.columns.question),
            part=self._part(row, part),
            rationales=tuple(self._rationales(row)),
        )

    def _choices(self, row: Row) -> tuple[str, ...]:
        name = self.columns.choices or "choices"
        value = columns.optional(row, name)
        # a column that was not named may be missing or empty
        if not self.columns.choices and not value:
            return ()
        if isinstance(value, str):
            apart = [text.strip() for text in columns.text(row, name).split("|")]
            row = Row(row.where, {name: apart}, row.hint)
        return tuple(columns.texts(row, name))

    def _part(self, row: Row, of_file: Part | None) -> Part:
        name = self.columns.split or "split"
        is_wanted = self.columns.split is not None
        if not is_wanted and of_file not in (None, "all"):
            return of_file or "all"
        # a column that was not named may be missing
        if not is_wanted and not columns.has(row, name):
            return "all"
        self.has_split_column = True
        said = columns.text(row, name).lower()
        if said not in PARTS:
            raise row.bad(f"split {said!r} is none of {', '.join(PARTS)}")
        return PARTS[said]

    def _rationales(self, row: Row) -> Iterator[str]:
        """The reasoning in the column that the user named: one text, or a list of them."""
        name = self.columns.rationale
        if name is None:
            return
        value = columns.optional(row, name)
        texts = value if isinstance(value, list) else [value]
        for text in texts:
            if isinstance(text, str) and text.strip():
                yield row.checked(text.strip())
            elif text is not None and not isinstance(text, str):
                raise row.bad(f"{name!r} must be a text or a list of texts")

    def _fault(self, row: Row, error: BadDataset) -> None:
        if self.strict:
            raise error
        self.faults.append((row, error))

    # -- golds ------------------------------------------------------------------------------------

    def _with_golds(self, entries: list[Entry]) -> list[tuple[Entry, Gold]]:
        golds = read_column([entry.written for entry in entries], self.gold_kind)
        bad = [e.row for e, gold in zip(entries, golds, strict=True) if isinstance(gold, BadGold)]
        others = f"; {places(bad[1:])} too" if bad[1:] and self.strict else ""
        pairs = []
        for entry, gold in zip(entries, golds, strict=True):
            if isinstance(gold, Gold):
                pairs.append((entry, gold))
                continue
            way_out = "leave --answer-kind out" if self.gold_kind else "take it out"
            hint = gold.hint or f"mend the row, or {way_out}"
            self._fault(entry.row, BadDataset(f"{entry.row.where}: {gold}{others}", hint))
        if not pairs:
            raise self.faults[0][1]
        return pairs

    def _without_contradictions(self, items: list[tuple[Entry, Item]]) -> list[tuple[Entry, Item]]:
        """The items without those of one question that have different answers."""
        first: dict[tuple[str, ...], tuple[Row, str]] = {}
        contradicted: set[tuple[str, ...]] = set()
        for entry, item in items:
            question = same_question(item)
            answer = _answer_in_words(item)
            earlier, earlier_answer = first.setdefault(question, (entry.row, answer))
            if answer == earlier_answer:
                continue
            contradicted.add(question)
            problem = (
                f"{entry.row.where}: asks the same as {places([earlier])}, and the answers are "
                f"{earlier_answer!r} and {answer!r}"
            )
            self._fault(entry.row, BadDataset(problem, "keep the row that is right"))
        for question in contradicted:  # nobody can tell which of them is right
            row, answer = first[question]
            problem = (
                f"{row.where}: another row asks the same and has another answer than {answer!r}"
            )
            self.faults.append((row, BadDataset(problem, "keep the row that is right")))
        return [(e, item) for e, item in items if same_question(item) not in contradicted]

    # -- what is said -----------------------------------------------------------------------------

    def _split_told(self, files: TableFiles) -> tuple[str, ...]:
        return files.warnings if self.has_split_column else (*files.split_told, *files.warnings)

    def _skipped_told(self) -> str:
        if not self.faults:
            return ""
        rows = sorted((row for row, _ in self.faults), key=lambda row: row.number)
        count = "1 faulty row" if len(rows) == 1 else f"{len(rows)} faulty rows"
        return f"left out {count}: {places(rows)}; the first: {self.faults[0][1].message}"

    def _units_told(
        self, rows: Sequence[Row], column: Sequence[Written], golds: Sequence[Gold]
    ) -> Iterator[str]:
        """What is said of numbers that lost their unit."""
        units = [
            (row, written.answer, gold)
            for row, written, gold in zip(rows, column, golds, strict=True)
            if gold.unit
        ]
        if units:
            _, answer, gold = units[0]
            yield (
                f"units are left out ({answer.strip()!r} is the number {gold.text}): "
                f"{places([row for row, _, _ in units])}"
            )


def _answer_in_words(item: Item) -> str:
    """The gold, or the text of the choice whose letter it is."""
    if not item.choices:
        return item.gold
    return item.choices[LETTERS.index(item.gold)]


def _merged(
    items: Sequence[tuple[Entry, Item]],
) -> tuple[dict[Part, list[Item]], list[str]]:
    """Each question of a part once, with the first reasoning of its rows, and what is said of it."""
    parts: dict[Part, dict[Same, Item]] = {}
    repeats = 0
    for entry, item in items:
        questions = parts.setdefault(entry.part, {})
        same: Same = (item.text, item.choices, item.gold)
        earlier = questions.get(same)
        if earlier is None:
            questions[same] = item
            continue
        repeats += 1
        if item.rationale and not earlier.rationale:
            questions[same] = replace(earlier, rationale=item.rationale)
    told = []
    if repeats:
        rows = "1 row repeats" if repeats == 1 else f"{repeats} rows repeat"
        told.append(
            f"{rows} a question: it is kept once, with the first reasoning that reaches its answer"
        )
    return {part: list(questions.values()) for part, questions in parts.items()}, told
