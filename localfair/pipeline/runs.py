"""The order of steps, read aloud: a recipe's steps one after another over one record.

    exam -> inquire -> review -> select -> (soften) -> train -> exam again -> report

Reads a recipe, a task and model cards; every row is written by a stage, and only the run's own by
this module.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any

from localfair.committee.ask import Committee, Progress
from localfair.committee.residents import Residents
from localfair.errors import Interrupted, Terminated
from localfair.machine.offline import go_offline
from localfair.machine.signals import Terminate, terminate_raises
from localfair.machine.versions import versions
from localfair.pipeline.events import (
    Listener,
    RunBegun,
    RunEnded,
    StepBegun,
    StepEnded,
    TrainedStep,
    unheard,
)
from localfair.pipeline.inputs import Inputs
from localfair.pipeline.notes import dated_models, notes, terms_of
from localfair.pipeline.orders import Order
from localfair.pipeline.prepared import Prepared, Say, prepare, record_of
from localfair.pipeline.served import served
from localfair.recipe.prompts import Prompts
from localfair.recipe.rounds import Rounds
from localfair.recipe.schema import RecipeStep, Train
from localfair.record.adapters import folder_of
from localfair.record.connection import now
from localfair.record.made import BegunStep, Status
from localfair.record.made import Run as RecordedRun
from localfair.record.nouns import canonical_json
from localfair.record.readings import was_read_before
from localfair.record.runs import Cost, begin, begin_step, end, end_step
from localfair.record.search import fill_index
from localfair.record.steps import DoneStep, done_before, finish, take_over
from localfair.record.store import Store
from localfair.stages import train as training
from localfair.stages.exam import exam
from localfair.stages.inquire import inquire
from localfair.stages.select import select
from localfair.stages.soften import soften
from localfair.stages.step import Done, Scope, StepRows, Wording, Work
from localfair.stages.trusted import review
from localfair.tasks.grading import READER_VERSION

Outcome = dict[str, Any]
Stage = Callable[[Work, Any], Outcome]
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


def run(
    order: Order,
    *,
    until: str | None = None,
    say: Say = print,
    progress: Progress,
    listen: Listener = unheard,
) -> str:
    """Do the steps in order, stopping after the step `until`; the id of the run.

    `listen` is told when the run and each of its steps begin and end.

    All input is checked before anybody is asked, and what the record already holds is not asked
    again. A step goes on without the replies to calls that fail; then the run raises CallsFailed at
    its end. Ctrl-C raises Interrupted; the record is good.
    """
    go_offline()
    return run_prepared(prepare(order, until), say=say, progress=progress, listen=listen)


def run_prepared(
    prepared: Prepared, *, say: Say, progress: Progress, listen: Listener = unheard
) -> str:
    """Do the steps of an order that was read and checked; the id of the run."""
    go_offline()
    with served(prepared) as residents, record_of(prepared, say) as store:
        committee = _committee(prepared, store, progress, residents)
        committee.loss = lambda step, steps, loss: listen(TrainedStep(step, steps, loss))
        with begun(prepared, store, committee, say) as this:
            listen(RunBegun(this.id))
            for work, step in this.steps():
                listen(StepBegun(work.rows.position, step.id, step.stage, work.round))
                this.did(work, step, this.do(work, step))
                fill_index(store)
                listen(StepEnded(store.steps(this.id)[-1]))
    listen(RunEnded(this.id))
    return this.id


def _committee(
    prepared: Prepared, store: Store, progress: Progress, residents: Residents
) -> Committee:
    return Committee(store, prepared.members, progress, prepared.order.max_failed, residents)


def preview(order: Order, until: str, *, say: Say = print, progress: Progress) -> list[str]:
    """The lessons that the train step `until` would learn, one of each kind; nothing is trained.

    The steps before it are done. Lessons are shown as the base reads them.
    """
    go_offline()
    prepared = prepare(order, until)
    with served(prepared) as residents, record_of(prepared, say) as store:
        committee = _committee(prepared, store, progress, residents)
        with begun(prepared, store, committee, say) as this:
            for work, step in this.steps():
                if step.id == until and isinstance(step, Train):
                    return training.preview(work, step)
                this.did(work, step, this.do(work, step))
    return []


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
        self._inputs = Inputs(store, order.task, order.recipe.prompts)
        self.id = _begin(store, prepared)
        committee.failures.run = self.id

    def steps(self) -> Iterator[tuple[Work, RecipeStep]]:
        """Each step that is to be done, up to the one that the run stops after."""
        for position, (round_number, step) in enumerate(self._prepared.order.recipe.steps()):
            if self._rounds.skips(round_number):
                continue
            self._seat_best(round_number)
            yield self._work(position, round_number), step
            if step.id == self._prepared.until:
                return

    def do(self, work: Work, step: RecipeStep) -> Outcome:
        """Do a step, unless an earlier run did the very same; what came out."""
        known = self.taken_over(work, step)
        if known is not None:
            return known
        inputs = self._inputs.hash(work, step)
        missing = self._committee.failures.missing
        outcome = do(work, step, STAGES[step.stage], self._say)
        # a step without all its replies is done again, so that they are asked again
        is_whole = self._committee.failures.missing == missing
        if inputs is not None and is_whole:
            finish(self._store, self.id, work.rows.position, inputs)
        return outcome

    def taken_over(self, work: Work, step: RecipeStep) -> Outcome | None:
        """What came out of a step that an earlier run did from the same inputs.

        Its rows are this run's too, and a trained adapter takes its seat. None when the step must
        be done.
        """
        inputs = self._inputs.hash(work, step)
        if inputs is None:
            return None
        earlier = done_before(self._store, self.id, inputs)
        if earlier is None or not _still_stands(work, step, earlier):
            return None
        take_over(self._store, _begun_step(work, step), inputs, earlier)
        outcome: Outcome = json.loads(earlier.outcome)
        cost = Cost(calls=0, reused=earlier.answered, loads=0)
        self._say(_line(step, outcome, cost, 0))
        return outcome

    def did(self, work: Work, step: RecipeStep, outcome: Outcome, improves: bool = False) -> None:
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
    settings: dict[str, Any] = {
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
    settings["terms"] = [asdict(terms) for terms in terms_of(prepared.members)]
    if dated_models(prepared.members):
        settings["date"] = order.date.isoformat()
    recorded = RecordedRun(
        id=secrets.token_hex(6),
        recipe=order.recipe.name,
        effective=canonical_json(order.recipe.model_dump(mode="json")),
        task=order.task,
        settings=canonical_json(settings),
        seed=order.seed,
        versions=canonical_json(versions()),
        started=now(),
    )
    begin(store, recorded, [(member.seat, member.identity) for member in prepared.members])
    return recorded.id


@contextmanager
def _ending(store: Store, committee: Committee, run_id: str) -> Iterator[None]:
    """Write what has arrived and how the run ended, whatever ends it."""
    status: Status = "failed"
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
        try:
            committee.save()
        finally:
            end(store, run_id, status, problem)


def _still_stands(work: Work, step: RecipeStep, earlier: DoneStep) -> bool:
    """Whether what an earlier step made is still there: a trained adapter lies in files.

    Its role sits with it then.
    """
    if not isinstance(step, Train):
        return True
    return training.seat_again(work, step, earlier.run, earlier.position)


def _begun_step(work: Work, step: RecipeStep) -> BegunStep:
    return BegunStep(
        run=work.rows.run,
        position=work.rows.position,
        step=step.id,
        stage=step.stage,
        round=work.round,
    )


def _line(step: RecipeStep, outcome: Outcome, cost: Cost, seconds: float) -> str:
    """A step in one line: what came out, and what it cost."""
    counts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in outcome.items())
    return (
        f"{step.id}: {counts} ({cost.calls} calls, {cost.reused} from the record, {seconds:.0f} s)"
    )


def do(work: Work, step: RecipeStep, stage: Stage, say: Say) -> Outcome:
    """Do one step and keep its row: when, what it cost, what came out."""
    begun_step = _begun_step(work, step)
    begin_step(work.store, begun_step)
    tally = work.committee.tally
    calls, reused, loads = tally.calls, tally.reused, tally.loads
    missing = work.committee.failures.missing
    started = time.monotonic()
    outcome = stage(work, step)
    failed = work.committee.failures.missing - missing
    if failed:
        outcome["failed"] = failed
    seconds = time.monotonic() - started
    cost = Cost(calls=tally.calls - calls, reused=tally.reused - reused, loads=tally.loads - loads)
    end_step(work.store, begun_step, cost, outcome)
    say(_line(step, outcome, cost, seconds))
    return outcome
