"""`localfair diff`: parse, ask `report.difference`, print it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.report.difference import ComparedRun, Difference, Flip

FLIPS = 20  # that are shown without --all
LETTERS = 70  # of a question, and of a setting's value


@click.command(epilog="\b\nExamples:\n  localfair diff 3f2a 91bc\n  localfair diff 3f2a 91bc --all")
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--all", "show_all", is_flag=True, help="Every question that flipped.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def diff(first: str, second: str, db: Path, show_all: bool, as_json: bool) -> None:
    """Compare two runs: the settings in which they differ, the accuracy of their last exams on test
    with a paired interval, and the questions that flipped.
    """
    from localfair.record.store import Store
    from localfair.report.difference import difference

    with Store.open(db) as store:
        found = difference(store, first, second)
    if as_json:
        echo_json(found.data(), indent=2)
    else:
        echo(*lines(found, None if show_all else FLIPS))


def lines(difference: Difference, most_flips: int | None) -> Iterator[str]:
    """The difference as text, with at most so many flips."""
    yield _side("first", difference.first)
    yield _side("second", difference.second)
    change = difference.change
    if change is None:
        yield "  change  no question of test was answered in both runs"
    else:
        low, high = change.interval
        yield (
            f"  change  {change.difference:+.1%}  [95% {low:+.1%} to {high:+.1%}]  "
            f"gained {change.gained}, lost {change.lost}, of {change.questions} that both answered, "
            f"exact McNemar p = {change.p:.2g}"
        )
        if change.note:
            yield f"          {change.note}"
    yield ""
    yield "settings that differ" if difference.settings else "no setting differs"
    width = max((len(setting.name) for setting in difference.settings), default=0)
    for setting in difference.settings:
        yield f"  {setting.name:{width}}  {_value(setting.first)} -> {_value(setting.second)}"
    flips = difference.flips[:most_flips]
    if flips:
        yield ""
        yield "questions that flipped: right in the second alone +, in the first alone -"
    for flip in flips:
        yield _flip(flip)
    more = len(difference.flips) - len(flips)
    if more:
        yield f"  and {more} more: --all"


def _side(name: str, side: ComparedRun) -> str:
    run = f"{name:6}  run {side.run}: {side.recipe} on {side.task}, seed {side.seed}"
    exam = side.exam
    if exam is None:
        return f"{run}; no exam on test"
    low, high = exam.interval
    return (
        f"{run}; {exam.step} {exam.right}/{exam.questions} right = {exam.accuracy:.1%}  "
        f"[95% {low:.1%} to {high:.1%}]"
    )


def _flip(flip: Flip) -> str:
    sign = "+" if flip.gained else "-"
    read = f"{_value(flip.first)} -> {_value(flip.second)}, answer {flip.gold}"
    return f"  {sign} {flip.question[:11]} ({flip.key})  {read}  {_short(flip.text)}"


def _value(text: str | None) -> str:
    return "none" if text is None else _short(text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LETTERS else f"{line[:LETTERS]}…"
