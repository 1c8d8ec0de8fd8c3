"""A run's trained student in the record: its adapter, its base, its recipe and its lessons.

Reads runs, adapters and lessons, and resolves the base model. Writes nothing, loads no weights.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from localfair.committee.seating import Options, Seating
from localfair.errors import CorruptWeights, MissingWeights, ModelError, UsageError
from localfair.machine.files import sha256_file
from localfair.models import Model
from localfair.recipe.load import recorded_recipe
from localfair.recipe.schema import Recipe
from localfair.record.store import Row, Store
from localfair.report.findings import latest_run

# The adapter that a train step made, or an exam asked with, last. The exam decides: a recipe of
# several rounds may have kept an earlier round's adapter.
LAST_ADAPTER = """
SELECT a.* FROM (
  SELECT r.position, r."row" AS adapter FROM links r WHERE r.run = ? AND r.noun = 'adapter'
  UNION ALL
  SELECT r.position, s.adapter
  FROM links r JOIN answers w ON w.id = r."row" JOIN seats s ON s.id = w.seat
  WHERE r.run = ? AND r.noun = 'answer'
) used JOIN adapters a ON a.id = used.adapter
WHERE a.role = 'student' ORDER BY used.position DESC LIMIT 1
"""
# the newest run whose train step made an adapter of its student
NEWEST_WITH_STUDENT = """
SELECT u.id FROM runs u JOIN links r ON r.run = u.id AND r.noun = 'adapter'
JOIN adapters a ON a.id = r."row" AND a.role = 'student'
ORDER BY u.rowid DESC LIMIT 1
"""
TRAIN_AGAIN = "give the run's own command again: it trains what is missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedStudent:
    """The student that a run trained last: its base with an adapter on it."""

    run: Row  # of `runs`
    recipe: Recipe
    settings: dict[str, Any]
    adapter: Row  # of `adapters`
    folder: Path  # holds the adapter's weights
    model_name: str  # of the base, as the run's command line named it
    model: Model
    seating: Seating

    @property
    def name(self) -> str:
        """What exported files are called: the base's name and the start of the adapter's hash."""
        return f"{self.model.name}-{self.adapter['id'].removeprefix('b2:')[:8]}"


def find_run(store: Store, run: str | None) -> Row:
    """The row of a run, by its id; of the newest run for None.

    Raises UsageError when there is none.
    """
    run_id = run or latest_run(store)
    row = store.one("SELECT * FROM runs WHERE id = ?", run_id)
    if row is None:
        raise UsageError(
            f"there is no run {run_id!r} in {store.path}", "see `localfair report --list`"
        )
    return row


def trained_student(store: Store, run: str | None, workspace: Path) -> TrainedStudent:
    """The student of a run (of the newest for None), its adapter's weights and its base checked.

    Raises UsageError when the run trained no student, MissingWeights or CorruptWeights when the
    adapter's file is gone or changed, ModelError when the student's name leads to other weights
    than those it was trained on.
    """
    run_row = find_run(store, run)
    settings = json.loads(run_row["settings"])
    adapter = last_adapter(store, run_row)
    folder = store.path.parent / adapter["path"]
    _check_weights(folder, adapter)
    options = Options(engine=settings["engine"], precision=settings["precision"])
    recorded = settings.get("date")  # of a run whose chat templates write one
    day = date.fromisoformat(recorded) if recorded else None
    seating = Seating(workspace, run_row["seed"], options, day)
    return TrainedStudent(
        run=run_row,
        recipe=recorded_recipe(run_row["effective"]),
        settings=settings,
        adapter=adapter,
        folder=folder,
        model_name=settings["student"],
        model=_base(seating, settings["student"], run_row, adapter),
        seating=seating,
    )


def last_adapter(store: Store, run: Row) -> Row:
    """The row of the adapter that a run's student had last.

    Raises UsageError when the run trained none.
    """
    adapter = store.one(LAST_ADAPTER, run["id"], run["id"])
    if adapter is None:
        raise UsageError(
            f"run {run['id']} ({run['recipe']} on {run['task']}) trained no student",
            _instead(store, run),
        )
    return adapter


def _instead(store: Store, run: Row) -> str:
    """What the user can do where a run trained no student: export the newest that did, or train
    one.
    """
    other = store.one(NEWEST_WITH_STUDENT)
    if other is not None:
        return f"the newest that did: --run {other['id']}; all runs: `localfair report --list`"
    return (
        f"`localfair run {run['recipe']}` with the same options goes on from here and trains it; "
        "or name another run with --run"
    )


def lessons_learned(store: Store, adapter: str) -> list[Row]:
    """The lessons that an adapter (its id) was trained on, in their order."""
    return store.rows(
        "SELECT l.* FROM adapter_lessons t JOIN lessons l ON l.id = t.lesson "
        "WHERE t.adapter = ? AND t.dropped IS NULL ORDER BY t.position",
        adapter,
    )


def _base(seating: Seating, name: str, run: Row, adapter: Row) -> Model:
    """The model that the student's name leads to now, which must be the one that was trained."""
    model = seating.model(name)
    trained_on = adapter["base"]
    if not isinstance(model, Model) or model.fingerprint != trained_on:
        raise ModelError(
            f"the adapter of run {run['id']} was trained on {trained_on[:19]}…, {name} is now "
            f"{model.fingerprint[:19]}…",
            "put the weights it was trained on back in their place",
        )
    return model


def _check_weights(folder: Path, adapter: Row) -> None:
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise MissingWeights(
            f"the adapter {adapter['id']} has no weights at {weights}", TRAIN_AGAIN
        )
    if sha256_file(weights) != adapter["sha256"]:
        raise CorruptWeights(f"{weights} is not what was trained", TRAIN_AGAIN)
