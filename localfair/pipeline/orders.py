"""What the user asked for: which recipe, on which task, with whom, recorded where.

Reads recipes, model cards and the date in the record; asks nobody. Knows nothing of how a run is
done.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from localfair.committee.failures import MAX_FAILED
from localfair.committee.seating import Options
from localfair.errors import MissingWeights, UsageError, nearest
from localfair.machine.hardware import limit_threads, usual_precision
from localfair.machine.workspace import workspace_dir
from localfair.models import find_model
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Recipe, RecipeStep
from localfair.record.connection import exists
from localfair.record.store import Store

if TYPE_CHECKING:
    from localfair.models.loading import Precision

Licences = Literal["warn", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a command line may say of a run beside its recipe; None or () leave it to the recipe.

    settings: `STEP.KEY=VALUE` each. workspace: the user's folder. train_limit, test_limit: the most
    questions taken of train, and of test and dev. threads: those of the processor, for this whole
    process; None is one for each core. date: the day that dated chat templates write; left out it
    is the record's, and today's where the record has none. max_failed: the share of a step's calls
    that may fail. licences: what to do where a teacher's terms forbid to train others on its
    replies. ray: the HOST:PORT of a Ray cluster's head, where models are asked instead of here.
    replicas: how many of each model at most; None is as many as its work fills. train_workers: how
    many of its workers share each training step; None trains here.
    """

    task: str | None = None
    data: Path | None = None
    student: str | None = None
    teachers: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    mentor: str | None = None
    db: Path = Path("localfair.db")
    workspace: Path | None = None
    train_limit: int | None = None
    test_limit: int | None = None
    seed: int = 0
    settings: tuple[str, ...] = ()
    engine: str | None = None
    student_engine: str | None = None
    precision: Precision | None = None
    batch: int | None = None
    threads: int | None = None
    max_failed: float | None = None
    licences: Licences = "warn"
    date: datetime.date | None = None
    today: datetime.date = field(default_factory=datetime.date.today)
    ray: str | None = None
    replicas: int | None = None
    train_workers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run as it was asked for, with nothing left open."""

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
    max_failed: float = MAX_FAILED
    licences: Licences = "warn"
    date: datetime.date = field(default_factory=datetime.date.today)
    ray: str | None = None
    replicas: int | None = None
    train_workers: int | None = None


def order(recipe: str, options: RunOptions) -> Order:
    """The order that a recipe's name and a command line give.

    What the command line leaves out is taken from the recipe's defaults. Raises RecipeError, or
    UsageError for a task or a student that neither says.
    """
    limit_threads(options.threads)
    workspace = options.workspace or workspace_dir()
    loaded = load_recipe(recipe, workspace, options.settings)
    task = options.task or loaded.defaults.task
    student = options.student or loaded.defaults.student
    if not task or not student:
        missing = [name for name, value in (("--task", task), ("--student", student)) if not value]
        raise UsageError(
            f"recipe {recipe!r} needs {' and '.join(missing)}",
            f"see `localfair run {recipe} --help`",
        )
    return Order(
        recipe=loaded,
        task=task,
        student=student,
        teachers=options.teachers or loaded.defaults.teachers,
        reviewers=options.reviewers,
        mentor=options.mentor,
        data=options.data,
        db=options.db,
        workspace=workspace,
        train_limit=options.train_limit or loaded.defaults.train_limit,
        test_limit=options.test_limit or loaded.defaults.test_limit,
        seed=options.seed,
        options=_engine_options(loaded, options),
        max_failed=MAX_FAILED if options.max_failed is None else options.max_failed,
        licences=options.licences,
        date=options.date or _recorded_date(options.db) or options.today,
        ray=options.ray,
        replicas=options.replicas,
        train_workers=options.train_workers,
    )


def _recorded_date(db: Path) -> datetime.date | None:
    if not exists(db):
        return None
    with Store.open(db) as store:
        return store.template_date()


def _engine_options(recipe: Recipe, options: RunOptions) -> Options:
    usual = Options()
    return Options(
        engine=options.engine or recipe.defaults.engine,
        student_engine=options.student_engine or usual.student_engine,
        precision=options.precision or usual_precision(),
        batch=options.batch or usual.batch,
        threads=options.threads,
    )


def fetch_missing(order: Order, say: Callable[[str], None]) -> None:
    """Fetch the weights of every named model that is not here: the user's word for the network
    was given.
    """
    from localfair.models.fetch import fetch

    names = [order.student, *order.teachers, *order.reviewers]
    if order.mentor:
        names.append(order.mentor)
    for name in dict.fromkeys(names):
        try:
            find_model(name, order.workspace)
        except MissingWeights:
            fetch(name, order.workspace, say=say)


def step_of(recipe: Recipe, stage: str, step: str | None) -> str:
    """The id of a recipe's step of a stage: the named one, else the first. Raises UsageError."""
    ids = [candidate.id for _, candidate in recipe.steps() if candidate.stage == stage]
    if not ids:
        raise UsageError(
            f"recipe {recipe.name!r} has no {stage} step",
            f"see `localfair recipes show {recipe.name}`",
        )
    if step is not None and step not in ids:
        raise UsageError(f"recipe {recipe.name!r} has no {stage} step {step!r}", nearest(step, ids))
    return step or ids[0]


def steps_until(recipe: Recipe, until: str | None) -> list[RecipeStep]:
    """The steps of a run that stops after the step `until`; all of them when it is None."""
    steps: list[RecipeStep] = []
    for _, step in recipe.steps():
        steps.append(step)
        if step.id == until:
            break
    return steps
