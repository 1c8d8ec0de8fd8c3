"""`localfair config`: what every command takes for granted here, and who says so."""

from __future__ import annotations

import os

import click

from localfair.machine.terminal import echo, echo_json


@click.command(
    epilog="\b\nExamples:\n  localfair config\n  LOCALFAIR_DB=other.db localfair config --json"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def config(as_json: bool) -> None:
    """Show what is set by localfair.toml in the workspace, and by LOCALFAIR_* variables.

    An option goes before a variable, and a variable before the file. The settings are db, student,
    teachers, engine and threads; their variables LOCALFAIR_DB, LOCALFAIR_STUDENT, and so on.
    """
    from localfair.machine.settings import KEYS, settings
    from localfair.machine.workspace import workspace_dir

    workspace = workspace_dir()
    by_variable = os.environ.get("LOCALFAIR_WORKSPACE")
    source = "LOCALFAIR_WORKSPACE" if by_variable else "this folder"
    said = settings(workspace)
    if as_json:
        rows = {
            name: {"value": setting.value, "source": setting.source}
            for name, setting in said.items()
        }
        echo_json({"workspace": {"value": str(workspace), "source": source}, **rows}, indent=2)
        return
    echo(f"{'workspace':10} {workspace}  ({source})")
    for name, setting in said.items():
        value = setting.value
        if isinstance(value, tuple):
            value = ", ".join(value)
        shown = KEYS[name][1] if value is None else value
        echo(f"{name:10} {shown}  ({setting.source})")
