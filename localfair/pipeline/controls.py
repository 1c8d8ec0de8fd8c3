"""Two rows that belong into every comparison: the untrained student, and one that learned nothing
but the form of an answer.

Makes their orders from the recipe single-teacher; asks nobody. What a recipe gains over `untrained`
and not over `format-only` is no knowledge (a student of any size gains much by ending its replies).
"""

from __future__ import annotations

from dataclasses import replace

from localfair.errors import UsageError
from localfair.pipeline.orders import Order, RunOptions
from localfair.pipeline.orders import order as order_of
from localfair.recipe.schema import Exam, Train

BASELINE = "single-teacher"
UNTRAINED = "untrained"
FORMAT_ONLY = "format-only"
NAMES = (UNTRAINED, FORMAT_ONLY)
STEPS = 10  # of format-only: enough for the form, not for the matter (ours)


def control(name: str, options: RunOptions) -> Order:
    """The order of a control by its name."""
    order = order_of(BASELINE, options)
    if name == UNTRAINED:
        # nobody teaches it, so nobody need be named
        recipe = order.recipe.model_copy(update={"teachers": ()})
        return replace(order, recipe=recipe, teachers=(), reviewers=(), mentor=None)
    settings = (*options.settings, f"select.at_most={lessons_of(order)}", f"train.epochs={STEPS}")
    return order_of(BASELINE, replace(options, settings=settings))


def lessons_of(order: Order) -> int:
    """The lessons of one step: then an epoch is one step. Raises UsageError without a train step."""
    for _, step in order.recipe.steps():
        if isinstance(step, Train):
            return step.batch * step.accumulation
    raise UsageError(
        f"{FORMAT_ONLY!r} learns as {BASELINE} does, and that has no train step",
        f"leave {FORMAT_ONLY} out, or train.enabled=false",
    )


def exam_of(order: Order, split: str = "test") -> str:
    """The id of the first exam on a split: the one that an untrained student sits."""
    for _, step in order.recipe.steps():
        if isinstance(step, Exam) and step.split == split:
            return step.id
    raise UsageError(
        f"{UNTRAINED!r} sits the exam that {BASELINE} begins with, and that has none on {split}",
        f"leave {UNTRAINED} out",
    )
