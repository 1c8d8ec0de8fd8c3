"""What only a recipe, its seats and its questions together can show to be wrong, raised before anybody is asked.

Reads seats, model folders and, if there is one, the record; writes nothing. Knows nothing of how a step is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localfair.committee.seating import Member, Seating
from localfair.engines import ENGINES
from localfair.errors import TaskError, UsageError
from localfair.recipe.schema import (
    AnyStep,
    BestEpoch,
    CrossEntropy,
    Exam,
    Inquire,
    PerQuestion,
    Recipe,
    Review,
    Select,
    Soften,
    Train,
)
from localfair.record.connection import exists
from localfair.record.store import Store
from localfair.stages.soften import shared_ids
from localfair.tasks.base import Dataset, Task

if TYPE_CHECKING:
    from localfair.pipeline.orders import Order


def taking_part(recipe: Recipe, teachers: list[Member]) -> list[Member]:
    """Those whom the recipe's `teachers` names by index, all when it names none; nobody's seat changes."""
    if absent := [i for i in recipe.teachers if i >= len(teachers)]:
        raise UsageError(
            f"recipe {recipe.name!r} wants teacher {absent[0]} (counted from 0), and {len(teachers)} are named",
            "name more with --teacher MODEL, or others with --set teachers=[0]",
        )
    return [p for p in teachers if not recipe.teachers or p.seat.index in recipe.teachers]


def check_seats(order: Order, members: list[Member], steps: list[AnyStep]) -> None:
    """What only the recipe and the seats together can show. Raises before anything is asked."""
    roles = {p.seat.role for p in members}
    if "teacher" not in roles and any(
        isinstance(s, Inquire) and s.role == "teacher" for s in steps
    ):
        raise UsageError(
            f"recipe {order.recipe.name!r} needs at least one teacher",
            "name one with --teacher MODEL",
        )
    kinds = {"script": "scripted", "endpoint": "served"}  # models whose weights are not here
    weightless = {p.seat.role: kinds[p.model.format] for p in members if not p.model.has_weights}
    for step in steps:
        if "mentor" not in roles and getattr(step, "role", "") == "mentor":
            raise UsageError(
                f"recipe {order.recipe.name!r} needs a mentor", "name one with --mentor MODEL"
            )
        if isinstance(step, Train | Soften) and (kind := weightless.get(step.role)):
            what = f"{'train' if isinstance(step, Train) else 'ask'} a {kind} {step.role}"
            raise UsageError(f"{step.id} cannot {what}", f"name a {step.role} with weights")
    reviewing = [s for s in steps if isinstance(s, Review) and s.mode != "none" and s.of]
    reviewers = [
        p for p in members if p.seat.role == ("reviewer" if order.reviewers else "teacher")
    ]
    for step, member in ((s, p) for s in reviewing if s.constrained for p in reviewers):
        if not member.engine.binds:
            binding = sorted(engine.name for engine in ENGINES if engine.binds)
            raise UsageError(
                f"{step.id}.constrained: the {member.engine.name} engine of {member.seat.model} cannot constrain a reply",
                f"seat it with one of {', '.join(binding)}, or --set {step.id}.constrained=false",
            )
    seated = [p for p in members if p.seat.role == "teacher"]
    can_give = len(order.reviewers) or max(0, len(seated) - 1)
    for step in reviewing:
        if step.accept.needed > can_give:
            raise UsageError(
                f"{step.id} wants {step.accept.needed} reviews of each explanation, this committee can give {can_give}",
                "name more seats with --teacher or --reviewer (one model may hold several), "
                f"or leave reviews out with --set {step.id}.mode=none",
            )


def check_weights(order: Order, steps: list[AnyStep]) -> None:
    """A loss with one weight per teacher has as many as teachers were named. Raises UsageError."""
    for step in (s for s in steps if isinstance(s, Train)):
        for term in step.loss:
            if (
                isinstance(term, CrossEntropy)
                and term.weights
                and len(term.weights) != len(order.teachers)
            ):
                raise UsageError(
                    f"{step.id}.loss gives {len(term.weights)} weights to {len(order.teachers)} teachers",
                    f"give one each: --set {step.id}.loss.{term.kind}.weights=[1.0, 0.5]",
                )


def check_mentor(order: Order, seating: Seating, steps: list[AnyStep]) -> None:
    """A mentor that softens lessons reads the student's tokens as its own. Raises UsageError."""
    if not order.mentor or not any(isinstance(step, Soften) for step in steps):
        return
    if seating.model(order.mentor).fingerprint != seating.model(order.student).fingerprint:
        shared_ids(*(seating.folder(seating.model(name)) for name in (order.student, order.mentor)))


def check_questions(
    order: Order, task: Task, dataset: Dataset | None, steps: list[AnyStep]
) -> None:
    """Every split that a step reads has questions, here or in the record. Raises before anything is written."""
    held: set[str] = {q.split for q in dataset.questions} if dataset else set()
    if exists(order.db):
        with Store.open(order.db) as store:
            held |= store.splits(task.name)
    if not held:
        raise TaskError(
            f"task {task.name!r} has no questions in {order.db}",
            f"give its files with --data PATH, or once with `localfair tasks import {task.name} PATH`",
        )
    for step in steps:
        if (split := _split_of(step)) and split not in held:
            raise TaskError(
                f"task {task.name!r} has no {split} questions, and {step.id} needs them",
                f"give data with a {split} split, or leave the step out with --set {step.id}.enabled=false",
            )


def _split_of(step: AnyStep) -> str | None:
    """The split whose questions a step reads, if it reads any."""
    match step:
        case Exam():
            return step.split
        case Train(best_epoch=BestEpoch()):
            return "dev"
        case Inquire() | Select(per_question=PerQuestion(answer=1)):
            return "train"
    return None
