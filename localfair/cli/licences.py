"""`localfair licences`: whose terms what a run made is under."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.record.licences import Ledger

MAY = {True: "yes", False: "NO", None: "nobody read it"}


@click.command(
    epilog="\b\nExamples:\n  localfair licences\n  localfair licences 3f2a0c11d2e4 --json"
)
@click.argument("run", required=False)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def licences(run: str | None, db: Path, as_json: bool) -> None:
    """Show the licences of RUN's models and data, and what they say of training on replies.

    They are those that the cards said when the run began. Nothing of it is legal advice.
    """
    from localfair.record.licences import ledger
    from localfair.record.store import Store
    from localfair.report.findings import find_run

    with Store.open(db) as store:
        terms = ledger(store, find_run(store, run))
    if as_json:
        marks = {"non_commercial": terms.non_commercial, "forbidden": terms.forbidden}
        echo_json({**asdict(terms), **marks}, indent=2)
    else:
        _print(terms)


def _print(terms: Ledger) -> None:
    echo(f"run {terms.run} on {terms.task}")
    if not terms.models:
        echo("models: the run was begun before their terms were kept")
    for model in terms.models:
        echo(f"{model.role:9} {model.model}: {model.licence}")
        echo(
            f"{'':9} others may be trained on its replies: {MAY[model.may_train]} ({model.outputs})"
        )
    if not terms.data:
        echo("data: generated, no file and no licence")
    for data in terms.data:
        echo(f"data      {data.name}: {data.licence}")
    if terms.non_commercial:
        echo(f"for no commercial use: {', '.join(terms.non_commercial)}, and what learned from it")
    if terms.forbidden:
        echo(f"lessons although it is forbidden: by {', '.join(terms.forbidden)}")
