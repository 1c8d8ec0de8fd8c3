"""What the user asked for: which recipe, on which task, with whom, recorded where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localfair.committee.seating import Options
from localfair.engines import training_engine
from localfair.errors import MissingWeights, UsageError, nearest
from localfair.machine.hardware import usual_precision
from localfair.machine.workspace import workspace_dir
from localfair.models import find_model
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import AnyStep, Recipe


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the user asked for: which recipe, on which task, with whom, recorded where."""

    recipe: Recipe
    task: str
    student: str
    teachers: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    mentor: str | None = None
    data: Path | None = None
    db: Path
    workspace: Path
    train_limit: int | None = None
    test_limit: int | None = None
    seed: int = 0
    options: Options = field(default_factory=Options)


def order(
    *, recipe: str, settings: tuple[str, ...] = (), workspace: Path | None = None, **options: Any
) -> Order:
    """An Order from the command line's options; what they leave out is taken from the recipe's defaults.

    Raises RecipeError, or UsageError for what neither says.
    """
    workspace = workspace or workspace_dir()
    loaded = load_recipe(recipe, workspace, settings)
    said = {k: v for k, v in options.items() if v not in (None, ())}
    defaults = loaded.defaults
    engine = said.pop("engine", defaults.engine)
    chosen = Options(
        engine=engine, student_engine=said.pop("student_engine", training_engine().name),
        precision=said.pop("precision", None) or usual_precision(), batch=said.pop("batch", 16),
    )  # fmt: skip
    missing = [
        f"--{name}"
        for name in ("task", "student")
        if not (said.get(name) or getattr(defaults, name))
    ]
    if missing:
        raise UsageError(
            f"recipe {recipe!r} needs {' and '.join(missing)}",
            f"see `localfair run {recipe} --help`",
        )
    return Order(
        recipe=loaded,
        workspace=workspace,
        task=said.pop("task", defaults.task),
        student=said.pop("student", defaults.student),
        teachers=tuple(said.pop("teachers", defaults.teachers)),
        train_limit=said.pop("limit", defaults.train),
        test_limit=said.pop("test_limit", defaults.test),
        options=chosen,
        **said,
    )


def fetch_missing(order: Order, say: Callable[[str], None]) -> None:
    """Fetch the weights of every named model that is not here: the user's word for the network was given."""
    from localfair.models.fetch import fetch

    for name in dict.fromkeys(
        [order.student, *order.teachers, *order.reviewers, *filter(None, [order.mentor])]
    ):
        try:
            find_model(name, order.workspace)
        except MissingWeights:
            fetch(name, order.workspace, say=say)


def step_of(recipe: Recipe, stage: str, step: str | None) -> str:
    """The id of a recipe's step of a stage: the named one, else the first."""
    found = [s.id for _, s in recipe.steps() if s.stage == stage]
    if not found:
        raise UsageError(
            f"recipe {recipe.name!r} has no {stage} step",
            f"see `localfair recipes show {recipe.name}`",
        )
    if step is not None and step not in found:
        raise UsageError(
            f"recipe {recipe.name!r} has no {stage} step {step!r}", nearest(step, found)
        )
    return step or found[0]


def steps_until(recipe: Recipe, until: str | None) -> list[AnyStep]:
    """The steps of a run that stops after the step `until`."""
    steps = [s for _, s in recipe.steps()]
    return steps[: 1 + next((i for i, s in enumerate(steps) if s.id == until), len(steps))]
