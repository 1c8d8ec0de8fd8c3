"""Grades a sheet of answers: JSON lines `{"id", "text", "gold"}` in, a grade for each out, in
order.

Reads lines, writes nothing. `gold` is the bare answer or the data set's own solution; `choices` may
stand in a line of a choice task. A line whose `text` is missing or no text is unreadable. Knows no model and no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from localfair.errors import BadDataset
from localfair.machine.files import NotText, decoded
from localfair.record.nouns import Question
from localfair.tasks.base import Task
from localfair.tasks.files import Row, parse_json
from localfair.tasks.forms import form_of
from localfair.tasks.golds import BadGold, Gold, key_with_kind, read_gold
from localfair.tasks.grading import UNREADABLE

HINT = 'each line must be {"id": ..., "text": "...", "gold": "..."}, and may have "choices": ["...", "..."]'


def grade_lines(task: Task, lines: Iterable[bytes], name: str) -> Iterator[dict[str, object]]:
    """`{"id", "grade", "read", "gold"}` per line. Raises BadDataset naming `name` and the line."""
    for number, line in enumerate(lines, 1):
        form = form_of(Path(name), line) if number == 1 else None
        if form:
            raise BadDataset(f"{name}: is {form[0]}, and such files are not read", form[1])
        if line.strip():
            where = f"{name} line {number}"
            value = parse_json(_decoded(line, where), where, HINT)
            yield _graded(task, Row(where, value, HINT, number))


def _decoded(line: bytes, where: str) -> str:
    try:
        return decoded(line).strip()
    except NotText as error:
        raise BadDataset(f"{where}: {error.problem}", HINT) from None


def _graded(task: Task, row: Row) -> dict[str, object]:
    identity = row.get("id")
    choices = tuple(row.texts("choices")) if row.optional("choices") else ()
    gold = _gold(task, row, choices)
    question = Question(
        task=task.name,
        key=key_with_kind(str(row.number), gold, choices),
        split="test",
        text="",
        gold=gold.text,
        choices=choices,
    )
    # a reply that never came, or is no text, cannot be read; the others are graded all the same
    text = row.optional("text")
    graded = task.grade(question, text) if isinstance(text, str) else UNREADABLE
    return {"id": identity, "grade": graded.grade.value, "read": graded.read, "gold": gold.text}


def _gold(task: Task, row: Row, choices: tuple[str, ...]) -> Gold:
    answer_kind = None if task.answer_kind == "any" else task.answer_kind
    try:
        return read_gold(row.scalar("gold"), choices, answer_kind)
    except BadGold as problem:
        raise row.bad(str(problem)) from None
