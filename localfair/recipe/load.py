"""recipe.toml -> a validated recipe, every error at once; after this nobody re-checks.

Reads TOML and prompt files, from an explicit path, the workspace or the packaged copy, and the
recipe that a run left in the record. Knows nothing of models, tasks or the store.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from localfair.errors import RecipeError, nearest
from localfair.machine.bounds import MOST_DOTS, OutOfBounds, read_bytes, toml_table
from localfair.machine.files import NotText, as_text
from localfair.machine.workspace import packaged_dir
from localfair.recipe.check import problems_of, readable
from localfair.recipe.schema import SECTIONS, Recipe
from localfair.recipe.settle import settle

Table = dict[str, Any]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
# A recipe's file has some thousand bytes, a paper's demonstrations in a prompt ten times as many.
MOST_BYTES = 2**20
MOST_PROMPTS = 100  # the shipped recipes have at most seven
SEE_FAIR = "see `localfair recipes show fair`"
# Keys that had another name once: "table.old key" -> "table.new key". A recipe file that uses an
# old one is refused with the new one as its hint; a recipe in an older record is read all the same.
RENAMED = {
    "defaults.train": "defaults.train_limit",
    "defaults.test": "defaults.test_limit",
    "adapter.kind": "adapter.method",
}


# -- files ----------------------------------------------------------------------------------------


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
    folders: dict[str, Path] = {}
    for parent in (packaged_dir("recipes"), workspace / "recipes"):
        for toml in sorted(parent.glob("*/recipe.toml")):
            folders[toml.parent.name] = toml.parent
    return folders


def recipe_text(name: str, workspace: Path) -> str:
    """A recipe's recipe.toml as it is written, comments and all."""
    return _text_of(find_recipe(name, workspace) / "recipe.toml", f"{name}/recipe.toml")


def copy_recipe(name: str, new_name: str, workspace: Path) -> Path:
    """Copy a recipe's folder to `<workspace>/recipes/<new_name>`; the folder of the copy.

    Raises RecipeError when that folder exists or `new_name` cannot name one.
    """
    source = find_recipe(name, workspace)
    target = workspace / "recipes" / new_name
    if not NAME.fullmatch(new_name):
        raise RecipeError(
            f"{new_name!r} cannot name a recipe", "use small letters, digits, dots and dashes"
        )
    if target.exists():
        raise RecipeError(
            f"{target} exists already", "name another: localfair recipes copy NAME NEW_NAME"
        )
    target.parent.mkdir(exist_ok=True)
    # The copy is made whole beside its target first: a copy that was cut short is no recipe.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copying-") as temporary:
        copy = Path(temporary) / new_name
        _copy_files(source, copy)
        _write_name(copy / "recipe.toml", new_name)
        copy.rename(target)
    return target


def _copy_files(source: Path, target: Path) -> None:
    """Copy what a recipe is made of: recipe.toml, prompts and what is said of it.

    No link is followed out of its folder, and no pipe is opened. Raises RecipeError.
    """
    files = [source / "recipe.toml", *source.glob("*.md"), *_prompt_files(source / "prompts")]
    for file in files:
        name = file.relative_to(source)
        text = _text_of(file, f"{source.name}/{name}")
        copied = target / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(text, encoding="utf-8")


def _write_name(toml: Path, name: str) -> None:
    text = _text_of(toml, f"{name}/recipe.toml")
    renamed = re.sub(r"^name\b.*$", f'name    = "{name}"', text, count=1, flags=re.M)
    toml.write_text(renamed, encoding="utf-8")


# -- loading --------------------------------------------------------------------------------------


def load_recipe(name: str, workspace: Path, settings: Iterable[str] = ()) -> Recipe:
    """The recipe called `name` with every `--set step.key=value` applied.

    Raises RecipeError with all problems, those of the settings and those of the recipe.
    """
    folder = find_recipe(name, workspace)
    data = _read_toml(name, folder / "recipe.toml")
    errors: list[RecipeError] = []
    for setting in settings:
        try:
            apply_setting(data, setting)
        except RecipeError as error:
            errors.append(error)
    try:
        recipe = parse_recipe(data, _read_prompts(folder / "prompts"), label=name)
    except RecipeError as error:
        errors.append(error)
    if errors:
        raise _joined(name, errors)
    return recipe


