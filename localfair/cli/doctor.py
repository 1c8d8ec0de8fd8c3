"""`localfair doctor`: parse, call `doctor.examine`, print each line as it comes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.pipeline.doctor import Check

WIDTH = 32  # of a check's name


@click.command(
    epilog="\b\nExamples:\n  localfair doctor\n  localfair doctor --deep\n"
    "  localfair doctor --json --db mine.db"
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.option(
    "--deep",
    is_flag=True,
    help="Also hash all weights, compute with a model and start vLLM: minutes.",
)
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    default=Path("localfair.db"),
    show_default=True,
    help="The record whose place is tried; it need not be there.",
)
def doctor(as_json: bool, deep: bool, db: Path) -> None:
    """Say what this machine is and can do: each line ok, warn or fail, with a hint.

    Exit 1 when a line fails. Nothing is written but into temporary folders, and the network stays
    off.
    """
    from localfair.machine.workspace import workspace_dir
    from localfair.pipeline.doctor import Examination, counts, examine

    checks = []
    for check in examine(Examination(workspace=workspace_dir(), db=db, deep=deep)):
        checks.append(check)
        if not as_json:
            echo(*lines(check))
    tally = counts(checks)
    if as_json:
        listed = [asdict(check) for check in checks]
        echo_json({"deep": deep, "counts": tally, "checks": listed}, indent=2)
    else:
        echo(", ".join(f"{count} {status}" for status, count in tally.items()), err=True)
    if tally["fail"]:
        raise SystemExit(1)


def lines(check: Check) -> list[str]:
    """A check as a line, and its hint as another."""
    told = [f"{check.status:5} {check.name:{WIDTH}} {check.finding}"]
    if check.hint:
        told.append(f"{'':5} {'':{WIDTH}} hint: {check.hint}")
    return told
