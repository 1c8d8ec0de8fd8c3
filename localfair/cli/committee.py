"""`localfair committee`: parse, call `diagnose.diagnose`, print its tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from localfair.cli.show import span

EPILOG = """\b
Examples:
  localfair committee                                  every review in the record
  localfair committee --task svamp --precision 0.98
Wrong rationales are reviewed only with --set review.exhaustive=true; without them nobody can be told apart."""


@click.command("committee", epilog=EPILOG)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--run", help="Only the reviews of this run.")
@click.option("--task", help="Only the reviews of this task.")
@click.option(
    "--precision",
    type=click.FloatRange(0, 1),
    default=0.95,
    show_default=True,
    help="The share of right answers among accepted rationales that the suggestion aims at.",
)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def committee(db: Path, run: str | None, task: str | None, precision: float, as_json: bool) -> None:
    """What the reviewers are worth: leniency, AUC against the answer check, cost, agreement, where to set the gate."""
    from localfair.record.store import Store
    from localfair.report.reviews import diagnose

    with Store.open(db) as store:
        found = diagnose(store, run, task, precision)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))


def lines(found: dict[str, Any]) -> list[str]:
    """The tables as text."""
    out = [f"{found['reviews']} reviews", "", *_reviewers("reviewers", found["reviewers"])]
    if found["modes"]:
        out += ["", *_reviewers("direct and reasoned, on the same rationales", found["modes"])]
        out += ["", "AUC with reasons less AUC without, paired [95 %]"]
        out += [
            f"  {row['reviewer']:28} {_with_span(row['difference'], row['interval'], '+.2f')}"
            for row in found["differences"]
        ]
    if found["agreement"]:
        out += ["", "both for or both against     common  agree"]
        out += [
            f"  {row['mode']:8} {row['one']} and {row['other']}  {row['common']}  {row['agree']:.0%}"
            for row in found["agreement"]
        ]
    out += ["", "AUC of the mean over an explanation's reviewers, which the gate looks at [95 %]"]
    out += [
        f"  {row['mode']:8} {_with_span(row['auc'], row['auc_interval'], '.2f')}"
        for row in found["committee"]
    ]
    out += ["", "  gate     mean above  accepted  coverage  answers right [95 %]"]
    for row in found["gate"]:
        share = _with_span(row["precision"], row["interval"], ".1%")
        out.append(
            f"  {row['mode']:8} {row['mean_above']:10g} {row['accepted']:9} {row['coverage']:9.1%}  {share}"
        )
    return [*out, "", found["suggestion"]]


def _with_span(value: float | None, interval: Sequence[float] | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}} {span(interval, form)}"


def _reviewers(title: str, rows: list[dict[str, Any]]) -> list[str]:
    out = [
        title,
        f"  {'who':28} {'mode':8} reviews unreadable  mean   for  right wrong  AUC [95 %]              "
        "tokens a review: read, written",
    ]
    for row in rows:
        mean, share = (
            ("-", "-") if row["mean"] is None else (f"{row['mean']:.2f}", f"{row['for']:.0%}")
        )
        area = _with_span(row["auc"], row["auc_interval"], ".2f")
        out.append(
            f"  {row['reviewer']:28} {row['mode']:8} {row['reviews']:7} {row['unreadable']:10} {mean:>5} {share:>5}"
            f" {row['right']:6} {row['wrong']:5}  {area:22} {row['prompt_tokens']:6.0f} {row['written_tokens']:8.0f}"
        )
    return out
