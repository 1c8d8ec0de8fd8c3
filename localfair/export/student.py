"""A run's trained student, as the record knows it: its adapter, its base, its recipe and its lessons.

Reads runs, adapters and lessons, and resolves the base model. Writes nothing, loads no weights.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
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

# made by a train step, or examined with after it: the exam decides where a run kept an earlier round's
LAST_ADAPTER = """
SELECT a.* FROM (
  SELECT r.position, r."row" AS adapter FROM run_rows r WHERE r.run = ? AND r.noun = 'adapter'
  UNION ALL
  SELECT r.position, s.adapter FROM run_rows r JOIN answers w ON w.id = r."row" JOIN seats s ON s.id = w.seat
  WHERE r.run = ? AND r.noun = 'answer'
) used JOIN adapters a ON a.id = used.adapter WHERE a.role = 'student' ORDER BY used.position DESC LIMIT 1
"""
AGAIN = "give the run's own command again: it trains what is missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The student that a run trained last. `adapter` is its row; `folder` holds its weights."""

    run: Row
    recipe: Recipe
    settings: dict[str, Any]
    adapter: Row
    folder: Path
    student: str
    model: Model
    seating: Seating

    @property
    def name(self) -> str:
        """A file's name for what it becomes: the base's name and the beginning of the adapter's hash."""
        return f"{self.model.name}-{self.adapter['id'].removeprefix('b2:')[:8]}"


def run_row(store: Store, run: str | None) -> Row:
    """The row of a run, of the newest when none is named. Raises UsageError."""
    name = run or latest_run(store)
    row = store.one("SELECT * FROM runs WHERE id = ?", name)
    if row is None:
        raise UsageError(
            f"there is no run {name!r} in {store.path}", "see `localfair report --list`"
        )
    return row


def trained(store: Store, run: str | None, workspace: Path) -> Trained:
    """The last adapter of a run's student, its weights and its base checked.

    Raises UsageError for a run that trained nothing, MissingWeights or CorruptWeights for an adapter that is not
    what was trained, ModelError when the student's name leads to other weights than it was trained on.
    """
    head = run_row(store, run)
    row = adapter_row(store, head)
    settings = json.loads(head["settings"])
    folder = store.path.parent / row["path"]
    _check_adapter(folder, row)
    options = Options(engine=settings["engine"], precision=settings["precision"])
    seating = Seating(workspace, head["seed"], options)
    model = seating.model(settings["student"])
    if not isinstance(model, Model) or model.fingerprint != row["base"]:
        raise ModelError(
            f"the adapter of run {head['id']} was trained on {row['base'][:19]}…, {settings['student']} is now "
            f"{model.fingerprint[:19]}…",
            "put the weights it was trained on back in their place",
        )
    return Trained(
        run=head, recipe=recorded_recipe(head["effective"]), settings=settings, adapter=row,
        folder=folder, student=settings["student"], model=model, seating=seating,
    )  # fmt: skip


def adapter_row(store: Store, head: Row) -> Row:
    """The row of the adapter that a run's student sat with last. Raises UsageError when it trained none."""
    found = store.one(LAST_ADAPTER, head["id"], head["id"])
    if found is None:
        raise UsageError(
            f"run {head['id']} ({head['recipe']} on {head['task']}) trained no student",
            "name another with --run; see `localfair report --list`",
        )
    return found


def taught(store: Store, adapter: str) -> list[Row]:
    """The lessons that an adapter learned, in their order."""
    return store.rows(
        "SELECT l.* FROM adapter_lessons t JOIN lessons l ON l.id = t.lesson "
        "WHERE t.adapter = ? AND t.dropped IS NULL ORDER BY t.position",
        adapter,
    )


def _check_adapter(folder: Path, row: Row) -> None:
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise MissingWeights(f"the adapter {row['id']} has no weights at {weights}", AGAIN)
    if sha256_file(weights) != row["sha256"]:
        raise CorruptWeights(f"{weights} is not what was trained", AGAIN)
