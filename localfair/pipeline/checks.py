"""What only a recipe, its seats and its questions together can show to be wrong, raised before
anybody is asked.

Reads seats, model folders and, if there is one, the record; writes nothing. Knows nothing of how a
step is done.
"""

from __future__ import annotations

from localfair.committee.seating import Member, Seating
from localfair.engines import ENGINES
from localfair.errors import TaskError, UsageError
from localfair.machine.terminal import shown_in_line
from localfair.models import Model
from localfair.pipeline.orders import Order
from localfair.recipe.schema import (
    BestEpoch,
    CrossEntropy,
    Exam,
    Inquire,
    PerQuestion,
    Recipe,
    RecipeStep,
    Review,
    Select,
    Soften,
    Train,
)
from localfair.record.connection import exists
from localfair.record.store import Store
from localfair.stages.soften import shared_ids
from localfair.tasks.base import Dataset, Task

# models whose weights are not here, by format, and what they are called in messages
WEIGHTLESS = {"script": "scripted", "endpoint": "served"}


def taking_part(recipe: Recipe, teachers: list[Member]) -> list[Member]:
    """Those whom the recipe's `teachers` names by index, all when it names none.

    Nobody's seat changes.
    """
    for index in recipe.teachers:
        if index >= len(teachers):
            raise UsageError(
                f"recipe {recipe.name!r} wants teacher {index} (counted from 0), "
                f"and {len(teachers)} are named",
                "name more with --teacher MODEL, or others with --set teachers=[0]",
            )
    if not recipe.teachers:
        return teachers
    return [member for member in teachers if member.seat.index in recipe.teachers]


def check_seats(order: Order, members: list[Member], steps: list[RecipeStep]) -> None:
    """Every step finds who it needs. Raises UsageError."""
    roles = {member.seat.role for member in members}
    for step in steps:
        role = getattr(step, "role", "")
        if isinstance(step, Inquire) and role == "teacher" and "teacher" not in roles:
            raise UsageError(
                f"recipe {order.recipe.name!r} needs at least one teacher",
                "name one with --teacher MODEL",
            )
    for step in steps:
        role = getattr(step, "role", "")
        if role == "mentor" and "mentor" not in roles:
            raise UsageError(
                f"recipe {order.recipe.name!r} needs a mentor", "name one with --mentor MODEL"
            )
        if isinstance(step, Train | Soften):
            _check_weights_here(step, members)
        if isinstance(step, Select):
            _check_likely(step, members)
    reviewing: list[Review] = []
    for step in steps:
        if isinstance(step, Review) and step.mode != "none" and step.of:
            reviewing.append(step)
    for review in reviewing:
        _check_constraint(order, review, members)
    for review in reviewing:
        # a calibrated gate does without reviews where nobody can give any
        if not review.is_calibrated:
            _check_reviewers(order, review, members)


def check_licences(order: Order, members: list[Member], steps: list[RecipeStep]) -> None:
    """Where the user wants it so, nobody learns from a teacher whose terms forbid it.

    Raises UsageError.
    """
    forbidden = forbidding(members, steps)
    if order.licences == "refuse" and forbidden:
        name, terms = forbidden[0]
        raise UsageError(
            f"the terms of {name} forbid to train others on its replies: {shown_in_line(terms)}",
            "name another teacher, or give --licences warn where you may all the same",
        )


def forbidding(members: list[Member], steps: list[RecipeStep]) -> list[tuple[str, str]]:
    """Each model that would write lessons although its terms forbid it, and those terms.

    Empty where nothing is trained.
    """
    if not any(isinstance(step, Train) for step in steps):
        return []
    named: dict[str, str] = {}
    for member in members:
        model = member.model
        if member.seat.role not in ("teacher", "mentor") or not isinstance(model, Model):
            continue
        if model.card.may_train is False:
            named[model.name] = model.card.output_terms
    return list(named.items())


def _check_weights_here(step: Train | Soften, members: list[Member]) -> None:
    """A role that is trained, or asked for soft labels, has weights on this machine."""
    for member in members:
        if member.seat.role == step.role and not member.model.has_weights:
            verb = "train" if isinstance(step, Train) else "ask"
            what = WEIGHTLESS[member.model.format]
            raise UsageError(
                f"{step.id} cannot {verb} a {what} {step.role}", f"name a {step.role} with weights"
            )


