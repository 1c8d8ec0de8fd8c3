"""`localfair coverage`: parse, call `coverage.coverage`, print its table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localfair.cli.numbers import BATCH, COUNT, TOKENS
from localfair.cli.run import ENGINE_NAMES
from localfair.cli.show import span
from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.report.coverage import Coverage, Solver

EPILOG = """\b
Examples:
  localfair coverage --task svamp --data SVAMP.json --teacher A --teacher B
  localfair coverage --task mixed --teacher A --teacher B --teacher C --questions 200
Every answer is recorded: the same command again asks nobody."""


@click.command("coverage", epilog=EPILOG)
@click.option("--task", required=True, help="A task's name; see `localfair tasks list`.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The task's files, as their authors publish them.",
)
@click.option("--teacher", "teachers", multiple=True, help="Who answers; repeat for each.")
@click.option(
    "--questions",
    "train_limit",
    type=COUNT,
    default=100,
    show_default=True,
    help="The first N train questions.",
)
@click.option(
    "--max-tokens", type=TOKENS, default=320, show_default=True, help="Of an answer, at most."
)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option(
    "--engine",
    help=f"The teachers' engine: {ENGINE_NAMES}. Default: the usual one of each model.",
)
@click.option(
    "--batch", type=BATCH, default=16, show_default=True, help="Sequences decoded at once."
)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def coverage(max_tokens: int, as_json: bool, **options: Any) -> None:
    """How many train questions the best teacher solves, and how many more anybody does.

    Where nobody adds to the best one, a committee cannot win by coverage.
    """
    from localfair.cli.show import Watch
    from localfair.pipeline.coverage import ask
    from localfair.pipeline.coverage import coverage as measure
    from localfair.pipeline.orders import RunOptions

    order = ask(RunOptions(**options), max_tokens=max_tokens)
    with Watch() as watch:
        measured = measure(order, say=watch.say, progress=watch.progress)
    if as_json:
        echo_json(measured.data(), indent=2)
    else:
        echo(*lines(measured, order.train_limit or measured.questions))


def lines(coverage: Coverage, wanted: int) -> list[str]:
    """The table as text, and in a line what it means for a committee.

    `wanted` is how many questions were to be asked: where there are fewer, that is said.
    """
    all_there_are = ", all there are" if coverage.questions < wanted else ""
    width = max(len(solver.who) for solver in (*coverage.teachers, coverage.together))
    shown = [
        f"{coverage.questions} train questions of {coverage.task}{all_there_are}",
        f"  {'who':{width}}  right           sound      unreadable  tokens read and written  "
        "per right answer",
    ]
    for solver in (*coverage.teachers, coverage.together):
        shown.append(_solver(solver, coverage.questions, width))
    low, high = coverage.interval
    more = coverage.more / coverage.questions
    shown.append(
        f"union less best ({coverage.best}): {coverage.more} questions, {more:.1%} "
        f"{span((low, high))}"
    )
    return [*shown, _meaning(coverage)]


def _solver(solver: Solver, questions: int, width: int) -> str:
    right = f"{solver.right:5} = {solver.right / questions:6.1%}"
    sound = f"{solver.sound} of {solver.followed}" if solver.followed else "-"
    each = "-" if solver.tokens_each is None else f"{solver.tokens_each:.0f}"
    counts = f"{right} {sound:>10}  {solver.unreadable:10}"
    return f"  {solver.who:{width}}  {counts}  {solver.tokens:23}  {each:>16}"


def _meaning(coverage: Coverage) -> str:
    if not coverage.can_win:
        return (
            "the interval holds 0: a committee of these cannot win by coverage here; "
            f"ask {coverage.best} alone, or seat models that know other things"
        )
    return f"the others solve what {coverage.best} does not: a committee can win by coverage here"
