"""Where a run stands: steps done and to come, how fast, how long yet, and what came out so far.

Reads the record, also while another process writes it; writes nothing. Knows nothing of how it is
shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from localfair.pipeline.estimates import Estimates, Expected
from localfair.recipe.load import recorded_recipe
from localfair.recipe.schema import Recipe
from localfair.record.connection import now
from localfair.record.exams import ExamScore, exam_scores
from localfair.record.history import losses
from localfair.record.made import Run, RunStep
from localfair.record.progress import (
    Judged,
    LastVerdict,
    arrived_since,
    judged_in,
    last_verdict,
)
from localfair.record.runs import adapters_of
from localfair.record.store import Store
from localfair.report.findings import find_run, latest_run

SLOWEST, FASTEST = 20.0, 0.05  # by what an estimate of times to come is corrected at most (ours)
ENOUGH_CALLS = 3  # of a step, before its own rate says how long it takes yet (ours)

State = Literal["done", "now", "to come"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingStep:
    """A step of a run.

    calls: asked so far, of at most `expected`. seconds: that it took or takes. left: seconds yet,
    None where nothing is known. outcome: what came out, once it is done.
    """

    position: int
    step: str
    stage: str
    round: int
    state: State
    calls: int
    reused: int
    expected: int
    seconds: float
    left: float | None
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A run as it stands.

    rate: calls a second of the step that is done now. step_left, run_left: seconds yet, see `unknown`. before,
    after: the first and the last exam on test. losses: of its newest training.
    """

    run: str
    recipe: str
    task: str
    seed: int
    status: str
    seconds: float
    steps: list[StandingStep]
    rate: float | None
    step_left: float | None
    run_left: float | None
    judged: Judged
    before: ExamScore | None
    after: ExamScore | None
    losses: list[float]
    last_accepted: LastVerdict | None
    last_rejected: LastVerdict | None

    @property
    def now(self) -> StandingStep | None:
        """The step that is done now."""
        for step in self.steps:
            if step.state == "now":
                return step
        return None

    @property
    def unknown(self) -> list[str]:
        """The steps of which nobody knows how long they take: `run_left` is without them."""
        return [step.step for step in self.steps if step.state != "done" and step.left is None]

    @property
    def calls(self) -> int:
        """The calls that were made so far."""
        return sum(step.calls for step in self.steps)

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def standing(store: Store, run_id: str | None, until: str | None = None) -> Standing:
    """Where a run stands, the one that was begun last for None.

    `until`: the step that it stops after. Raises UsageError when there is no such run.
    """
    run = find_run(store, run_id or latest_run(store))
    recipe = _recipe(run)
    rows = store.steps(run.id)
    expected = Estimates(store, run, recipe, rows).all() if recipe else {}
    steps = _with_times(_steps(store, run, recipe, rows, expected), expected)
    if until is not None:
        steps = _up_to(steps, until)
    current = [step for step in steps if step.state == "now"]
    exams = exam_scores(store, run.id).get(run.id, [])
    adapters = adapters_of(store, run.id)
    return Standing(
        run=run.id,
        recipe=run.recipe,
        task=run.task,
        seed=run.seed,
        status=run.status,
        seconds=between(run.started, run.ended or now()),
        steps=steps,
        rate=rate_of(current[0].calls, current[0].seconds) if current else None,
        step_left=current[0].left if current else None,
        run_left=left_of(steps),
        judged=judged_in(store, run.id),
        before=exams[0] if exams else None,
        after=exams[-1] if len(exams) > 1 else None,
        losses=[loss for _, loss in losses(store, adapters[-1])] if adapters else [],
        last_accepted=last_verdict(store, run.id, accepted=True),
        last_rejected=last_verdict(store, run.id, accepted=False),
    )


def _recipe(run: Run) -> Recipe | None:
    try:
        return recorded_recipe(run.effective)
    except ValueError:  # recorded by a version with another vocabulary
        return None


