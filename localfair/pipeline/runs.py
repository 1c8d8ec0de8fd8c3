"""The order of steps, read aloud: a recipe's steps one after another over one record.

    exam -> inquire -> review -> select -> (soften) -> train -> exam again -> report

Reads a recipe, a task and model cards; every row is written by a stage, and only the run's own by
this module.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.committee.ask import Committee, Progress
from localfair.committee.seating import Member, Seating
from localfair.errors import Interrupted, Terminated
from localfair.machine.signals import Terminate, terminate_raises
from localfair.machine.versions import versions
from localfair.pipeline.checks import (
    check_mentor,
    check_questions,
    check_seats,
    check_weights,
    taking_part,
)
from localfair.pipeline.notes import dated_models, notes
from localfair.pipeline.orders import Order, steps_until
from localfair.recipe.prompts import Prompts
from localfair.recipe.rounds import Rounds
from localfair.recipe.schema import AnyStep, Train
from localfair.record.adapters import folder_of
from localfair.record.connection import exists, now
from localfair.record.nouns import canonical_json
from localfair.record.readings import was_read_before
from localfair.record.store import Store
from localfair.stages import train as training
from localfair.stages.exam import exam
from localfair.stages.inquire import inquire
from localfair.stages.review import review
from localfair.stages.select import select
from localfair.stages.soften import soften
from localfair.stages.step import Done, Scope, StepRows, Wording, Work
from localfair.tasks import get_task
from localfair.tasks.base import Dataset, Task
from localfair.tasks.grading import READER_VERSION

Outcome = dict[str, Any]
Stage = Callable[[Work, Any], Outcome]
Say = Callable[[str], None]
INTERRUPTED = "interrupted; every finished answer is in the record"
GO_ON = "run the same command again to go on"
STAGES: dict[str, Stage] = {
    "exam": exam,
    "inquire": inquire,
    "review": review,
    "select": select,
    "soften": soften,
    "train": training.train,
}


def quiet(line: str) -> None:
    """Say nothing: for runs that only measure or rehearse."""


def run(order: Order, *, until: str | None = None, say: Say = print, progress: Progress) -> str:
    """Do the steps in order, stopping after the step `until`; the id of the run.

    All input is checked before anybody is asked, and what the record already holds is not asked
    again. A step goes on without the replies to calls that fail; then the run raises CallsFailed at
    its end. Ctrl-C raises Interrupted; the record is good.
    """
    return run_prepared(prepare(order, until), say=say, progress=progress)


def run_prepared(prepared: Prepared, *, say: Say, progress: Progress) -> str:
    """Do the steps of an order that was read and checked; the id of the run."""
    with record_of(prepared) as store:
        committee = _committee(prepared, store, progress)
        with begun(prepared, store, committee, say) as this:
            for work, step in this.steps():
                outcome = do(work, step, STAGES[step.stage], say)
                this.did(work, step, outcome)
    return this.id


def _committee(prepared: Prepared, store: Store, progress: Progress) -> Committee:
    return Committee(store, prepared.members, progress, prepared.order.max_failed)


def preview(order: Order, until: str, *, say: Say = print, progress: Progress) -> list[str]:
    """The lessons that the train step `until` would learn, one of each kind; nothing is trained.

    The steps before it are done. Lessons are shown as the base reads them.
    """
    prepared = prepare(order, until)
    with record_of(prepared) as store:
        committee = _committee(prepared, store, progress)
        with begun(prepared, store, committee, say) as this:
            for work, step in this.steps():
                if step.id == until and isinstance(step, Train):
                    return training.preview(work, step)
                outcome = do(work, step, STAGES[step.stage], say)
                this.did(work, step, outcome)
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An order whose input was read and checked; nothing is written yet.

    dataset: the questions that the command line brings, or None when the record holds them.
    """

    order: Order
    until: str | None
    task: Task
    members: list[Member]
    dataset: Dataset | None


