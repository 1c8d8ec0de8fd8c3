"""The order of steps, read aloud: a recipe's steps one after another over one record.

    exam -> inquire -> review -> select -> (soften) -> train -> exam again -> report

Reads a recipe, a task and model cards; every row is written by a stage, and only the run's own by this module.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localfair.backends import CONSTRAINING
from localfair.committee import Committee, Place, Progress
from localfair.errors import Interrupted, MissingWeights, RecipeError, TaskError, UsageError, nearest
from localfair.exam import exam
from localfair.inquire import inquire
from localfair.packaged import workspace_dir
from localfair.recipe import load_recipe
from localfair.records import canonical_json
from localfair.review import review
from localfair.seating import Options, Seating, find_model
from localfair.select import select
from localfair.store import Store, exists, now
from localfair.tasks import get_task
from localfair.tasks.base import Dataset, Task
from localfair.train import train, unbuilt_terms
from localfair.versions import versions
from localfair.vocabulary import AnyStep, Exam, Inquire, Recipe, Review, Train
from localfair.work import Done, Prompts, Work

STAGES: dict[str, Callable[[Work, Any], dict[str, Any]]] = {
    "exam": exam,
    "inquire": inquire,
    "review": review,
    "select": select,
    "train": train,
}


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


def order(*, recipe: str, settings: tuple[str, ...] = (), workspace: Path | None = None, **options: Any) -> Order:
    """An Order from the command line's options; what they leave out is taken from the recipe's defaults.

    Raises RecipeError, or UsageError for what neither says.
    """
    workspace = workspace or workspace_dir()
    loaded = load_recipe(recipe, workspace, settings)
    said = {k: v for k, v in options.items() if v not in (None, ())}
    defaults = loaded.defaults
    engine = said.pop("engine", defaults.engine)
    chosen = Options(engine=engine, precision=said.pop("precision", "bf16"), batch=said.pop("batch", 16))
    missing = [f"--{name}" for name in ("task", "student") if not (said.get(name) or getattr(defaults, name))]
    if missing:
        raise UsageError(f"recipe {recipe!r} needs {' and '.join(missing)}", f"see `localfair run {recipe} --help`")
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

    for name in dict.fromkeys([order.student, *order.teachers, *order.reviewers, *filter(None, [order.mentor])]):
        try:
            find_model(name, order.workspace)
        except MissingWeights:
            fetch(name, order.workspace, say=say)


def step_of(recipe: Recipe, stage: str, step: str | None) -> str:
    """The id of a recipe's step of a stage: the named one, else the first."""
    found = [s.id for _, s in recipe.steps() if s.stage == stage]
    if not found:
        raise UsageError(f"recipe {recipe.name!r} has no {stage} step", f"see `localfair recipes show {recipe.name}`")
    if step is not None and step not in found:
        raise UsageError(f"recipe {recipe.name!r} has no {stage} step {step!r}", nearest(step, found))
    return step or found[0]


def run(order: Order, *, until: str | None = None, say: Callable[[str], None] = print, progress: Progress) -> str:
    """Do the steps in order, stopping after the step `until`; the id of the run. All input is checked first.

    What the record already holds is not asked again. Ctrl-C raises Interrupted; the record is good.
    """
    check_built(order.recipe)
    task = get_task(order.task, imported=_imported(order.db))
    seating, places = _seat(order)
    steps = steps_until(order.recipe, until)
    check_seats(order, places, steps)
    dataset = _dataset(order, task)
    check_questions(order, task, dataset, steps)
    with Store.open(order.db, create=True) as store:
        if dataset is not None:
            store.ensure_dataset(task.name, dataset)
        store.end_lost_runs()
        committee = Committee(store, places, progress)
        run_id = _begin(store, order, places)
        done: list[Done] = []
        if order.recipe.note:
            say(order.recipe.note.strip())
        with closing(committee), _ending(store, run_id):
            for position, (round_number, step) in enumerate(order.recipe.steps()):
                work = _work(order, store, task, committee, seating, run_id, done, position, round_number)
                _do(work, step, say)
                done.append(Done(position, round_number, step))
                if step.id == until:
                    break
    return run_id


def _do(work: Work, step: AnyStep, say: Callable[[str], None]) -> None:
    """One step, with its own row: when, what it cost, what came out."""
    before = (work.committee.tally.calls, work.committee.tally.reused, work.committee.tally.loads)
    key = {"run": work.run, "position": work.position}
    row = {**key, "step": step.id, "stage": step.stage, "round": work.round, "started": now()}
    work.store.ensure("run_steps", [row])
    started = time.monotonic()
    outcome = STAGES[step.stage](work, step)
    tally = work.committee.tally
    calls, reused, loads = (a - b for a, b in zip((tally.calls, tally.reused, tally.loads), before, strict=True))
    work.store.update(
        "run_steps", key,
        {"ended": now(), "calls": calls, "reused": reused, "loads": loads, "outcome": canonical_json(outcome)},
    )  # fmt: skip
    counts = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in outcome.items())
    say(f"{step.id}: {counts} ({calls} calls, {reused} from the record, {time.monotonic() - started:.0f} s)")


def check_built(recipe: Recipe) -> None:
    """The vocabulary is ahead of the code: a recipe that needs what is not built is refused, never half done."""
    steps = recipe.sections()
    unbuilt = [f"{s.id}: the stage {s.stage!r} is not built yet" for _, _, s in steps if s.stage not in STAGES]
    unbuilt += [p for _, _, s in recipe.sections() if isinstance(s, Train) for p in unbuilt_terms(s)]
    if recipe.early_stop:
        unbuilt.append("early_stop is not built yet")
    if unbuilt:
        raise RecipeError(f"recipe {recipe.name!r} cannot run yet", "it is a draft; see recipes/README.md", unbuilt)


