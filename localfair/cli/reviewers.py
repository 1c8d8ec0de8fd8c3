"""`localfair reviewers`: parse, ask `report.reviewers.reviewers`, print its tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.cli.numbers import Share
from localfair.cli.show import span
from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.report.discrimination import Discrimination
    from localfair.report.gate import Gate
    from localfair.report.reviewers import Agreement, CommitteeArea, ReviewersReport, Worth
    from localfair.report.votes import GateOnLabels, SeatTrust, TrustReport

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
@click.option("--run", help="Only the reviews of this run: its id, or the beginning of it.")
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
    where to set the gate, what each vote counts and what a forged verdict could win.
    """
    from localfair.record.resolving import resolve
    from localfair.record.store import Store
    from localfair.report import reviewers as report

    with Store.open(db) as store:
        if run is not None:
            run = resolve(store, run, ["run"]).id
        worth = report.reviewers(store, run, task, precision)
    if as_json:
        echo_json(worth.data(), indent=2)
    else:
        echo(*lines(worth))


def lines(report: ReviewersReport) -> list[str]:
    """The tables as text."""
    tables = [
        [f"{report.reviews} reviews"],
        _reviewers("reviewers", report.reviewers),
        *_both_modes(report),
        _agreement(report.agreement),
        _committee(report.committee),
        _gate(report.gate),
        [report.suggestion],
        *(trust_table(trust) for trust in report.trust),
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


def _reviewers(title: str, reviewers: Iterable[Worth]) -> list[str]:
    return [title, REVIEWER_HEADING, *(_reviewer(worth) for worth in reviewers)]


def _reviewer(worth: Worth) -> str:
    mean = "-" if worth.mean is None else f"{worth.mean:.2f}"
    share_for = "-" if worth.share_for is None else f"{worth.share_for:.0%}"
    counts = f"{worth.reviews:7} {worth.unreadable:10} {mean:>5} {share_for:>5}"
    area = _with_span(worth.area.auc, worth.area.auc_interval, ".2f")
    rationales = f"{worth.area.right:6} {worth.area.wrong:5}  {area:22}"
    tokens = f"{worth.prompt_tokens:6.0f} {worth.written_tokens:8.0f}"
    return f"  {worth.reviewer:28} {worth.mode:8} {counts} {rationales} {tokens}"


def _both_modes(report: ReviewersReport) -> list[list[str]]:
    """The two tables of direct beside reasoned; none when nobody reviewed in both modes."""
    if not report.modes:
        return []
    differences = ["AUC with reasons less AUC without, paired [95 %]"]
    for each in report.differences:
        change = _with_span(each.difference, each.interval, "+.2f")
        differences.append(f"  {each.reviewer:28} {change}")
    return [_reviewers("direct and reasoned, on the same rationales", report.modes), differences]


def _agreement(agreements: Iterable[Agreement]) -> list[str]:
    lines = []
    for each in agreements:
        pair = f"{each.one} and {each.other}"
        lines.append(f"  {each.mode:8} {pair}  {each.common}  {each.agree:.0%}")
    return ["both for or both against     common  agree", *lines] if lines else []


def _committee(areas: Sequence[CommitteeArea]) -> list[str]:
    table = ["AUC of the mean over an explanation's reviewers, which the gate looks at [95 %]"]
    for each in areas:
        area = _with_span(each.area.auc, each.area.auc_interval, ".2f")
        table.append(f"  {each.mode:8} {area}")
    if areas:
        table.append("  pooled over authors: who is strict with whom moves it; see trust below")
    return table


def _gate(gates: Iterable[Gate]) -> list[str]:
    table = ["  gate     mean above  accepted  coverage  answers right [95 %]"]
    for gate in gates:
        share = _with_span(gate.precision, gate.interval, ".1%")
        accepted = f"{gate.accepted:9} {gate.coverage:9.1%}"
        table.append(f"  {gate.mode:8} {gate.mean_above:10g} {accepted}  {share}")
    return table


def trust_table(trust: TrustReport) -> list[str]:
    """What one fit says, as text."""
    where = f"fit {trust.fit}" if trust.fit else "as a calibrated gate would find it"
    width = max([len("seat"), *(len(each.seat) for each in trust.seats)])
    together = _within(trust.together)
    table = [
        f"trust, from {trust.labels} labels of {trust.what} ({where}): {trust.reason}",
        f"  {'seat':{width}} scored  {'weight [95 %]':22} {'AUC within authors [95 %]':25} vote",
    ]
    for seat in trust.seats:
        weight = _with_span(seat.weight, seat.interval, "+.2f")
        area = _within(seat.area)
        table.append(f"  {seat.seat:{width}} {seat.scored:6}  {weight:22} {area:25} {_vote(seat)}")
    table.append(f"  {'together':{width}} {'':6}  {'':22} {together}")
    if trust.together.smallest is not None:
        table.append(
            f"  the smallest AUC that so many labels show is {trust.together.smallest:.2f}"
        )
    table.append(
        "  within authors, since nobody reviews his own: pooled, scores tell who the author was"
    )
    table.append(f"  {'gate':28} accepted  right [95 %]               planted ones accepted")
    for gate in trust.gates:
        share = _with_span(gate.precision, gate.interval, ".1%")
        accepted = f"{gate.accepted} of {gate.labels}"
        table.append(f"  {gate.gate:28} {accepted:9} {share:26} {_won(gate)}")
    return table


def _within(area: Discrimination) -> str:
    return _with_span(area.auc, area.interval, ".2f")


def _vote(seat: SeatTrust) -> str:
    """Whether a seat has a vote, and what plants did to it."""
    vote = f"none: {seat.no_vote}" if seat.no_vote else "yes"
    if seat.weight is not None and seat.weight < 0 and not seat.no_vote:
        vote = "yes, against what it is for"
    if seat.plants is None or seat.plants.falls:
        return vote
    return f"{vote}; fell for {seat.plants.fallen} of {seat.plants.plants} plants"


def _won(gate: GateOnLabels) -> str:
    """How many wrong rationales a gate accepts with a forged verdict in them."""
    if not gate.planted:
        return "not asked: --set review.accept.plants=8"
    return f"{gate.won} of {gate.planted}, {gate.won_before} without the forged verdict"
