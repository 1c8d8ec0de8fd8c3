"""Grades a sheet of answers: JSON lines `{"id", "text", "gold"}` in, a grade for each out, in
order.

Reads lines, writes nothing. `gold` is the bare answer or the data set's own solution; `choices` may
stand in a line of a choice task. Knows no model and no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from localfair.errors import BadDataset
from localfair.record.nouns import Question
from localfair.tasks.base import Task
from localfair.tasks.benchmark import checked_gold
from localfair.tasks.files import Row, parse_json
from localfair.tasks.grading import infer_answer_kind
from localfair.tasks.table import final_answer

HINT = 'each line must be {"id": ..., "text": "...", "gold": "..."}, and may have "choices": ["...", "..."]'


def grade_lines(task: Task, lines: Iterable[bytes], name: str) -> Iterator[dict[str, object]]:
    """`{"id", "grade", "read", "gold"}` per line. Raises BadDataset naming `name` and the line."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f"{name} line {number}"
            value = parse_json(_decoded(line, where), where, HINT)
            yield _graded(task, Row(where, value, HINT))


def _decoded(line: bytes, where: str) -> str:
    try:
        return line.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise BadDataset(f"{where}: is not UTF-8 text", HINT) from None


def _graded(task: Task, row: Row) -> dict[str, object]:
    identity = row.get("id")
    text = row.get("text")
    if not isinstance(text, str):
        raise row.bad("'text' must be a text")
    choices = tuple(row.texts("choices")) if row.optional("choices") else ()
    gold = _gold(task, row, choices)
    question = Question(
        task=task.name, key=str(identity), split="test", text="", gold=gold, choices=choices
    )
    graded = task.grade(question, text)
    return {"id": identity, "grade": graded.grade.value, "read": graded.read, "gold": gold}


def _gold(task: Task, row: Row, choices: tuple[str, ...]) -> str:
    answer = row.scalar("gold")
    answer_kind = task.answer_kind
    if answer_kind == "any":
        answer = final_answer(answer)
        answer_kind = infer_answer_kind(answer, choices)
    return checked_gold(row, answer_kind, answer, choices)
