"""The order of steps, read aloud: a recipe's steps one after another over one record.

    exam -> inquire -> review -> select -> (soften) -> train -> exam again -> report

Reads a recipe, a task and model cards; every row is written by a stage, and only the run's own by this module.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from localfair.committee.ask import Committee, Progress
from localfair.committee.seating import Member, Seating
from localfair.errors import Interrupted
from localfair.machine.versions import versions
from localfair.pipeline.checks import (
    check_mentor,
    check_questions,
    check_seats,
    check_weights,
    taking_part,
)
from localfair.pipeline.orders import Order, fetch_missing, order, step_of, steps_until
from localfair.recipe.prompts import Prompts
from localfair.recipe.rounds import Rounds
from localfair.recipe.schema import AnyStep
from localfair.record.adapters import folder_of
from localfair.record.connection import exists, now
from localfair.record.nouns import canonical_json
from localfair.record.store import Store
from localfair.stages.exam import exam
from localfair.stages.inquire import inquire
from localfair.stages.review import review
from localfair.stages.select import select
from localfair.stages.soften import soften
from localfair.stages.step import Done, Work
from localfair.stages.train import preview, train
from localfair.tasks import get_task
from localfair.tasks.base import Dataset, Task

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


def run(
    order: Order, *, until: str | None = None, instead: Callable[[Work, Any], None] | None = None,
    say: Callable[[str], None] = print, progress: Progress,
    stages: Mapping[str, Stage] | None = None, seated: type[Committee] = Committee,
) -> str:  # fmt: skip
    """Do the steps in order, stopping after the step `until`; the id of the run. All input is checked first.

    `instead` is called in the member of that last step. What the record already holds is not asked again.
    Ctrl-C raises Interrupted; the record is good. `plan` gives other stages, and a committee that asks nobody.
    """
    task = get_task(order.task, imported=_imported(order.db))
    seating, members = _seat(order)
    steps = steps_until(order.recipe, until)
    check_seats(order, members, steps)
    check_weights(order, steps)
    check_mentor(order, seating, steps)
    dataset = _dataset(order, task)
    check_questions(order, task, dataset, steps)
    with Store.open(order.db, create=True) as store:
        if dataset is not None:
            store.ensure_dataset(task.name, dataset)
        store.end_lost_runs()
        committee = seated(store, members, progress)
        run_id = _begin(store, order, members)
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
        work.seat_adapter("student", chosen.adapter, folder_of(work.store, chosen.adapter))
        say(
            f"the student of round {chosen.round} goes on: {chosen.right} of {chosen.answers} right on dev"
        )


def _do(work: Work, step: AnyStep, stage: Stage, say: Callable[[str], None]) -> dict[str, Any]:
    """One step, with its own row: when, what it cost, what came out."""
    before = (work.committee.tally.calls, work.committee.tally.reused, work.committee.tally.loads)
    key = {"run": work.run, "position": work.position}
    row = {**key, "step": step.id, "stage": step.stage, "round": work.round, "started": now()}
    work.store.ensure("run_steps", [row])
    started = time.monotonic()
    outcome = stage(work, step)
    tally = work.committee.tally
    calls, reused, loads = (
        a - b for a, b in zip((tally.calls, tally.reused, tally.loads), before, strict=True)
    )
    work.store.update(
        "run_steps", key,
        {"ended": now(), "calls": calls, "reused": reused, "loads": loads, "outcome": canonical_json(outcome)},
    )  # fmt: skip
    counts = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in outcome.items())
    say(
        f"{step.id}: {counts} ({calls} calls, {reused} from the record, {time.monotonic() - started:.0f} s)"
    )
    return outcome


def _imported(db: Path) -> list[str]:
    """The tasks whose questions a database holds already."""
    if not exists(db):
        return []
    with Store.open(db) as store:
        return store.tasks()


def _seat(order: Order) -> tuple[Seating, list[Member]]:
    seating = Seating(order.workspace, order.seed, order.options)
    members = [
        *seating.seat("student", [order.student]),
        *taking_part(order.recipe, seating.seat("teacher", order.teachers)),
        *seating.seat("reviewer", order.reviewers),
        *(seating.seat("mentor", [order.mentor]) if order.mentor else []),
    ]
    return seating, members


def _dataset(order: Order, task: Task) -> Dataset | None:
    """The questions that the command line brings, read and checked before anything is written."""
    if order.data is not None:
        return task.read(order.data)
    return task.generate() if task.generated else None


def _work(
    order: Order, store: Store, task: Task, committee: Committee, seating: Seating,
    run_id: str, done: list[Done], position: int, round_number: int,
) -> Work:  # fmt: skip
    return Work(
        store=store, task=task, committee=committee,
        prompts=Prompts(order.recipe.prompts, store.fence_key()),
        run=run_id, seed=order.seed, position=position, round=round_number,
        base_folder=lambda role: committee.of(role)[0].folder(),
        chat_template=lambda role: committee.of(role)[0].chat_template,
        seat_adapter=committee.seat_adapter,
        limits={"train": order.train_limit, "test": order.test_limit}, done=done,
    )  # fmt: skip


def _begin(store: Store, order: Order, members: list[Member]) -> str:
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
    store.ensure(
        "run_seats",
        [{"run": run_id, "seat": p.seat.id, "engine": p.identity.engine} for p in members],
    )
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
            "interrupted; every finished answer is in the record",
            "run the same command again to go on",
        ) from error
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        raise
    finally:
        store.update("runs", {"id": run_id}, {"ended": now(), "status": status, "problem": problem})