def steps_until(recipe: Recipe, until: str | None) -> list[AnyStep]:
    """The steps of a run that stops after the step `until`."""
    steps = [s for _, s in recipe.steps()]
    return steps[: 1 + next((i for i, s in enumerate(steps) if s.id == until), len(steps))]


def check_seats(order: Order, places: list[Place], steps: list[AnyStep]) -> None:
    """What only the recipe and the seats together can show. Raises before anything is asked."""
    roles = {p.seat.role for p in places}
    if "teacher" not in roles and any(isinstance(s, Inquire) and s.role == "teacher" for s in steps):
        raise UsageError(f"recipe {order.recipe.name!r} needs at least one teacher", "name one with --teacher MODEL")
    scripted = {p.seat.role for p in places if p.engine_name == "scripted"}
    for step in steps:
        if isinstance(step, Train) and step.role in scripted:
            raise UsageError(f"{step.id} cannot train a scripted {step.role}", f"name a {step.role} with weights")
    reviewing = [s for s in steps if isinstance(s, Review) and s.mode != "none" and s.of]
    reviewers = [p for p in places if p.seat.role == ("reviewer" if order.reviewers else "teacher")]
    for step, place in ((s, p) for s in reviewing if s.constrained for p in reviewers):
        if place.engine_name not in CONSTRAINING:
            raise UsageError(
                f"{step.id}.constrained: the {place.engine_name} engine of {place.seat.model} cannot constrain a reply",
                f"seat it with one of {', '.join(sorted(CONSTRAINING))}, or --set {step.id}.constrained=false",
            )
    can_give = len(order.reviewers) or max(0, len(order.teachers) - 1)
    for step in reviewing:
        if step.accept.needed > can_give:
            raise UsageError(
                f"{step.id} wants {step.accept.needed} reviews of each explanation, this committee can give {can_give}",
                "name more seats with --teacher or --reviewer (one model may hold several), "
                f"or leave reviews out with --set {step.id}.mode=none",
            )


def _imported(db: Path) -> list[str]:
    """The tasks whose questions a database holds already."""
    if not exists(db):
        return []
    with Store.open(db) as store:
        return store.tasks()


def _seat(order: Order) -> tuple[Seating, list[Place]]:
    seating = Seating(order.workspace, order.seed, order.options)
    places = [
        *seating.seat("student", [order.student]),
        *seating.seat("teacher", order.teachers),
        *seating.seat("reviewer", order.reviewers),
        *(seating.seat("mentor", [order.mentor]) if order.mentor else []),
    ]
    return seating, places


def _dataset(order: Order, task: Task) -> Dataset | None:
    """The questions that the command line brings, read and checked before anything is written."""
    if order.data is not None:
        return task.read(order.data)
    return task.generate() if task.generated else None


def check_questions(order: Order, task: Task, dataset: Dataset | None, steps: list[AnyStep]) -> None:
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
        split = step.split if isinstance(step, Exam) else "train" if isinstance(step, Inquire) else None
        if split and split not in held:
            raise TaskError(
                f"task {task.name!r} has no {split} questions, and {step.id} needs them",
                f"give data with a {split} split, or leave the step out with --set {step.id}.enabled=false",
            )


def _work(
    order: Order, store: Store, task: Task, committee: Committee, seating: Seating,
    run_id: str, done: list[Done], position: int, round_number: int,
) -> Work:  # fmt: skip
    names = {"student": order.student, "mentor": order.mentor or ""}
    return Work(
        store=store, task=task, committee=committee,
        prompts=Prompts(order.recipe.prompts, store.fence_key()),
        run=run_id, seed=order.seed, position=position, round=round_number,
        base_folder=lambda role: seating.folder(names[role]),
        seat_adapter=lambda role, adapter, path: committee.replace(
            role, seating.place(role, 0, names[role], adapter, path)  # type: ignore[arg-type]
        ),
        limits={"train": order.train_limit, "test": order.test_limit}, done=done,
    )  # fmt: skip


def _begin(store: Store, order: Order, places: list[Place]) -> str:
    """The run's own row: the effective recipe, everybody's seat and engine, seed and versions."""
    run_id = secrets.token_hex(6)
    settings = {
        "student": order.student, "teachers": list(order.teachers), "reviewers": list(order.reviewers),
        "mentor": order.mentor, "train_limit": order.train_limit, "test_limit": order.test_limit,
        "engine": order.options.engine, "precision": order.options.precision,
    }  # fmt: skip
    row = {
        "id": run_id, "recipe": order.recipe.name, "effective": canonical_json(order.recipe.model_dump(mode="json")),
        "task": order.task, "settings": canonical_json(settings), "seed": order.seed,
        "versions": canonical_json(versions()), "started": now(), "status": "running",
    }  # fmt: skip
    store.ensure("runs", [row])
    store.ensure("run_seats", [{"run": run_id, "seat": p.seat.id, "engine": p.engine.family} for p in places])
    return run_id


@contextmanager
def _ending(store: Store, run_id: str) -> Iterator[None]:
    """However the steps end, the run's row says so."""
    status, problem = "failed", None
    try:
        yield
        status = "done"
    except KeyboardInterrupt as error:
        status = "interrupted"
        raise Interrupted(
            "interrupted; every finished answer is in the record", "run the same command again to go on"
        ) from error
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        raise
    finally:
        store.update("runs", {"id": run_id}, {"ended": now(), "status": status, "problem": problem})