def prepare(order: Order, until: str | None) -> Prepared:
    """Read and check everything that an order names.

    Raises what a user can cause, and writes nothing.
    """
    task = get_task(order.task, imported=_imported(order.db))
    seating = Seating(order.workspace, order.seed, order.options, order.date)
    members = _seat(order, seating)
    steps = steps_until(order.recipe, until)
    check_seats(order, members, steps)
    check_weights(order, steps)
    check_mentor(order, seating, steps)
    dataset = _dataset(order, task)
    check_questions(order, task, dataset, steps)
    return Prepared(order=order, until=until, task=task, members=members, dataset=dataset)


def _imported(db: Path) -> list[str]:
    """The tasks whose questions a database holds already."""
    if not exists(db):
        return []
    with Store.open(db) as store:
        return store.tasks()


def _seat(order: Order, seating: Seating) -> list[Member]:
    members = seating.seat("student", [order.student])
    members += taking_part(order.recipe, seating.seat("teacher", order.teachers))
    members += seating.seat("reviewer", order.reviewers)
    if order.mentor:
        members += seating.seat("mentor", [order.mentor])
    return members


def _dataset(order: Order, task: Task) -> Dataset | None:
    """The questions that the command line brings, or that the task makes."""
    if order.data is not None:
        return task.read(order.data)
    return task.generate() if task.generated else None


@contextmanager
def record_of(prepared: Prepared) -> Iterator[Store]:
    """The order's record, opened for writing, with its questions in it."""
    with Store.open(prepared.order.db, create=True) as store:
        store_questions(store, prepared)
        store.end_lost_runs()
        if dated_models(prepared.members):
            store.set_template_date(prepared.order.date)
        yield store


def store_questions(store: Store, prepared: Prepared) -> None:
    """Store the questions that an order brings, if it brings any."""
    if prepared.dataset is not None:
        store.ensure_dataset(prepared.task.name, prepared.dataset)


class Run:
    """A run that has begun: its steps in order, each with what its stage is handed.

    Whoever does a step tells the outcome to `did` before taking the next one.
    """

    def __init__(self, prepared: Prepared, store: Store, committee: Committee, say: Say) -> None:
        self._prepared = prepared
        self._store = store
        self._committee = committee
        self._say = say
        self._rounds = Rounds(prepared.order.recipe)
        # the same for every step: templates are compiled once a run
        order = prepared.order
        prompts = Prompts(order.recipe.prompts, store.fence_key())
        self._wording = Wording(prepared.task, prompts)
        self._scope = Scope(order.seed, order.train_limit, order.test_limit)
        self._done: list[Done] = []
        self.id = _begin(store, prepared)
        committee.failures.run = self.id

    def steps(self) -> Iterator[tuple[Work, AnyStep]]:
        """Each step that is to be done, up to the one that the run stops after."""
        for position, (round_number, step) in enumerate(self._prepared.order.recipe.steps()):
            if self._rounds.skips(round_number):
                continue
            self._seat_best(round_number)
            yield self._work(position, round_number), step
            if step.id == self._prepared.until:
                return

    def did(self, work: Work, step: AnyStep, outcome: Outcome, improves: bool = False) -> None:
        """Take in a step's outcome.

        `improves`: count it as better than every round before (see Rounds).
        """
        self._done.append(Done(work.rows.position, work.round, step))
        if step.id == self._prepared.until:
            return
        news = self._rounds.saw(work.round, step, outcome, self._students_adapter(), improves)
        if news:
            self._say(news)

    def _students_adapter(self) -> str:
        """The adapter that the student sits with now, "" for none."""
        return self._committee.of("student")[0].seat.adapter

    def _seat_best(self, round_number: int) -> None:
        """After the rounds, the student of the best one on dev takes the seat: nothing is chosen
        on test.
        """
        chosen = self._rounds.chosen(round_number)
        if chosen is None or chosen.adapter == self._students_adapter():
            return
        folder = folder_of(self._store, chosen.adapter)
        self._committee.seat_adapter("student", chosen.adapter, folder)
        self._say(
            f"the student of round {chosen.round} goes on: "
            f"{chosen.right} of {chosen.answers} right on dev"
        )

    def _work(self, position: int, round_number: int) -> Work:
        return Work(
            rows=StepRows(self._store, self.id, position, tuple(self._done)),
            wording=self._wording,
            scope=self._scope,
            committee=self._committee,
            round=round_number,
        )