def _read_toml(name: str, path: Path) -> Table:
    text = _text_of(path, f"{name}/recipe.toml")
    try:
        return toml_table(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        raise RecipeError(
            f"{name}/recipe.toml is not TOML: {error}", "mend the line it names"
        ) from error


def _read_prompts(folder: Path) -> dict[str, str]:
    """A recipe's templates: name without its suffix -> text."""
    paths = _prompt_files(folder)
    return {path.stem: _text_of(path, f"prompts/{path.name}") for path in paths}


def _prompt_files(folder: Path) -> list[Path]:
    """The files of a recipe's templates. Raises RecipeError for more than anybody writes."""
    paths = sorted(folder.glob("*.md"))
    if len(paths) > MOST_PROMPTS:
        raise RecipeError(
            f"{folder} holds {len(paths)} prompts", f"a recipe has at most {MOST_PROMPTS}"
        )
    return paths


def _text_of(path: Path, label: str) -> str:
    """A recipe's file as text. Raises RecipeError naming it as `label` when it is none."""
    try:
        return as_text(read_bytes(path, MOST_BYTES))
    except NotText as error:
        raise RecipeError(f"{label} {error}", "save it as UTF-8") from None
    except OutOfBounds as error:
        raise RecipeError(
            f"{label} cannot be read: {error}",
            "give a recipe as `localfair recipes copy` makes one",
        ) from None


def _joined(name: str, errors: list[RecipeError]) -> RecipeError:
    """One error that holds the problems of all."""
    if len(errors) == 1:
        return errors[0]
    problems: list[str] = []
    for error in errors:
        problems += error.problems or [f"{error.message}; {error.hint}"]
    message = f"recipe {name!r} has {len(problems)} problems"
    return RecipeError(message, errors[-1].hint, problems)


def parse_recipe(data: Table, prompts: dict[str, str], label: str = "recipe") -> Recipe:
    """A recipe from the tables of its TOML and its templates, validated whole and settled.

    Raises RecipeError with all problems.
    """
    current, renames = rename_keys(data)
    problems = [f"{old}: this key is called {new} now" for old, new in renames.items()]
    hint = SEE_FAIR
    if renames:
        old, new = next(iter(renames.items()))
        hint = f"write {new} instead of {old}"
    try:
        recipe = settle(Recipe.model_validate({**current, "prompts": prompts}))
    except ValidationError as error:
        problems += readable(error, current)
    else:
        problems += problems_of(recipe)
        if not problems:
            return recipe
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise RecipeError(f"recipe {label!r} has {count}", hint, problems)


def recorded_recipe(text: str) -> Recipe:
    """The effective recipe of a run, from the JSON in the record. Keys may have their old names."""
    current, _ = rename_keys(json.loads(text))
    return Recipe.model_validate(current)


# -- keys that were renamed -----------------------------------------------------------------------


def rename_keys(data: Table) -> tuple[Table, dict[str, str]]:
    """A recipe's data under the names that keys have now, and each old key's path with its new one.

    A key whose new name is there too keeps the new one's value.
    """
    current = deepcopy(data)
    renames: dict[str, str] = {}
    for path, table in _tables(current):
        for old, new in RENAMED.items():
            table_name, _, old_key = old.partition(".")
            new_key = new.rpartition(".")[2]
            if path.rpartition(".")[2] != table_name or old_key not in table:
                continue
            table.setdefault(new_key, table.pop(old_key))
            renames[f"{path}.{old_key}"] = f"{path}.{new_key}"
    return current, renames


def _tables(data: Table) -> Iterator[tuple[str, Table]]:
    """(path, table) of each table of the recipe, e.g. `defaults`, and of a step, e.g.
    `train.adapter`.
    """
    for name, table in data.items():
        if isinstance(table, dict):
            yield name, table
    for step in _steps(data):
        for name, table in step.items():
            if isinstance(table, dict):
                yield f"{_id_of(step)}.{name}", table


def _id_of(step: Table) -> str:
    """The id of a step that nobody has validated yet; "" for one that is no text."""
    step_id = step.get("id")
    return step_id if isinstance(step_id, str) else ""


def _steps(data: Table) -> Iterator[Table]:
    """Every table of a step in data that nobody has validated yet."""
    for section in SECTIONS:
        steps = data.get(section, [])
        if isinstance(steps, list):
            yield from (step for step in steps if isinstance(step, dict))


# -- settings -------------------------------------------------------------------------------------


def apply_setting(data: Table, setting: str) -> None:
    """Apply one `--set` to a recipe's data.

    `review.accept.mean_above=4` sets a key of a step by its id, `rounds=2` one of the recipe. A
    term of a loss goes by its name, a ce term by its kind: `train.loss.triplet.weight=0`. Raises
    RecipeError when the setting has another form or names what is not there.
    """
    target, equals, raw = setting.partition("=")
    keys = target.strip().split(".")
    if not equals or not all(keys) or len(keys) > MOST_DOTS:
        raise RecipeError(
            f"--set {setting!r} is not of the form step.key=value",
            "e.g. --set review.accept.mean_above=4",
        )
    table = data
    if len(keys) > 1:
        table = _step_or_table(data, keys.pop(0))
    for key, next_key in pairwise(keys):
        value = table.setdefault(key, {})
        if isinstance(value, list):
            terms = _terms(value)
            if next_key not in terms or next_key == keys[-1]:
                raise RecipeError(
                    f"--set {setting!r} names no key of a term", nearest(next_key, terms)
                )
            value = terms
        if not isinstance(value, dict):
            raise RecipeError(f"--set {setting!r}: {key!r} has no keys of its own", SEE_FAIR)
        table = value
    table[keys[-1]] = _toml_value(raw.strip())


def _terms(loss: list[object]) -> dict[str, Table]:
    """The terms of a loss by name: a ce term's is its kind, any other's its own."""
    tables = [term for term in loss if isinstance(term, dict)]
    return {str(term.get("kind") or term.get("term")): term for term in tables}


def _step_or_table(data: Table, name: str) -> Table:
    if name == "defaults":
        defaults: Table = data.setdefault("defaults", {})
        return defaults
    known = {key: value for key, value in data.items() if isinstance(value, dict)}
    for step in _steps(data):
        known[_id_of(step)] = step
    if name not in known:
        raise RecipeError(f"--set names no step {name!r}", nearest(name, known))
    return known[name]


def _toml_value(raw: str) -> Any:
    """A value as TOML reads it; a word that is no TOML is text."""
    try:
        return toml_table(f"v = {raw}")["v"]
    except (ValueError, RecursionError):
        return raw
