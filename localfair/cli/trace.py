"""`localfair trace`: where a student comes from."""

from __future__ import annotations

from pathlib import Path

import click

from localfair.cli.numbers import COUNT
from localfair.machine.terminal import echo, echo_json


@click.command(
    epilog="\b\nExamples:\n  localfair trace exports/student-q8_0.gguf --lesson 3\n"
    "  localfair trace 3f2a91 --json"
)
@click.argument("what", metavar="ADAPTER|FILE")
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--lesson", type=COUNT, help="One lesson, by its number, with its whole history.")
@click.option("--full", is_flag=True, help="Whole texts and whole ids.")
@click.option("--json", "as_json", is_flag=True, help="The tree as JSON.")
def trace(what: str, db: Path, lesson: int | None, full: bool, as_json: bool) -> None:
    """Show what a student was made of: its export, its adapter, the terms it is under, each lesson
    and who wrote it.

    FILE is an export, wherever it lies now: it is known by its sha256. ADAPTER is an id or its
    beginning.
    """
    from localfair.cli.history import drawn
    from localfair.export.trace import trace as trace_back
    from localfair.record.store import Store

    with Store.open(db) as store:
        tree = trace_back(store, what, lesson)
    if as_json:
        echo_json(tree.data(), indent=2)
    else:
        echo(*drawn(tree, full=full))
