"""A run's lessons as JSON lines in the chat form that TRL, Axolotl, LLaMA-Factory and Unsloth read.

Reads lessons and seats. The lines are the same for the same lessons, whichever run made them, and in order of
their ids. Knows nothing of adapters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localfair.errors import UsageError
from localfair.export.student import run_row
from localfair.machine.files import whole
from localfair.record.store import Row, Store


def chats(store: Store, run: str | None) -> Iterator[dict[str, Any]]:
    """{"messages": prompt and completion, "kind", "weight", "teacher", "question", "lesson"} of each lesson kept.

    `teacher` is the model's name, None where no teacher wrote it. Raises UsageError for a run without lessons.
    """
    head = run_row(store, run)
    lessons = kept(store, head["id"])
    if not lessons:
        raise UsageError(
            f"run {head['id']} made no lessons",
            "name another with --run; see `localfair report --list`",
        )
    teachers = teachers_of(store, head["id"])
    for lesson in lessons:
        turns = [*json.loads(lesson["prompt"]), ["assistant", lesson["completion"]]]
        yield {
            "messages": [{"role": role, "content": content} for role, content in turns],
            "kind": lesson["kind"], "weight": lesson["weight"], "teacher": teachers.get(lesson["teacher"]),
            "question": lesson["question"], "lesson": lesson["id"],
        }  # fmt: skip


def as_lines(store: Store, run: str | None) -> str:
    """The lessons, one JSON object a line."""
    return "".join(json.dumps(chat, ensure_ascii=False) + "\n" for chat in chats(store, run))


def write(store: Store, run: str | None, out: Path) -> Path:
    """The lessons at `<out>/lessons.jsonl`."""
    text = as_lines(store, run)
    with whole(out / "lessons.jsonl") as part:
        part.write_text(text, encoding="utf-8")
    return out / "lessons.jsonl"


def kept(store: Store, run: str) -> list[Row]:
    """The lessons that a run's select steps kept, by id."""
    steps = store.rows("SELECT position FROM run_steps WHERE run = ? AND stage = 'select'", run)
    found = store.by_ids("lessons", store.linked(run, [s["position"] for s in steps], "lesson"))
    return [found[i] for i in sorted(found) if found[i]["dropped"] is None]


def teachers_of(store: Store, run: str) -> dict[int | None, str]:
    """The model in each teacher's seat of a run, by the seat's index."""
    sql = (
        'SELECT s."index", s.model FROM run_seats r JOIN seats s ON s.id = r.seat '
        "WHERE r.run = ? AND s.role = 'teacher'"
    )
    return {row["index"]: row["model"] for row in store.rows(sql, run)}
