"""recipe.toml -> a validated recipe, every error at once; after this nobody re-checks.

Reads TOML and prompt files, from an explicit path, the workspace or the packaged copy. Knows nothing of
models, tasks or the store.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from localfair.errors import RecipeError, nearest
from localfair.machine.workspace import packaged_dir
from localfair.recipe.check import problems_of, readable
from localfair.recipe.schema import SECTIONS, Recipe
from localfair.recipe.settle import settle

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def find_recipe(name: str, workspace: Path) -> Path:
    """The folder of a recipe: an explicit path, the workspace's copy, the packaged one."""
    explicit = Path(name)
    if explicit.suffix == ".toml" and explicit.is_file():
        return explicit.parent
    if (explicit / "recipe.toml").is_file():
        return explicit
    known = recipe_folders(workspace)
    if name not in known:
        raise RecipeError(f"unknown recipe {name!r}", nearest(name, known))
    return known[name]


def recipe_folders(workspace: Path) -> dict[str, Path]:
    """Every recipe's folder by name; the workspace's copy hides the packaged one."""
    found: dict[str, Path] = {}
    for parent in (packaged_dir("recipes"), workspace / "recipes"):
        found |= {p.parent.name: p.parent for p in sorted(parent.glob("*/recipe.toml"))}
    return found


def copy_recipe(name: str, new_name: str, workspace: Path) -> Path:
    """Copy a recipe's folder to `<workspace>/recipes/<new_name>`. Raises RecipeError when that exists."""
    source, target = find_recipe(name, workspace), workspace / "recipes" / new_name
    if not NAME.fullmatch(new_name):
        raise RecipeError(
            f"{new_name!r} cannot name a recipe", "use small letters, digits, dots and dashes"
        )
    if target.exists():
        raise RecipeError(
            f"{target} exists already", "name another: localfair recipes copy NAME NEW_NAME"
        )
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copying-") as temporary:
        copy = Path(shutil.copytree(source, Path(temporary) / new_name))
        toml = copy / "recipe.toml"
        text = toml.read_text(encoding="utf-8")
        toml.write_text(
            re.sub(r"^name\b.*$", f'name    = "{new_name}"', text, count=1, flags=re.M),
            encoding="utf-8",
        )
        copy.rename(target)
    return target


def load_recipe(name: str, workspace: Path, settings: Iterable[str] = ()) -> Recipe:
    """The recipe called `name` with every `--set step.key=value` applied. Raises RecipeError with all problems."""
    folder = find_recipe(name, workspace)
    path = folder / "recipe.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{name}/recipe.toml is not TOML: {error}", "mend the line it names"
        ) from error
    failed: list[RecipeError] = []
    for setting in settings:
        try:
            apply_setting(data, setting)
        except RecipeError as error:
            failed.append(error)
    prompts = {
        p.stem: p.read_text(encoding="utf-8") for p in sorted((folder / "prompts").glob("*.md"))
    }
    try:
        recipe = parse_recipe(data, prompts, label=name)
    except RecipeError as error:
        failed.append(error)
    if not failed:
        return recipe
    if len(failed) == 1:
        raise failed[0]
    problems = [
        p for error in failed for p in (error.problems or [f"{error.message}; {error.hint}"])
    ]
    raise RecipeError(f"recipe {name!r} has {len(problems)} problems", failed[-1].hint, problems)


def parse_recipe(data: dict[str, Any], prompts: dict[str, str], label: str = "recipe") -> Recipe:
    """Validate the whole of it."""
    try:
        recipe = settle(TypeAdapter(Recipe).validate_python({**data, "prompts": prompts}))
    except ValidationError as error:
        problems = readable(error, data)
    else:
        problems = problems_of(recipe)
        if not problems:
            return recipe
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise RecipeError(
        f"recipe {label!r} has {count}", "see `localfair recipes show fair`", problems
    )


def apply_setting(data: dict[str, Any], setting: str) -> None:
    """`review.accept.mean_above=4` sets a key of the step with that id; `rounds=2` one of the recipe itself.

    A term of a loss goes by its name, a ce term by its kind: `train.loss.triplet.weight=0`.
    """
    target, equals, raw = setting.partition("=")
    keys = target.strip().split(".")
    if not equals or not all(keys):
        raise RecipeError(
            f"--set {setting!r} is not of the form step.key=value",
            "e.g. --set review.accept.mean_above=4",
        )
    node = data if len(keys) == 1 else _step_or_table(data, keys.pop(0))
    for key, following in pairwise(keys):
        below = node.setdefault(key, {})
        if isinstance(below, list):
            below = _terms(below)
            if following not in below or following == keys[-1]:
                raise RecipeError(
                    f"--set {setting!r} names no key of a term", nearest(following, below)
                )
        if not isinstance(below, dict):
            raise RecipeError(
                f"--set {setting!r}: {key!r} has no keys of its own",
                "see `localfair recipes show fair`",
            )
        node = below
    node[keys[-1]] = _toml_value(raw.strip())


def _terms(loss: list[Any]) -> dict[str, dict[str, Any]]:
    """The terms of a loss by name: a ce term's is its kind, any other's its own."""
    return {str(t.get("kind") or t.get("term")): t for t in loss if isinstance(t, dict)}


def _step_or_table(data: dict[str, Any], name: str) -> dict[str, Any]:
    steps = {
        s.get("id"): s for section in SECTIONS for s in data.get(section, []) if isinstance(s, dict)
    }
    tables = {k: v for k, v in data.items() if isinstance(v, dict)}
    known: dict[str, dict[str, Any]] = {**tables, **{str(k): v for k, v in steps.items()}}
    if name == "defaults":
        return data.setdefault("defaults", {})  # type: ignore[no-any-return]
    if name not in known:
        raise RecipeError(f"--set names no step {name!r}", nearest(name, known))
    return known[name]


def _toml_value(raw: str) -> Any:
    try:
        return tomllib.loads(f"v = {raw}")["v"]
    except tomllib.TOMLDecodeError:
        return raw
