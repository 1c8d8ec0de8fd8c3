"""`localfair reviewers`: parse, ask `report.reviewers.reviewers`, print its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from localfair.cli.numbers import Share
from localfair.cli.show import span
from localfair.machine.terminal import echo, echo_json

Row = dict[str, Any]

EPILOG = """\b
Examples:
  localfair reviewers                                  every review in the record
  localfair reviewers --task svamp --precision 0.98
Wrong rationales are reviewed only with --set review.exhaustive=true; without them nobody can be told apart."""
REVIEWER_HEADING = (
    f"  {'who':28} {'mode':8} reviews unreadable  mean   for  right wrong  {'AUC [95 %]':23} "
    "tokens a review: read, written"
)


@click.command("reviewers", epilog=EPILOG)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--run", help="Only the reviews of this run.")
@click.option("--task", help="Only the reviews of this task.")
@click.option(
    "--precision",
    type=Share(),
    default=0.95,
    show_default=True,
    help="The share of right answers among accepted rationales that the suggestion aims at.",
)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def reviewers(db: Path, run: str | None, task: str | None, precision: float, as_json: bool) -> None:
    """What the reviewers are worth: leniency, AUC against the answer check, cost, agreement,
    where to set the gate.
    """
    from localfair.record.store import Store
    from localfair.report import reviewers as report

    with Store.open(db) as store:
        worth = report.reviewers(store, run, task, precision)
    if as_json:
        echo_json(worth, indent=2)
    else:
        echo(*lines(worth))


def lines(worth: dict[str, Any]) -> list[str]:
    """The tables as text."""
    tables = [
        [f"{worth['reviews']} reviews"],
        _reviewers("reviewers", worth["reviewers"]),
        *_both_modes(worth),
        _agreement(worth["agreement"]),
        _committee(worth["committee"]),
        _gate(worth["gate"]),
        [worth["suggestion"]],
    ]
    text: list[str] = []
    for table in tables:
        if table:
            text += [*table, ""]
    return text[:-1]


def _with_span(value: float | None, interval: Sequence[float] | None, form: str) -> str:
    """A number with its interval; a dash for none."""
    if value is None:
        return "-"
    return f"{value:{form}} {span(interval, form)}"


def _reviewers(title: str, rows: list[Row]) -> list[str]:
    return [title, REVIEWER_HEADING, *(_reviewer(row) for row in rows)]


def _reviewer(row: Row) -> str:
    mean = "-"
    share_for = "-"
    if row["mean"] is not None:
        mean = f"{row['mean']:.2f}"
        share_for = f"{row['for']:.0%}"
    area = _with_span(row["auc"], row["auc_interval"], ".2f")
    return (
        f"  {row['reviewer']:28} {row['mode']:8} {row['reviews']:7} {row['unreadable']:10} {mean:>5} {share_for:>5}"
        f" {row['right']:6} {row['wrong']:5}  {area:22} {row['prompt_tokens']:6.0f} {row['written_tokens']:8.0f}"
    )


def _both_modes(worth: dict[str, Any]) -> list[list[str]]:
    """The two tables of direct beside reasoned; none when nobody reviewed in both modes."""
    if not worth["modes"]:
        return []
    differences = ["AUC with reasons less AUC without, paired [95 %]"]
    for row in worth["differences"]:
        change = _with_span(row["difference"], row["interval"], "+.2f")
        differences.append(f"  {row['reviewer']:28} {change}")
    return [_reviewers("direct and reasoned, on the same rationales", worth["modes"]), differences]


def _agreement(rows: list[Row]) -> list[str]:
    if not rows:
        return []
    table = ["both for or both against     common  agree"]
    for row in rows:
        pair = f"{row['one']} and {row['other']}"
        table.append(f"  {row['mode']:8} {pair}  {row['common']}  {row['agree']:.0%}")
    return table


def _committee(rows: list[Row]) -> list[str]:
    table = ["AUC of the mean over an explanation's reviewers, which the gate looks at [95 %]"]
    for row in rows:
        area = _with_span(row["auc"], row["auc_interval"], ".2f")
        table.append(f"  {row['mode']:8} {area}")
    return table


def _gate(rows: list[Row]) -> list[str]:
    table = ["  gate     mean above  accepted  coverage  answers right [95 %]"]
    for row in rows:
        share = _with_span(row["precision"], row["interval"], ".1%")
        table.append(
            f"  {row['mode']:8} {row['mean_above']:10g} {row['accepted']:9} {row['coverage']:9.1%}  {share}"
        )
    return table