def _up_to(steps: list[StandingStep], until: str) -> list[StandingStep]:
    """The steps that are done before a run stops after one of them."""
    for number, step in enumerate(steps, 1):
        if step.step == until:
            return steps[:number]
    return steps


def _steps(
    store: Store,
    run: Run,
    recipe: Recipe | None,
    rows: list[RunStep],
    expected: Mapping[int, Expected],
) -> list[StandingStep]:
    """The steps that were begun, then those to come while the run goes on."""
    steps = [_begun(store, run, row, expected.get(row.position)) for row in rows]
    last = rows[-1].position if rows else -1
    if recipe is None or run.status != "running":
        return steps
    for position, (round_number, step) in enumerate(recipe.steps()):
        if position > last:
            steps.append(
                StandingStep(
                    position=position,
                    step=step.id,
                    stage=step.stage,
                    round=round_number,
                    state="to come",
                    calls=0,
                    reused=0,
                    expected=expected[position].calls,
                    seconds=0.0,
                    left=expected[position].seconds,
                    outcome={},
                )
            )
    return steps


def _begun(store: Store, run: Run, row: RunStep, expected: Expected | None) -> StandingStep:
    calls = row.calls
    end = row.ended or run.ended or now()
    is_now = row.ended is None and run.status == "running"
    if row.ended is None:
        calls = arrived_since(store, row.started).calls
    return StandingStep(
        position=row.position,
        step=row.step,
        stage=row.stage,
        round=row.round,
        state="now" if is_now else "done",
        calls=calls,
        reused=row.reused,
        expected=max(calls, expected.calls) if expected else calls,
        seconds=between(row.started, end),
        left=expected.seconds if is_now and expected else 0.0,
        outcome=json.loads(row.outcome) if row.outcome else {},
    )


# -- times ----------------------------------------------------------------------------------------


def _with_times(steps: list[StandingStep], expected: Mapping[int, Expected]) -> list[StandingStep]:
    """The steps with their times left corrected by what those before them took."""
    factor = correction(steps, expected)
    corrected = []
    for step in steps:
        left = step.left
        if step.state == "now":
            left = step_left(step, factor)
        elif step.state == "to come" and left is not None:
            left *= factor
        corrected.append(replace(step, left=left))
    return corrected


def correction(steps: list[StandingStep], expected: Mapping[int, Expected]) -> float:
    """How much longer the steps so far took than was expected of so many calls; 1 for none."""
    took = 0.0
    thought = 0.0
    for step in steps:
        planned = expected.get(step.position)
        if step.state == "to come" or planned is None or not planned.seconds:
            continue
        if not planned.calls or step.calls < ENOUGH_CALLS:
            continue
        took += step.seconds
        thought += planned.seconds * step.calls / planned.calls
    if not took or not thought:
        return 1.0
    return min(SLOWEST, max(FASTEST, took / thought))


def step_left(step: StandingStep, factor: float) -> float | None:
    """How long a step takes yet: by its own rate, else as was expected of it."""
    rest = step.expected - step.calls
    rate = rate_of(step.calls, step.seconds)
    if step.calls >= ENOUGH_CALLS and rate:
        return rest / rate
    if step.left is None:
        return None
    return max(0.0, step.left * factor - step.seconds)


def left_of(steps: list[StandingStep]) -> float | None:
    """How long the steps take yet of which that is known; None while it is known of none."""
    rest = [step for step in steps if step.state != "done"]
    # a step that asks nobody takes no time, and says nothing of the others
    asking = [step for step in rest if step.expected]
    known = [step.left for step in asking if step.left is not None]
    if asking and not known:
        return None
    return sum(known)


def rate_of(calls: int, seconds: float) -> float | None:
    """Calls a second; None before the first."""
    return calls / seconds if calls and seconds > 0 else None


def between(start: str, end: str) -> float:
    """Seconds between two times of the record; a clock that was set back makes none."""
    passed = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return max(0.0, passed.total_seconds())
