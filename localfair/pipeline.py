"""The order of steps, read aloud: a recipe's steps one after another over one record.

    exam -> inquire -> review -> select -> (soften) -> train -> exam again -> report

Reads a recipe, a task and model cards; every row is written by a stage, and only the run's own by this module.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localfair.checks import check_mentor, check_questions, check_seats, check_weights, taking_part
from localfair.committee import Committee, Place, Progress
from localfair.errors import Interrupted, MissingWeights, UsageError, nearest
from localfair.exam import exam
from localfair.inquire import inquire
from localfair.packaged import workspace_dir
from localfair.processor import usual_precision
from localfair.recipe import load_recipe
from localfair.records import canonical_json
from localfair.review import review
from localfair.rounds import Rounds
from localfair.seating import Options, Seating, find_model
from localfair.select import select
from localfair.soften import soften
from localfair.store import Store, exists, now
from localfair.tasks import get_task
from localfair.tasks.base import Dataset, Task
from localfair.train import folder_of, preview, train
from localfair.versions import versions
from localfair.vocabulary import AnyStep, Recipe
from localfair.work import Done, Prompts, Work

__all__ = ["STAGES", "Order", "fetch_missing", "order", "preview", "run", "step_of", "steps_until"]
Stage = Callable[[Work, Any], dict[str, Any]]
STAGES: dict[str, Stage] = {
    "exam": exam,
    "inquire": inquire,
    "review": review,
    "select": select,
    "soften": soften,
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
    chosen = Options(
        engine=engine, student_engine=said.pop("student_engine", "transformers"),
        precision=said.pop("precision", None) or usual_precision(), batch=said.pop("batch", 16),
    )  # fmt: skip
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


def run(
    order: Order, *, until: str | None = None, instead: Callable[[Work, Any], None] | None = None,
    say: Callable[[str], None] = print, progress: Progress,
    stages: Mapping[str, Stage] | None = None, seated: type[Committee] = Committee,
) -> str:  # fmt: skip
    """Do the steps in order, stopping after the step `until`; the id of the run. All input is checked first.

    `instead` is called in the place of that last step. What the record already holds is not asked again.
    Ctrl-C raises Interrupted; the record is good. `plan` gives other stages, and a committee that asks nobody.
    """
    task = get_task(order.task, imported=_imported(order.db))
    seating, places = _seat(order)
    steps = steps_until(order.recipe, until)
    check_seats(order, places, steps)
    check_weights(order, steps)
    check_mentor(order, seating, steps)
    dataset = _dataset(order, task)
    check_questions(order, task, dataset, steps)
    with Store.open(order.db, create=True) as store:
        if dataset is not None:
            store.ensure_dataset(task.name, dataset)
        store.end_lost_runs()
        committee = seated(store, places, progress)
        run_id = _begin(store, order, places)
        done: list[Done] = []
        rounds = Rounds(order.recipe)
        if order.recipe.note:
            say(order.recipe.note.strip())
        with closing(committee), _ending(store, run_id):
            for position, (number, step) in enumerate(order.recipe.steps()):
                if rounds.skips(number):
                    continue
                work = _work(order, store, task, committee, seating, run_id, done, position, number)
                _seat_best(work, rounds, say)
                if instead and step.id == until:
                    instead(work, step)
                    break
                outcome = _do(work, step, (stages or STAGES)[step.stage], say)
                done.append(Done(position, number, step))
                if step.id == until:
                    break
                if news := rounds.saw(number, step, outcome, _adapter(work)):
                    say(news)
    return run_id


def _adapter(work: Work) -> str:
    """The adapter that the student sits with now."""
    return work.committee.of("student")[0].seat.adapter


def _seat_best(work: Work, rounds: Rounds, say: Callable[[str], None]) -> None:
    """After the rounds, the student of the best one on dev takes the seat: nothing is chosen on test."""
    if (chosen := rounds.chosen(work.round)) and chosen.adapter != _adapter(work):
        work.seat_adapter("student", chosen.adapter, folder_of(work, chosen.adapter))
        say(f"the student of round {chosen.round} goes on: {chosen.right} of {chosen.answers} right on dev")


def _do(work: Work, step: AnyStep, stage: Stage, say: Callable[[str], None]) -> dict[str, Any]:
    """One step, with its own row: when, what it cost, what came out."""
    before = (work.committee.tally.calls, work.committee.tally.reused, work.committee.tally.loads)
    key = {"run": work.run, "position": work.position}
    row = {**key, "step": step.id, "stage": step.stage, "round": work.round, "started": now()}
    work.store.ensure("run_steps", [row])
    started = time.monotonic()
    outcome = stage(work, step)
    tally = work.committee.tally
    calls, reused, loads = (a - b for a, b in zip((tally.calls, tally.reused, tally.loads), before, strict=True))
    work.store.update(
        "run_steps", key,
        {"ended": now(), "calls": calls, "reused": reused, "loads": loads, "outcome": canonical_json(outcome)},
    )  # fmt: skip
    counts = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in outcome.items())
    say(f"{step.id}: {counts} ({calls} calls, {reused} from the record, {time.monotonic() - started:.0f} s)")
    return outcome


def steps_until(recipe: Recipe, until: str | None) -> list[AnyStep]:
    """The steps of a run that stops after the step `until`."""
    steps = [s for _, s in recipe.steps()]
    return steps[: 1 + next((i for i, s in enumerate(steps) if s.id == until), len(steps))]


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
        *taking_part(order.recipe, seating.seat("teacher", order.teachers)),
        *seating.seat("reviewer", order.reviewers),
        *(seating.seat("mentor", [order.mentor]) if order.mentor else []),
    ]
    return seating, places


def _dataset(order: Order, task: Task) -> Dataset | None:
    """The questions that the command line brings, read and checked before anything is written."""
    if order.data is not None:
        return task.read(order.data)
    return task.generate() if task.generated else None


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
        chat_template=lambda role: seating.template(names[role]),
        seat_adapter=lambda role, adapter, path: committee.replace(
            role, seating.place(role, 0, names[role], adapter, path if adapter else None)  # type: ignore[arg-type]
        ),
        limits={"train": order.train_limit, "test": order.test_limit}, done=done,
    )  # fmt: skip


def _begin(store: Store, order: Order, places: list[Place]) -> str:
    """The run's own row: the effective recipe, everybody's seat and engine, seed and versions."""
    run_id = secrets.token_hex(6)
    settings = {
        "student": order.student, "teachers": list(order.teachers), "reviewers": list(order.reviewers),
        "mentor": order.mentor, "train_limit": order.train_limit, "test_limit": order.test_limit,
        "engine": order.options.engine, "student_engine": order.options.student_engine,
        "precision": order.options.precision,
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
