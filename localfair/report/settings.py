"""What two runs were told differently: recipes and settings as flat names, `train.epochs = 2`.

Pure: data in, names and values out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from localfair.record.made import Run

SECTIONS = ("before", "round", "after")
TEXTS = "prompts."  # texts of many lines
# what says nothing of what a run did
NAMES = ("note", "summary", "paper", "defaults.")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that two runs have differently; None where one has it not."""

    name: str
    first: str | None
    second: str | None


def flat_recipe(effective: Mapping[str, object]) -> dict[str, str]:
    """A recipe as `step.key` and values in JSON; steps go by their ids, as `--set` names them."""
    flat: dict[str, str] = {}
    for key, value in effective.items():
        if key in SECTIONS and isinstance(value, list):
            for step in value:
                named = {name: each for name, each in step.items() if name != "id"}
                flat.update(_flat(f"{step['id']}.", named))
        else:
            flat.update(_flat(f"{key}.", value) if isinstance(value, dict) else _cell(key, value))
    return {name: value for name, value in flat.items() if not name.startswith(NAMES)}


def _flat(prefix: str, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield from _cell(f"{prefix}{key}", value).items()


def _cell(name: str, value: object) -> dict[str, str]:
    return {name: json.dumps(value, ensure_ascii=False)}


def settings_of_run(run: Run) -> dict[str, str]:
    """Everything that a run was told and with which versions it was done, as flat names."""
    flat = {"recipe": json.dumps(run.recipe), "task": json.dumps(run.task)}
    flat["seed"] = str(run.seed)
    flat.update(_flat("", json.loads(run.settings)))
    recipe = flat_recipe(json.loads(run.effective))
    recipe.pop("name", None)
    for name, value in recipe.items():
        # a recipe's `teachers` are indices of the run's
        flat[f"recipe.{name}" if name in flat else name] = value
    flat.update(_flat("versions.", json.loads(run.versions)))
    return flat


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> list[Setting]:
    """The settings in which two flat tables differ, in the order of the first."""
    settings = []
    for name in [*first, *(name for name in second if name not in first)]:
        before = first.get(name)
        after = second.get(name)
        if before == after:
            continue
        if name.startswith(TEXTS):
            settings.append(Setting(name, _text(before), _text(after)))
        else:
            settings.append(Setting(name, before, after))
    return settings


def _text(value: str | None) -> str | None:
    return None if value is None else f"a text of {len(json.loads(value))} letters"
