"""What the shell is told to complete: names of recipes, tasks, models and engines.

Reads cards, recipes' folders and the record; whatever cannot be read completes to nothing. To turn
it on in bash: `eval "$(_LOCALFAIR_COMPLETE=bash_source localfair)"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(
    names: Callable[[click.Context], Iterable[str]], *, paths: bool = False
) -> Complete:
    """A completion to names; to files as well where `paths`, and no name begins as what is typed."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            fitting = [name for name in sorted(set(names(ctx))) if name.startswith(incomplete)]
        except Exception:  # a shell that waits for a completion is shown no error
            fitting = []
        if not fitting and paths:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(name) for name in fitting]

    return complete


def _recipes(ctx: click.Context) -> Iterable[str]:
    from localfair.machine.workspace import workspace_dir
    from localfair.recipe.load import recipe_folders

    return recipe_folders(workspace_dir())


def _models(ctx: click.Context) -> Iterable[str]:
    from localfair.machine.workspace import workspace_dir
    from localfair.models.registry import all_cards

    return all_cards(workspace_dir())


def _shipped_tasks(ctx: click.Context) -> Iterable[str]:
    from localfair.tasks import all_tasks

    return [task.name for task in all_tasks()]


def _tasks(ctx: click.Context) -> Iterable[str]:
    from localfair.record.connection import exists
    from localfair.record.store import Store

    names = list(_shipped_tasks(ctx))
    db = Path(ctx.params.get("db") or ctx.lookup_default("db") or "localfair.db")
    if exists(db):
        with Store.open(db) as store:
            names += store.tasks()
    return names


def _engines(ctx: click.Context) -> Iterable[str]:
    from localfair.engines import ENGINES

    return [engine.name for engine in ENGINES]


recipes = _completing(_recipes)
models = _completing(_models, paths=True)
tasks = _completing(_tasks)
shipped_tasks = _completing(_shipped_tasks)
engines = _completing(_engines)
