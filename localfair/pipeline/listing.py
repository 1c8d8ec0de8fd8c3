"""The runs of a record in a line each: what was run, as which variant, and what came out.

Reads the record and the recipes of the workspace; writes nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localfair.errors import RecipeError
from localfair.recipe.load import load_recipe, recorded_recipe
from localfair.recipe.schema import Recipe
from localfair.record.exams import ExamScore, exam_scores
from localfair.record.made import Run
from localfair.record.runs import last_step_of_each, runs
from localfair.record.store import Store
from localfair.report.settings import differences, flat_recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A run, its variant as `compare` takes it, and its first and its last exam on test.

    until: the step that a run ended with on purpose, None for one that went through all of its
    recipe or was cut short. before, after: shares of right answers, None for an exam that was not
    sat.
    """

    run: str
    started: str
    status: str
    until: str | None
    task: str
    variant: str
    seed: int
    before: float | None
    after: float | None

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def listed(store: Store, workspace: Path) -> list[ListedRun]:
    """Every run of the record, newest first."""
    scores = exam_scores(store)
    last_steps = last_step_of_each(store)
    recipes: dict[str, dict[str, str] | None] = {}
    lines = []
    for run in runs(store):
        if run.recipe not in recipes:
            recipes[run.recipe] = _as_it_is(run.recipe, workspace)
        exams = scores.get(run.id, [])
        effective = _effective(run)
        lines.append(
            ListedRun(
                run=run.id,
                started=run.started,
                status=run.status,
                until=_until(run, effective, last_steps.get(run.id)),
                task=run.task,
                variant=variant_of(run, effective, recipes[run.recipe]),
                seed=run.seed,
                before=_share(exams[0]) if exams else None,
                after=_share(exams[-1]) if len(exams) > 1 else None,
            )
        )
    return lines


def _until(run: Run, effective: Recipe | None, last: str | None) -> str | None:
    """The last step of a run that is done, where its recipe has further ones."""
    if run.status != "done" or effective is None:
        return None
    *_, (_, step) = effective.steps()
    return last if last != step.id else None


def _effective(run: Run) -> Recipe | None:
    """The recipe of a run, read as one of now; None where its vocabulary is no longer ours."""
    try:
        return recorded_recipe(run.effective)
    except ValueError:
        return None


def _share(exam: ExamScore) -> float:
    return exam.right / exam.answers


def _as_it_is(recipe: str, workspace: Path) -> dict[str, str] | None:
    """A recipe as it is now, flat; None where there is none of that name, or a broken one."""
    try:
        return flat_recipe(load_recipe(recipe, workspace).model_dump(mode="json"))
    except RecipeError:
        return None


def variant_of(run: Run, effective: Recipe | None, as_it_is: dict[str, str] | None) -> str:
    """`fair --set train.epochs=2`: the recipe, and in what the run's differs from it as it is now.

    A changed prompt is named without its text.
    """
    words = [run.recipe]
    if as_it_is is None or effective is None:
        return run.recipe
    for setting in differences(as_it_is, flat_recipe(effective.model_dump(mode="json"))):
        if setting.name.startswith("prompts."):
            words.append(f"(another {setting.name.removeprefix('prompts.')} prompt)")
        elif setting.second is not None and setting.name != "name":
            words.append(f"--set {setting.name}={_value(setting.second)}")
    return " ".join(words)


def _value(text: str) -> str:
    """A value as `--set` takes it: a word without quotes."""
    value = json.loads(text)
    return value if isinstance(value, str) else text
