"""`localfair licences`: whose terms what a run made is under."""

from __future__ import annotations

from pathlib import Path

import click

from localfair.machine.terminal import echo, echo_json


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
    from localfair.report.terms import lines

    with Store.open(db) as store:
        terms = ledger(store, find_run(store, run))
    if as_json:
        echo_json(terms.as_data(), indent=2)
    else:
        echo(f"run {terms.run} on {terms.task}", *lines(terms))