def _check_likely(step: Select, members: list[Member]) -> None:
    """A student that is to say which lessons are likely sits in an engine that scores texts."""
    if step.prefer != "likely":
        return
    for member in members:
        if member.seat.role == "student" and not member.engine.scores_texts:
            scoring = sorted(engine.name for engine in ENGINES if engine.scores_texts)
            raise UsageError(
                f"{step.id}.prefer: the {member.engine.name} engine of {member.seat.model} "
                "cannot score a text",
                f"seat the student with one of {', '.join(scoring)} (--student-engine), "
                f"or --set {step.id}.prefer=random",
            )


def _check_constraint(order: Order, step: Review, members: list[Member]) -> None:
    """A review whose replies are bound is asked of engines that can bind them."""
    if not step.constrained:
        return
    role = "reviewer" if order.reviewers else "teacher"
    for member in members:
        if member.seat.role == role and not member.engine.binds:
            binding = sorted(engine.name for engine in ENGINES if engine.binds)
            raise UsageError(
                f"{step.id}.constrained: the {member.engine.name} engine of {member.seat.model} "
                "cannot constrain a reply",
                f"seat it with one of {', '.join(binding)}, or --set {step.id}.constrained=false",
            )


def _check_reviewers(order: Order, step: Review, members: list[Member]) -> None:
    """The committee can give as many reviews as the gate wants: nobody reviews his own."""
    teachers = sum(member.seat.role == "teacher" for member in members)
    can_give = len(order.reviewers) or max(0, teachers - 1)
    if step.accept.needed > can_give:
        raise UsageError(
            f"{step.id} wants {step.accept.needed} reviews of each explanation, "
            f"this committee can give {can_give}",
            "name more seats with --teacher or --reviewer (one model may hold several), "
            f"or leave reviews out with --set {step.id}.mode=none",
        )


def check_weights(order: Order, steps: list[RecipeStep]) -> None:
    """A loss with one weight per teacher has as many as teachers were named. Raises UsageError."""
    for step in steps:
        if not isinstance(step, Train):
            continue
        for term in step.loss:
            if not isinstance(term, CrossEntropy) or not term.weights:
                continue
            if len(term.weights) != len(order.teachers):
                raise UsageError(
                    f"{step.id}.loss gives {len(term.weights)} weights "
                    f"to {len(order.teachers)} teachers",
                    f"give one each: --set {step.id}.loss.{term.kind}.weights=[1.0, 0.5]",
                )


def check_mentor(order: Order, seating: Seating, steps: list[RecipeStep]) -> None:
    """A mentor that softens lessons reads the student's tokens as its own. Raises UsageError."""
    if not order.mentor or not any(isinstance(step, Soften) for step in steps):
        return
    mentor = seating.model(order.mentor)
    student = seating.model(order.student)
    if mentor.fingerprint != student.fingerprint:
        shared_ids(seating.folder(student), seating.folder(mentor))


def check_questions(
    order: Order, task: Task, dataset: Dataset | None, steps: list[RecipeStep]
) -> None:
    """Every split that a step reads has questions, here or in the record. Raises TaskError."""
    splits: set[str] = set()
    if dataset is not None:
        splits |= {question.split for question in dataset.questions}
    if exists(order.db):
        with Store.open(order.db) as store:
            splits |= store.splits(task.name)
    if not splits:
        raise TaskError(
            f"task {task.name!r} has no questions in {order.db}",
            "give its files with --data PATH, "
            f"or once with `localfair tasks import {task.name} PATH`",
        )
    for step in steps:
        split = _split_of(step)
        if split is not None and split not in splits:
            raise TaskError(
                f"task {task.name!r} has no {split} questions, and {step.id} needs them",
                f"give data with a {split} split, "
                f"or leave the step out with --set {step.id}.enabled=false",
            )


def _split_of(step: RecipeStep) -> str | None:
    """The split whose questions a step reads, if it reads any."""
    match step:
        case Exam():
            return step.split
        case Train(best_epoch=BestEpoch()):
            return "dev"
        case Inquire() | Select(per_question=PerQuestion(answer=1) | PerQuestion(gold=1)):
            return "train"
    return None
