"""Tasks by name.

A task says where its questions come from, how one is asked, how an answer is graded.

Adding a task is one file and one line: a file in this folder that ends in `TASKS =
(Benchmark(...),)`, as `gsm8k.py` does, and its name in `_FILES`. `base.Task` is what each of them
is.

Imports the standard library only. Knows no model, recipe or store.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from localfair.errors import UnknownTask, UsageError, nearest
from localfair.tasks.base import Task
from localfair.tasks.grading import AnswerKind
from localfair.tasks.table import Table

# The files that define tasks, in the order in which they are listed.
_FILES = (
    "gsm8k",
    "svamp",
    "multiarith",
    "asdiv",
    "strategyqa",
    "logiqa",
    "commonsenseqa",
    "obqa",
    "arc",
    "date",
    "shuffled_objects",
    "last_letters",
    "arithmetic",
    "mixed",
)


def _shipped() -> tuple[Task, ...]:
    """The tasks of every file, and then `table`."""
    tasks: list[Task] = []
    for file in _FILES:
        module = import_module(f"localfair.tasks.{file}")
        tasks.extend(module.TASKS)
    return (*tasks, Table())


_SHIPPED = _shipped()


def all_tasks() -> tuple[Task, ...]:
    """Every task that ships: published benchmarks, generated ones, and `table`."""
    return _SHIPPED


def get_task(name: str, imported: Iterable[str] = ()) -> Task:
    """The task of that name. `imported` names tables that a database holds.

    Raises UnknownTask when there is none.
    """
    shipped = {task.name: task for task in _SHIPPED}
    tables = set(imported)
    if name in shipped:
        return shipped[name]
    if name in tables:
        return Table(name)
    raise UnknownTask(f"there is no task {name!r}", nearest(name, [*shipped, *tables]))


def table_task(
    name: str | None,
    *,
    question: str | None = None,
    answer: str | None = None,
    choices: str | None = None,
    split: str | None = None,
    gold_kind: AnswerKind | None = None,
) -> Table:
    """A table to store under `name`, with the names of its columns; None is the usual name.

    `gold_kind` is the kind of every answer; None lets the answers show it.

    Raises UsageError when a task that ships has that name.
    """
    name = name or "table"
    shipped = {task.name for task in _SHIPPED}
    if name != "table" and name in shipped:
        raise UsageError(
            f"{name!r} is a task that ships; a table cannot take its name", "choose another --as"
        )
    return Table(name, question or "question", answer or "answer", choices, split, gold_kind)
