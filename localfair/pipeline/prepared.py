"""An order read and checked before anything is asked, and its record with its questions in it.

Reads recipes, tasks, model cards and data files; writes questions alone. Knows nothing of stages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localfair.committee.seating import Member, Seating
from localfair.pipeline.checks import (
    check_licences,
    check_mentor,
    check_questions,
    check_seats,
    check_weights,
    taking_part,
)
from localfair.pipeline.imports import import_id, is_imported
from localfair.pipeline.notes import dated_models
from localfair.pipeline.orders import Order, steps_until
from localfair.record.connection import exists
from localfair.record.store import Store
from localfair.tasks import get_task
from localfair.tasks.base import Dataset, Task

Say = Callable[[str], None]


def quiet(line: str) -> None:
    """Say nothing: for runs that only measure or rehearse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An order whose input was read and checked; nothing is written yet.

    dataset: the questions that the command line brings, or None when the record holds them.
    import_id: see `imports`.
    """

    order: Order
    until: str | None
    task: Task
    members: list[Member]
    dataset: Dataset | None
    import_id: str | None = None


def prepare(order: Order, until: str | None) -> Prepared:
    """Read and check everything that an order names.

    Raises what a user can cause, and writes nothing.
    """
    held = _imported(order.db)
    task = get_task(order.task, imported=held)
    seating = Seating(order.workspace, order.seed, order.options, order.date)
    members = _seat(order, seating)
    steps = steps_until(order.recipe, until)
    check_seats(order, members, steps)
    check_licences(order, members, steps)
    check_weights(order, steps)
    check_mentor(order, seating, steps)
    identity = None if order.data is None else import_id(task.name, order.data)
    dataset = None if is_imported(order.db, identity) else _dataset(order, task, held)
    check_questions(order, task, dataset, steps)
    return Prepared(
        order=order, until=until, task=task, members=members, dataset=dataset, import_id=identity
    )


def _imported(db: Path) -> list[str]:
    """The tasks whose questions a database holds already."""
    if not exists(db):
        return []
    with Store.open(db) as store:
        return store.tasks()


def _seat(order: Order, seating: Seating) -> list[Member]:
    # an exam of teachers has no student
    members = seating.seat("student", [order.student] if order.student else [])
    members += taking_part(order.recipe, seating.seat("teacher", order.teachers))
    members += seating.seat("reviewer", order.reviewers)
    if order.mentor:
        members += seating.seat("mentor", [order.mentor])
    return members


def _dataset(order: Order, task: Task, held: Sequence[str]) -> Dataset | None:
    """The questions that the command line brings, or that the task makes.

    held: the tasks that the record has questions of. A generated one is made once: whoever imported
    it with a seed wants those questions, and no others beside them.
    """
    if order.data is not None:
        return task.read(order.data)
    is_made = task.name in held
    return task.generate() if task.generated and not is_made else None


@contextmanager
def record_of(prepared: Prepared, say: Say = quiet) -> Iterator[Store]:
    """The order's record, opened for writing, with its questions in it."""
    with Store.open(prepared.order.db, create=True) as store:
        store_questions(store, prepared, say)
        store.end_lost_runs()
        if dated_models(prepared.members):
            store.set_template_date(prepared.order.date)
        yield store


def store_questions(store: Store, prepared: Prepared, say: Say = quiet) -> None:
    """Store the questions that an order brings, if it brings any.

    How their answers were read is said when some of them are new to the record.
    """
    if prepared.dataset is None:
        return
    new = store.ensure_dataset(prepared.task.name, prepared.dataset)
    if prepared.import_id is not None:
        store.keep_import(prepared.import_id, prepared.task.name)
    if new:
        for note in prepared.dataset.told():
            say(note)
