"""`localfair status`: where a run stands, from the record, also while another process writes it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.pipeline.standing import Standing


@click.command(epilog="\b\nExamples:\n  localfair status\n  localfair status 3f2a --json")
@click.argument("run", required=False)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def status(run: str | None, db: Path, as_json: bool) -> None:
    """Show where RUN stands, the one that was begun last when none is named: steps done and to
    come, rate and time left, what was accepted, accuracy so far.

    Reads the record alone; the run may go on in another terminal.
    """
    from localfair.pipeline.standing import standing
    from localfair.record.store import Store

    with Store.open(db) as store:
        stands = standing(store, run)
    if as_json:
        echo_json(stands.data(), indent=2)
    else:
        _print(stands)


def _print(standing: Standing) -> None:
    from localfair.cli.panel import panel, plain

    if not sys.stdout.isatty():
        echo(*plain(standing))
        return
    from rich.console import Console

    Console().print(panel(standing), markup=False, highlight=False)
