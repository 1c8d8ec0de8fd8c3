"""The runs of the record: their beginning and end, which is the newest, what has become of one, its
steps and who sat in it.

Reads runs and the write lock; writes runs, their seats and steps. Knows nothing of what a run does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from localfair.record.connection import now
from localfair.record.lock import is_held
from localfair.record.made import BegunStep, Run, RunStep, Status
from localfair.record.nouns import EngineIdentity, Seat
from localfair.record.store import Store
from localfair.record.tables import RUNS, begun_step_row, run_of

NEWEST_FIRST = "ORDER BY rowid DESC"  # as they were begun, whatever the clock said
ADAPTERS = """
SELECT "row" FROM links WHERE run = ? AND noun = 'adapter' GROUP BY "row" ORDER BY MIN(position)
"""
ORDERED_ON = """
SELECT MAX(t.questions) FROM links r JOIN turns t ON t.id = r."row"
WHERE r.run = ? AND r.noun = 'turns'
"""
TEACHERS = """
SELECT s."index", s.model FROM run_seats r JOIN seats s ON s.id = r.seat
WHERE r.run = ? AND s.role = 'teacher'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a step cost: calls made, replies taken from the record, and models loaded."""

    calls: int
    reused: int
    loads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Who sat in a run, how much it took and under which engines, as its command line said.

    A model is a card's name or a path, an engine None for the usual one. date: ISO 8601, None where
    no chat template writes one.
    """

    student: str
    teachers: tuple[str, ...]
    reviewers: tuple[str, ...]
    mentor: str | None
    engine: str | None
    precision: Literal["bf16", "fp32", "nf4"]
    date: str | None
    student_engine: str | None = None


def settings_of(run: Run) -> RunSettings:
    """The settings that a run was begun with."""
    recorded: dict[str, Any] = json.loads(run.settings)
    return RunSettings(
        student=recorded["student"],
        teachers=tuple(recorded["teachers"]),
        reviewers=tuple(recorded["reviewers"]),
        mentor=recorded["mentor"],
        engine=recorded["engine"],
        precision=recorded["precision"],
        date=recorded.get("date"),
        student_engine=recorded.get("student_engine"),
    )


def begin(store: Store, run: Run, seats: Iterable[tuple[Seat, EngineIdentity]]) -> None:
    """Store a run that begins, and who sits in it under which engine."""
    rows = []
    for seat, identity in seats:
        rows.append({"run": run.id, "seat": seat.id, "engine": identity.engine})
    store.add(RUNS, [run])
    store.ensure("run_seats", rows)


def end(store: Store, run: str, status: Status, problem: str | None) -> None:
    """Write how a run ended; `problem` is what ended one that failed."""
    ended = {"ended": now(), "status": status, "problem": problem}
    store.update("runs", {"id": run}, ended)


def begin_step(store: Store, step: BegunStep) -> None:
    """Store a step that begins."""
    store.ensure("run_steps", [begun_step_row(step)])


def end_step(store: Store, step: BegunStep, cost: Cost, outcome: dict[str, object]) -> None:
    """Write what a step cost and what came out; the outcome keeps the order of its keys."""
    ended = {"ended": now(), **asdict(cost), "outcome": json.dumps(outcome, allow_nan=False)}
    store.update("run_steps", {"run": step.run, "position": step.position}, ended)


def run_now(store: Store, run: str) -> Run | None:
    """A run with the status that it has now; None when the record holds none of that id."""
    recorded = store.run(run)
    return _as_it_stands(store, recorded) if recorded else None


def runs(store: Store) -> list[Run]:
    """Every run of the record, newest first, with the status that it has now."""
    rows = store.rows(f"SELECT * FROM runs {NEWEST_FIRST}")
    return [_as_it_stands(store, run_of(row)) for row in rows]


def last_step_of_each(store: Store) -> dict[str, str]:
    """The id of the last step that each run began."""
    rows = store.rows("SELECT run, step, MAX(position) FROM run_steps GROUP BY run")
    return {row["run"]: row["step"] for row in rows}


def _as_it_stands(store: Store, run: Run) -> Run:
    """A run that was killed could not write that it ended."""
    if run.status == "running" and not is_held(store.path):
        return replace(run, status="interrupted")
    return run


def newest_run(store: Store) -> str | None:
    """The id of the run that was begun last; None when there is none."""
    ids: list[str] = store.first_column(f"SELECT id FROM runs {NEWEST_FIRST} LIMIT 1")
    return ids[0] if ids else None


def positions_of(steps: Iterable[RunStep], stage: str) -> list[int]:
    """Where the steps of one stage stand."""
    return [step.position for step in steps if step.stage == stage]


def adapters_of(store: Store, run: str) -> list[str]:
    """The ids of a run's adapters, in the order in which they were trained."""
    return store.first_column(ADAPTERS, run)


def questions_ordered_on(store: Store, run: str) -> int:
    """On how many questions the order of a run's teachers rests; 0 where they have none."""
    most = store.first_column(ORDERED_ON, run)[0]
    return most or 0


def teacher_models(store: Store, run: str) -> dict[int | None, str]:
    """The name of the model in each teacher's seat of a run, by the seat's index."""
    models: dict[int | None, str] = {}
    for index, model in store.db.execute(TEACHERS, [run]):
        models[index] = model
    return models
