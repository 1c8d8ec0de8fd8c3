"""`localfair report`: show a run, the newest when none is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.pipeline.listing import ListedRun


@click.command(
    epilog="\b\nExamples:\n  localfair report\n  localfair report --list\n  localfair report 3f2a --json"
)
@click.argument("run", required=False)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
@click.option(
    "--list",
    "list_runs",
    is_flag=True,
    help="Every run of the record, newest first: accuracy before and after, and the variant.",
)
def report(run: str | None, db: Path, as_json: bool, list_runs: bool) -> None:
    """Show what RUN found: counts, acceptance, accuracy before and after with intervals, the
    paired change.
    """
    from localfair.cli.show import print_report

    if list_runs:
        _print_list(db, as_json)
        return
    print_report(db, run, as_json=as_json)


def _print_list(db: Path, as_json: bool) -> None:
    from localfair.machine.workspace import workspace_dir
    from localfair.pipeline.listing import listed
    from localfair.record.store import Store

    with Store.open(db) as store:
        runs = listed(store, workspace_dir())
    if as_json:
        echo_json([run.data() for run in runs], indent=2)
    else:
        echo(*map(_line, runs))


def _line(run: ListedRun) -> str:
    """A run as one line; its start to the second."""
    exams = f"{_percent(run.before)} {_percent(run.after)}"
    return (
        f"{run.run}  {run.started[:19]}  {run.status:11}  {exams}  "
        f"{run.variant} on {run.task}, seed {run.seed}"
    )


def _percent(share: float | None) -> str:
    return f"{'-' if share is None else f'{share:.1%}':>6}"
