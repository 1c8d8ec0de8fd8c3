"""Tasks by name. One benchmark per file; `base.Task` is what each of them is.

Imports the standard library only. Knows no model, recipe or store.
"""

from __future__ import annotations

from collections.abc import Iterable

from localfair.errors import UnknownTask, UsageError, nearest
from localfair.tasks import (
    arc,
    arithmetic,
    commonsenseqa,
    date,
    gsm8k,
    last_letters,
    logiqa,
    obqa,
    shuffled_objects,
    strategyqa,
    svamp,
)
from localfair.tasks.base import Task
from localfair.tasks.table import Table

_TASKS: tuple[Task, ...] = (
    gsm8k.TASK,
    svamp.TASK,
    strategyqa.TASK,
    logiqa.TASK,
    commonsenseqa.TASK,
    obqa.TASK,
    arc.TASK,
    date.TASK,
    shuffled_objects.TASK,
    last_letters.TASK,
    *arithmetic.TASKS,
    Table(),
)


def all_tasks() -> tuple[Task, ...]:
    """Every task that ships: published benchmarks, generated ones, and `table`."""
    return _TASKS


def get_task(name: str, imported: Iterable[str] = ()) -> Task:
    """The task of that name. `imported` names tables that a database holds. Raises UnknownTask."""
    known = {task.name: task for task in _TASKS}
    tables = set(imported)
    if name in known:
        return known[name]
    if name in tables:
        return Table(name)
    raise UnknownTask(f"there is no task {name!r}", nearest(name, [*known, *tables]))


def table_task(name: str | None, *columns: str | None) -> Table:
    """A table to store under `name`; a name that a task already has is refused with UsageError."""
    question, answer, choices, split = columns
    if name and name != "table" and name in {task.name for task in _TASKS}:
        raise UsageError(
            f"{name!r} is a task that ships; a table cannot take its name", "choose another --as"
        )
    return Table(name or "table", question or "question", answer or "answer", choices, split)
