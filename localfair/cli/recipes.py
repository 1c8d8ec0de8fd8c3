"""`localfair recipes`: list, show, check, copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from localfair.cli import completion
from localfair.errors import RecipeError
from localfair.machine.terminal import echo, echo_text

if TYPE_CHECKING:
    from localfair.recipe.schema import Recipe


@click.group(
    epilog="\b\nExamples:\n  localfair recipes show fair\n  localfair recipes copy fair mine"
)
def recipes() -> None:
    """Recipes: one folder a method, with its numbers, prompts and results."""


@recipes.command("list")
def list_recipes() -> None:
    """Print each recipe's name and what it is."""
    _print_each((), (), lambda name, recipe: f"{name:20} {recipe.summary}")


@recipes.command()
@click.argument("name", shell_complete=completion.recipes)
def show(name: str) -> None:
    """Print a recipe's recipe.toml, comments and all."""
    from localfair.machine.workspace import workspace_dir
    from localfair.recipe.load import recipe_text

    echo_text(recipe_text(name, workspace_dir()).removesuffix("\n"))


@recipes.command(
    epilog="\b\nExamples:\n  localfair recipes check\n  localfair recipes check fair --set rounds=2"
)
@click.argument("names", nargs=-1, shell_complete=completion.recipes)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="STEP.KEY=VALUE",
    help="Change one number of the recipe first.",
)
def check(names: tuple[str, ...], settings: tuple[str, ...]) -> None:
    """Validate recipes, all of them when none is named; every error at once."""

    def steps(name: str, recipe: Recipe) -> str:
        ids = [step.id for _, step in recipe.steps()]
        return f"{name}: {' -> '.join(ids)}"

    _print_each(names, settings, steps)


@recipes.command()
@click.argument("name", shell_complete=completion.recipes)
@click.argument("new_name", required=False)
def copy(name: str, new_name: str | None) -> None:
    """Copy a recipe into the workspace's recipes/ folder, to change and own it."""
    from localfair.machine.workspace import workspace_dir
    from localfair.recipe.load import copy_recipe

    echo(str(copy_recipe(name, new_name or name, workspace_dir())))


def _print_each(
    names: Iterable[str], settings: Iterable[str], line: Callable[[str, Recipe], str]
) -> None:
    """Print a line of each valid recipe, of all when none is named.

    Then raise what is wrong with the others.
    """
    from localfair.machine.workspace import workspace_dir
    from localfair.recipe.load import load_recipe, recipe_folders

    workspace = workspace_dir()
    errors: list[RecipeError] = []
    for name in names or sorted(recipe_folders(workspace)):
        try:
            echo(line(name, load_recipe(name, workspace, settings)))
        except RecipeError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        problems = [_one_line(error) for error in errors]
        raise RecipeError(f"{len(errors)} recipes are not valid", errors[0].hint, problems)


def _one_line(error: RecipeError) -> str:
    if not error.problems:
        return error.message
    return f"{error.message}: {'; '.join(error.problems)}"
