"""A run's lessons as JSON lines of chats, as TRL, Axolotl, LLaMA-Factory and Unsloth read them.

Reads lessons and seats. The lines are the same for the same lessons, whichever run made them,
and in order of their ids. Knows nothing of adapters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localfair.errors import UsageError
from localfair.export.once import refuse_foreign
from localfair.export.student import find_run
from localfair.machine.files import whole
from localfair.record.store import Row, Store

LINE_ENDS = re.compile("[\x85\u2028\u2029]")


def chats(store: Store, run: str | None) -> Iterator[dict[str, Any]]:
    """Each lesson that a run kept: its messages, kind, weight, teacher, question and id.

    `messages` are the prompt's turns and the completion as the assistant's; `teacher` is the
    model's name, None where no teacher wrote the completion. Raises UsageError when the run
    kept no lesson.
    """
    run_id = find_run(store, run)["id"]
    lessons = kept_lessons(store, run_id)
    if not lessons:
        raise UsageError(
            f"run {run_id} made no lessons",
            "name another with --run; see `localfair report --list`",
        )
    teachers = teacher_models(store, run_id)
    for lesson in lessons:
        yield {
            "messages": _messages(lesson),
            "kind": lesson["kind"],
            "weight": lesson["weight"],
            "teacher": teachers.get(lesson["teacher"]),
            "question": lesson["question"],
            "lesson": lesson["id"],
        }


def _messages(lesson: Row) -> list[dict[str, str]]:
    turns = json.loads(lesson["prompt"])
    messages = [{"role": role, "content": content} for role, content in turns]
    messages.append({"role": "assistant", "content": lesson["completion"]})
    return messages


def as_json_lines(store: Store, run: str | None) -> str:
    """The lessons, one JSON object a line. Raises UsageError when the run kept none."""
    return "".join(_json_line(chat) for chat in chats(store, run))


def _json_line(chat: dict[str, Any]) -> str:
    """A chat as JSON on a line, for programs too that end a line at more than a line feed."""
    text = json.dumps(chat, ensure_ascii=False)
    return LINE_ENDS.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def write(store: Store, run: str | None, out: Path) -> Path:
    """Write the lessons to `<out>/lessons.jsonl`, and return that path.

    Raises UsageError when the run kept none.
    """
    text = as_json_lines(store, run)
    path = out / "lessons.jsonl"
    refuse_foreign(path, _is_of_lessons)
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return path


def _is_of_lessons(text: str) -> bool:
    """Whether a file's first line begins as an exported lesson does; an empty file holds nothing."""
    return not text or text.startswith('{"messages": [{"role": ')


def kept_lessons(store: Store, run: str) -> list[Row]:
    """The lessons that a run's select steps kept, ordered by id."""
    steps = store.rows("SELECT position FROM run_steps WHERE run = ? AND stage = 'select'", run)
    positions = [step["position"] for step in steps]
    lessons = store.by_ids("lessons", store.linked(run, positions, "lesson"))
    return [lesson for _, lesson in sorted(lessons.items()) if lesson["dropped"] is None]


def teacher_models(store: Store, run: str) -> dict[int | None, str]:
    """The name of the model in each teacher's seat of a run, by the seat's index."""
    seats = store.rows(
        'SELECT s."index", s.model FROM run_seats r JOIN seats s ON s.id = r.seat '
        "WHERE r.run = ? AND s.role = 'teacher'",
        run,
    )
    return {seat["index"]: seat["model"] for seat in seats}
