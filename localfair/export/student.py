"""A run's trained student in the record: its adapter, its base, its recipe and its lessons.

Reads runs, adapters and lessons, and resolves the base model. Writes nothing, loads no weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from localfair.committee.seating import Options, Seating
from localfair.errors import CorruptWeights, MissingWeights, ModelError, UsageError
from localfair.export.names import export_name
from localfair.machine.files import sha256_file
from localfair.models import Model
from localfair.recipe.load import recorded_recipe
from localfair.recipe.schema import Recipe
from localfair.record.adapters import recorded_folder
from localfair.record.licences import Ledger, ledger
from localfair.record.made import Adapter, Run
from localfair.record.resolving import Wanted
from localfair.record.runs import RunSettings, settings_of
from localfair.record.store import Store
from localfair.record.students import last_adapter_of_student, newest_run_with_student
from localfair.report.findings import find_run

TRAIN_AGAIN = "give the run's own command again: it trains what is missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedStudent:
    """The student that a run trained last: its base with an adapter on it."""

    run: Run
    recipe: Recipe
    settings: RunSettings
    adapter: Adapter
    folder: Path  # holds the adapter's weights
    model_name: str  # of the base, as the run's command line named it
    model: Model
    seating: Seating
    terms: Ledger  # what the run made is under

    @property
    def name(self) -> str:
        """What exported files are called: the base's name, the recipe's and the run's id."""
        return export_name(self.model.name, self.run.recipe, self.run.id)


def trained_student(store: Store, run: str | None, workspace: Path) -> TrainedStudent:
    """The student of a run, its adapter's weights and its base checked.

    For None it is the newest run that trained one.

    Raises UsageError when the run trained no student, MissingWeights or CorruptWeights when the
    adapter's file is gone or changed, ModelError when the student's name leads to other weights
    than those it was trained on.
    """
    trained_by = find_run(store, run, Wanted.STUDENT)
    settings = settings_of(trained_by)
    adapter = last_adapter(store, trained_by)
    folder = recorded_folder(store, adapter.path)
    _check_weights(folder, adapter)
    options = Options(engine=settings.engine, precision=settings.precision)
    day = date.fromisoformat(settings.date) if settings.date else None
    seating = Seating(workspace, trained_by.seed, options, day)
    return TrainedStudent(
        run=trained_by,
        recipe=recorded_recipe(trained_by.effective),
        settings=settings,
        adapter=adapter,
        folder=folder,
        model_name=settings.student,
        model=_base(seating, settings.student, trained_by, adapter),
        seating=seating,
        terms=ledger(store, trained_by),
    )


def last_adapter(store: Store, run: Run) -> Adapter:
    """The adapter that a run's student had last.

    Raises UsageError when the run trained none.
    """
    adapter = last_adapter_of_student(store, run.id)
    if adapter is None:
        raise UsageError(
            f"run {run.id} ({run.recipe} on {run.task}) trained no student",
            _instead(store, run),
        )
    return adapter


def _instead(store: Store, run: Run) -> str:
    """What the user can do where a run trained no student: export the newest that did, or train
    one.
    """
    other = newest_run_with_student(store)
    if other is not None:
        return f"the newest that did: --run {other}; all runs: `localfair report --list`"
    trainings = [step for step in store.steps(run.id) if step.stage == "train"]
    if any(step.ended for step in trainings):
        return (
            "no lesson was left to learn from: `localfair report` says what was accepted, "
            "`localfair reviewers` what another gate would accept"
        )
    if not _trains(run):
        return (
            f"{run.recipe} trains none: `localfair run RECIPE` does; see `localfair recipes list`"
        )
    return (
        f"`localfair run {run.recipe}` with the same options goes on from here and trains it; "
        "or name another run with --run"
    )


def _trains(run: Run) -> bool:
    """Whether the recipe of a run has a step that trains the student."""
    try:
        recipe = recorded_recipe(run.effective)
    except ValueError:  # recorded by a version with another vocabulary
        return True
    return any(step.stage == "train" for _, step in recipe.steps())


def _base(seating: Seating, name: str, run: Run, adapter: Adapter) -> Model:
    """The model that the student's name leads to now, which must be the one that was trained."""
    model = seating.model(name)
    trained_on = adapter.base
    if not isinstance(model, Model) or model.fingerprint != trained_on:
        raise ModelError(
            f"the adapter of run {run.id} was trained on {trained_on[:19]}…, {name} is now "
            f"{model.fingerprint[:19]}…",
            "put the weights it was trained on back in their place",
        )
    return model


def _check_weights(folder: Path, adapter: Adapter) -> None:
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise MissingWeights(f"the adapter {adapter.id} has no weights at {weights}", TRAIN_AGAIN)
    if sha256_file(weights) != adapter.sha256:
        raise CorruptWeights(f"{weights} is not what was trained", TRAIN_AGAIN)
