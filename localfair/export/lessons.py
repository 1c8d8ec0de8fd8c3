"""A run's lessons as JSON lines of chats, as TRL, Axolotl, LLaMA-Factory and Unsloth read them.

Reads lessons and seats. The lines are the same for the same lessons, whichever run made them,
and in order of their ids. Knows nothing of adapters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from localfair.errors import UsageError
from localfair.export.once import refuse_foreign
from localfair.machine.files import whole
from localfair.record.lessons import kept_lessons
from localfair.record.nouns import Kind, Message
from localfair.record.resolving import Wanted
from localfair.record.runs import teacher_models
from localfair.record.store import Store
from localfair.report.findings import find_run

LINE_ENDS = re.compile("[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A lesson as a chat: the prompt's turns, and the completion as the assistant's.

    teacher: the model's name, None where no teacher wrote the completion. own: the student did, in
    an exam. question, lesson: ids.
    """

    messages: tuple[Message, ...]
    kind: Kind
    weight: float
    teacher: str | None
    own: bool
    question: str
    lesson: str


def chats(store: Store, run: str | None) -> Iterator[Chat]:
    """Each lesson that a run kept, in the order of their ids.

    For None it is the newest run that kept one. Raises UsageError when the run kept none.
    """
    run_id = find_run(store, run, Wanted.LESSONS).id
    lessons = kept_lessons(store, run_id)
    if not lessons:
        raise UsageError(
            f"run {run_id} made no lessons",
            "name another with --run; see `localfair report --list`",
        )
    teachers = teacher_models(store, run_id)
    for lesson in lessons:
        yield Chat(
            messages=(*lesson.prompt, Message("assistant", lesson.completion)),
            kind=lesson.kind,
            weight=lesson.weight,
            teacher=teachers.get(lesson.teacher),
            own=lesson.own,
            question=lesson.question,
            lesson=lesson.id,
        )


def as_json_lines(store: Store, run: str | None) -> str:
    """The lessons, one JSON object a line. Raises UsageError when the run kept none."""
    return "".join(_json_line(chat) for chat in chats(store, run))


def _json_line(chat: Chat) -> str:
    """A chat as JSON on a line, for programs too that end a line at more than a line feed."""
    text = json.dumps(asdict(chat), ensure_ascii=False)
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
