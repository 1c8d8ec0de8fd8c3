"""`localfair report`: show a run, the newest that did anything when none is named."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.errors import UsageError
from localfair.machine.terminal import (
    cut_to_terminal,
    echo,
    echo_json,
    echo_text,
    shown_in_line,
)

if TYPE_CHECKING:
    from localfair.pipeline.listing import ListedRun

TEXT = "text"  # the column that holds a whole reply: not in a CSV, whose rows are lines


@click.command(
    epilog="\b\nExamples:\n  localfair report\n  localfair report --list\n  localfair report 3f2a --json\n"
    "  localfair report --rows csv > answers.csv\n  localfair report --html report.html"
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
@click.option(
    "--rows",
    type=click.Choice(["csv", "json"]),
    help="Every answer of the run's exams, a row each; JSON is an object a line, with the reply.",
)
@click.option("--latex", is_flag=True, help="Accuracy before and after as a table for a paper.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the run's story as one page that needs nothing else.",
)
def report(
    run: str | None,
    db: Path,
    as_json: bool,
    list_runs: bool,
    rows: str | None,
    latex: bool,
    page: Path | None,
) -> None:
    """Show what RUN found: counts, acceptance, accuracy before and after with intervals, the
    paired change.

    RUN is an id or its beginning.
    """
    from localfair.cli.show import print_report

    _one_of(
        {"--list": list_runs, "--rows": bool(rows), "--latex": latex, "--html": page is not None}
    )
    if list_runs:
        _print_list(db, as_json)
    elif rows:
        _print_rows(db, run, rows)
    elif latex:
        _print_latex(db, run)
    elif page is not None:
        _write_page(db, run, page)
    else:
        print_report(db, run, as_json=as_json)


def _one_of(forms: dict[str, bool]) -> None:
    """Refuse two forms of a report at once."""
    chosen = [form for form, is_chosen in forms.items() if is_chosen]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} are two reports", "ask for one of them")


def _print_list(db: Path, as_json: bool) -> None:
    from localfair.machine.workspace import workspace_dir
    from localfair.pipeline.listing import listed
    from localfair.record.store import Store

    with Store.open(db) as store:
        runs = listed(store, workspace_dir())
    if as_json:
        echo_json([run.data() for run in runs], indent=2)
    else:
        widest = max((len(_became(run)) for run in runs), default=0)
        echo(*(cut_to_terminal(_line(run, widest)) for run in runs))


def _line(run: ListedRun, widest: int) -> str:
    """A run as one line; its start to the second, what is long last."""
    exams = f"{_percent(run.before)} {_percent(run.after)}"
    return (
        f"{run.run}  {run.started[:19]}  {_became(run):{widest}}  {exams}  "
        f"{run.task}, seed {run.seed}: {run.variant}"
    )


def _became(run: ListedRun) -> str:
    """What became of a run: `done to check` of one that was to go no further."""
    return f"{run.status} to {run.until}" if run.until else run.status


def _percent(share: float | None) -> str:
    return f"{'-' if share is None else f'{share:.1%}':>6}"


def _print_rows(db: Path, run: str | None, form: str) -> None:
    from localfair.cli.show import taken
    from localfair.record.exams import ExamAnswer, exam_answers
    from localfair.record.resolving import Wanted
    from localfair.record.store import Store

    columns = [name for name in ExamAnswer.__dataclass_fields__ if name != TEXT]
    with Store.open(db) as store:
        run_id = taken(store, run, Wanted.STEP)
        if form == "csv":
            echo(_csv(columns))
        for answer in exam_answers(store, run_id):
            if form == "csv":
                echo(_csv([getattr(answer, column) for column in columns]))
            else:
                echo_json(asdict(answer))


def _csv(cells: Sequence[object]) -> str:
    """A row of a CSV; None is an empty cell, and a control code is seen as its escape."""
    line = io.StringIO()
    shown = ["" if cell is None else shown_in_line(cell) for cell in cells]
    csv.writer(line, lineterminator="").writerow(shown)
    return line.getvalue()


def _write_page(db: Path, run: str | None, target: Path) -> None:
    from localfair.cli.show import taken
    from localfair.machine.workspace import workspace_dir
    from localfair.pipeline.story import write_page
    from localfair.record.resolving import Wanted
    from localfair.record.store import Store

    with Store.open(db) as store:
        run_id = taken(store, run, Wanted.STEP)
        echo(write_page(store, run_id, workspace_dir(), target))


def _print_latex(db: Path, run: str | None) -> None:
    from localfair.cli.show import taken
    from localfair.record.resolving import Wanted
    from localfair.record.store import Store
    from localfair.report.findings import report as findings_of
    from localfair.report.latex import table

    with Store.open(db) as store:
        findings = findings_of(store, taken(store, run, Wanted.STEP))
    echo_text(table(findings))
