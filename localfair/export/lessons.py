"""A run's lessons as JSON lines, for TRL, Axolotl, LLaMA-Factory and Unsloth, or as a data set.

Reads lessons and seats. The lines are the same for the same lessons under the same loss, and in
order of their ids. Knows nothing of adapters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localfair.errors import UsageError
from localfair.export.lessons_card import lessons_card
from localfair.export.names import export_name
from localfair.export.once import Destination, write_files
from localfair.export.parquet import as_parquet
from localfair.export.terms import FILE as TERMS
from localfair.export.terms import as_json
from localfair.export.trainers import FILE, PARQUET, Form, dataset_info
from localfair.recipe.load import recorded_recipe
from localfair.recipe.schema import Recipe, Train
from localfair.record.lessons import kept_lessons
from localfair.record.licences import Ledger, ledger
from localfair.record.made import Lesson, Run
from localfair.record.nouns import Kind, Message
from localfair.record.resolving import Wanted
from localfair.record.runs import settings_of, teacher_models
from localfair.record.store import Store
from localfair.report.findings import find_run
from localfair.stages.train_plan import mean_of

LINE_ENDS = re.compile("[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A lesson as a chat: the prompt's turns, and the completion as the assistant's.

    weight: the lesson's own times that of its mean in the recipe's loss, 0 where the student's loss
    has none for it. teacher: the model's name, None where no teacher wrote the completion. own: the
    student did, in an exam. question, lesson: ids.
    """

    messages: tuple[Message, ...]
    kind: Kind
    weight: float
    teacher: str | None
    own: bool
    question: str
    lesson: str

    def as_prompt_completion(self) -> dict[str, Any]:
        """The same with the completion apart from the turns before it."""
        *prompt, completion = [asdict(message) for message in self.messages]
        rest = asdict(self)
        del rest["messages"]
        return {"prompt": prompt, "completion": [completion], **rest}


def chats(store: Store, run: str | None) -> Iterator[Chat]:
    """Each lesson that a run kept, in the order of their ids.

    For None it is the newest run that kept one. Raises UsageError when the run kept none.
    """
    taught_by = find_run(store, run, Wanted.LESSONS)
    lessons = kept_lessons(store, taught_by.id)
    if not lessons:
        raise UsageError(
            f"run {taught_by.id} made no lessons",
            "name another with --run; see `localfair report --list`",
        )
    teachers = teacher_models(store, taught_by.id)
    recipe = recorded_recipe(taught_by.effective)
    for lesson in lessons:
        yield Chat(
            messages=(*lesson.prompt, Message("assistant", lesson.completion)),
            kind=lesson.kind,
            weight=lesson.weight * _loss_weight(recipe, lesson),
            teacher=teachers.get(lesson.teacher),
            own=lesson.own,
            question=lesson.question,
            lesson=lesson.id,
        )


def _loss_weight(recipe: Recipe, lesson: Lesson) -> float:
    """The weight of a lesson's mean in the loss of the student's last train step that has one."""
    steps = [step for _, step in recipe.steps() if isinstance(step, Train)]
    of_student = [step for step in steps if step.role == "student"]
    if not of_student:
        return 1.0
    for step in reversed(of_student):
        mean = mean_of(step, lesson)
        if mean is not None:
            _, weight = mean
            return weight
    return 0.0


def as_json_lines(store: Store, run: str | None) -> str:
    """The lessons, one JSON object a line. Raises UsageError when the run kept none."""
    return "".join(_json_line(asdict(chat)) for chat in chats(store, run))


def _json_line(values: dict[str, object]) -> str:
    """Values as JSON on a line, for programs too that end a line at more than a line feed."""
    text = json.dumps(values, ensure_ascii=False)
    return LINE_ENDS.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def write(store: Store, run: str | None, form: Form, out: Destination) -> Path:
    """Write the lessons into a folder that carries student, recipe and run.

    The folder is `<out>/<name>-lessons` for messages, with the form's name after it otherwise.
    Returns the file of the lessons, or the folder of a data set. Raises UsageError when the run
    kept none or another export stands there, MissingDependency for a data set without pyarrow.
    """
    taught_by = find_run(store, run, Wanted.LESSONS)
    name = export_name(settings_of(taught_by).student, taught_by.recipe, taught_by.id)
    lessons = list(chats(store, taught_by.id))
    terms = ledger(store, taught_by)
    files = _files(store, taught_by, form, name, lessons)
    files["README.md"] = _page(taught_by, form, name, lessons, terms)
    files[TERMS] = as_json(terms)
    ending = "" if form == "messages" else f"-{form}"
    folder = write_files(out.folder / f"{name}-lessons{ending}", files, out.force)
    return folder if form == "dataset" else folder / FILE


def _files(store: Store, run: Run, form: Form, name: str, lessons: list[Chat]) -> dict[str, bytes]:
    """The files that programs read in a form, by name."""
    files = {}
    if form == "messages":
        files[FILE] = as_json_lines(store, run.id).encode()
        files["dataset_info.json"] = dataset_info(f"{name}-lessons").encode()
        return files
    rows = [chat.as_prompt_completion() for chat in lessons]
    if form == "dataset":
        files[PARQUET] = as_parquet(rows)
    else:
        files[FILE] = "".join(_json_line(row) for row in rows).encode()
    return files


def _page(run: Run, form: Form, name: str, lessons: list[Chat], terms: Ledger) -> bytes:
    teachers = sorted({chat.teacher for chat in lessons if chat.teacher})
    counts = [(chat.kind, chat.weight) for chat in lessons]
    return lessons_card(run, form, name, counts, teachers, terms).encode("utf-8", "replace")