@contextmanager
def begun(prepared: Prepared, store: Store, committee: Committee, say: Say) -> Iterator[Run]:
    """A run of its own in the record; however its steps end, its row says so.

    Raises CallsFailed after the last step when a call failed: the run is not done.
    """
    with closing(committee):
        this = Run(prepared, store, committee, say)
        note = prepared.order.recipe.note
        if note:
            say(note.strip())
        if was_read_before(store, READER_VERSION):
            say("an older version read some of this record; `localfair db reread` reads it again")
        for line in notes(prepared.order, prepared.members, prepared.until):
            say(line)
        with _ending(store, committee, this.id):
            yield this
            committee.failures.refuse_any()


def _begin(store: Store, prepared: Prepared) -> str:
    """The run's own row: the effective recipe, everybody's seat and engine, seed and versions."""
    order = prepared.order
    run_id = secrets.token_hex(6)
    settings = {
        "student": order.student,
        "teachers": list(order.teachers),
        "reviewers": list(order.reviewers),
        "mentor": order.mentor,
        "train_limit": order.train_limit,
        "test_limit": order.test_limit,
        "engine": order.options.engine,
        "student_engine": order.options.student_engine,
        "precision": order.options.precision,
    }
    if dated_models(prepared.members):
        settings["date"] = order.date.isoformat()
    row = {
        "id": run_id,
        "recipe": order.recipe.name,
        "effective": canonical_json(order.recipe.model_dump(mode="json")),
        "task": order.task,
        "settings": canonical_json(settings),
        "seed": order.seed,
        "versions": canonical_json(versions()),
        "started": now(),
        "status": "running",
    }
    seats = []
    for member in prepared.members:
        seats.append({"run": run_id, "seat": member.seat.id, "engine": member.identity.engine})
    store.ensure("runs", [row])
    store.ensure("run_seats", seats)
    return run_id


@contextmanager
def _ending(store: Store, committee: Committee, run_id: str) -> Iterator[None]:
    """Write what has arrived and how the run ended, whatever ends it."""
    status = "failed"
    problem = None
    try:
        with terminate_raises():
            yield
        status = "done"
    except Terminate as error:
        status = "interrupted"
        raise Terminated(INTERRUPTED, GO_ON) from error
    except KeyboardInterrupt as error:
        status = "interrupted"
        raise Interrupted(INTERRUPTED, GO_ON) from error
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        raise
    finally:
        ended = {"ended": now(), "status": status, "problem": problem}
        try:
            committee.save()
        finally:
            store.update("runs", {"id": run_id}, ended)


def do(work: Work, step: AnyStep, stage: Stage, say: Say) -> Outcome:
    """Do one step and keep its row: when, what it cost, what came out."""
    key = {"run": work.rows.run, "position": work.rows.position}
    row = {
        **key,
        "step": step.id,
        "stage": step.stage,
        "round": work.round,
        "started": now(),
    }
    work.store.ensure("run_steps", [row])
    tally = work.committee.tally
    calls, reused, loads = tally.calls, tally.reused, tally.loads
    failed_before = len(work.committee.failures.calls)
    started = time.monotonic()
    outcome = stage(work, step)
    failed = len(work.committee.failures.calls) - failed_before
    if failed:
        outcome["failed"] = failed
    seconds = time.monotonic() - started
    cost = {
        "calls": tally.calls - calls,
        "reused": tally.reused - reused,
        "loads": tally.loads - loads,
    }
    ended = {"ended": now(), **cost, "outcome": canonical_json(outcome)}
    work.store.update("run_steps", key, ended)
    counts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in outcome.items())
    say(
        f"{step.id}: {counts} "
        f"({cost['calls']} calls, {cost['reused']} from the record, {seconds:.0f} s)"
    )
    return outcome
