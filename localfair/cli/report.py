"""`localfair report`: show a run, the newest when none is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo

if TYPE_CHECKING:
    from localfair.record.made import Run


@click.command(
    epilog="\b\nExamples:\n  localfair report\n  localfair report --list\n  localfair report 3f2a --json"
)
@click.argument("run", required=False)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
@click.option("--list", "list_runs", is_flag=True, help="Every run of the record, newest first.")
def report(run: str | None, db: Path, as_json: bool, list_runs: bool) -> None:
    """Show what RUN found: counts, acceptance, accuracy before and after with intervals, the
    paired change.
    """
    from localfair.cli.show import print_report
    from localfair.record.runs import runs
    from localfair.record.store import Store

    if not list_runs:
        print_report(db, run, as_json=as_json)
        return
    with Store.open(db) as store:
        for each in runs(store):
            echo(_line(each))


def _line(run: Run) -> str:
    """A run as one line; its start to the second."""
    return f"{run.id}  {run.started[:19]}  {run.status:11}  {run.recipe} on {run.task}"
