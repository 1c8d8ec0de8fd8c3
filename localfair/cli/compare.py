"""`localfair compare`: parse, call `compare.compare`, print its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localfair.cli.numbers import BUDGET, COUNT, FLOPS, SEEDS
from localfair.cli.run import OPTIONS
from localfair.cli.show import span
from localfair.errors import UsageError
from localfair.machine.terminal import echo, echo_json
from localfair.pipeline.equal import Equal

if TYPE_CHECKING:
    from localfair.pipeline.compare import Comparison
    from localfair.pipeline.comparison import SeedsDifference, VariantRun, VariantSummary
    from localfair.report.statistics import Change

EPILOG = """\b
Examples:
  localfair compare --task svamp --student smollm2-135m-instruct --teacher A --teacher B --budget-tokens 200000 \\
      fair "fair --set review.enabled=false" single-teacher answers-only untrained format-only
  localfair compare show                               the last comparison again; or `compare show ID`
  localfair compare --seeds 0,1,2 --lessons 50 ... fair "fair --set teachers=[0,1]"

A VARIANT is a recipe, or a recipe and its --set in quotes; a --set outside the quotes is for
everybody whose recipe has the step it names. Two belong into every table: `untrained`, the student
as it is, and `format-only`, ten steps on single-teacher's lessons."""
SHOW = "show"


def _seeds(_: click.Context, __: click.Parameter, value: str) -> tuple[int, ...]:
    """`0,1,2` as numbers, each once."""
    try:
        seeds = [int(word) for word in value.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"{value[:60]!r} is no list of seeds such as 0,1,2") from error
    if any(seed not in SEEDS for seed in seeds):
        raise click.BadParameter(f"a seed is a number from {SEEDS.start} to {SEEDS.stop - 1}")
    return tuple(dict.fromkeys(seeds))


def command(function: Callable[..., None]) -> click.Command:
    """A command with `run`'s options, variants in the place of its recipe and seeds of its seed."""
    options_of_run = OPTIONS[1:]  # the first is the recipe
    for option in (
        click.argument("variants", metavar="VARIANT...", nargs=-1, required=True),
        click.option(
            "--seeds",
            default="0",
            show_default=True,
            callback=_seeds,
            help="Run everything once for each.",
        ),
        click.option(
            "--budget-tokens",
            type=BUDGET,
            help="Teacher tokens, read and written, for each.",
        ),
        click.option(
            "--budget-flops",
            type=FLOPS,
            help="Teacher FLOPs for each, 2 a parameter and token, instead.",
        ),
        click.option(
            "--on",
            type=click.Choice(["dev", "test"]),
            default="test",
            show_default=True,
            help="The split of the exams before and after: designs are chosen on dev.",
        ),
        click.option("--lessons", type=COUNT, help="At most so many lessons for each, instead."),
        *reversed(options_of_run),
    ):
        function = option(function)
    compare_command = click.command("compare", epilog=EPILOG)(function)
    compare_command.params = [
        parameter for parameter in compare_command.params if parameter.name != "seed"
    ]
    return compare_command


@command
def compare(**options: Any) -> None:
    """Run every VARIANT on the same task, student and seeds at an equal budget; compare them by
    question. `compare show` prints a comparison that was made.
    """
    from localfair.cli.show import Watch, say
    from localfair.pipeline.compare import ask
    from localfair.pipeline.compare import compare as run_and_compare
    from localfair.pipeline.orders import RunOptions, fetch_missing

    fetch = options.pop("fetch")
    as_json = options.pop("as_json")
    variants = options.pop("variants")
    seeds = options.pop("seeds")
    budget_tokens = options.pop("budget_tokens")
    budget_flops = options.pop("budget_flops")
    lessons = options.pop("lessons")
    on = options.pop("on")
    if variants[0] == SHOW:
        _show(variants[1:], options["db"], as_json)
        return
    chosen = RunOptions(**options)
    flops = None if budget_flops is None else int(budget_flops)
    asked = ask(variants, seeds, chosen, Equal(budget_tokens, flops, lessons, on))
    if fetch:
        for orders in asked.orders.values():
            fetch_missing(orders[0], say)
    with Watch() as watch:
        comparison = run_and_compare(asked, say=watch.say, progress=watch.progress)
    if as_json:
        echo_json(comparison.data(), indent=2)
        return
    echo(*lines(comparison))


def _show(words: Sequence[str], db: Path, as_json: bool) -> None:
    """Print a recorded comparison: the one named, or the newest."""
    from localfair.pipeline.comparison import recorded
    from localfair.record.store import Store

    if len(words) > 1:
        raise UsageError("`compare show` shows one comparison", "give one id, or none")
    with Store.open(db) as store:
        found = recorded(store, words[0] if words else None)
    if as_json:
        echo_json({"id": found.id, **found.found}, indent=2)
        return
    echo(*table(found.variant_runs(), found.summary(), _what(found.equal(), found.id)))


def lines(comparison: Comparison) -> list[str]:
    """A comparison as text."""
    what = _what(comparison.asked.equal, comparison.id)
    return table(comparison.rows, comparison.summary, what)


def table(
    runs: Sequence[VariantRun],
    summaries: Sequence[VariantSummary],
    what: str,
) -> list[str]:
    """A line per variant and seed, what the seeds show together, and `what` was compared."""
    width = max(len(run.variant) for run in runs)
    shown = [
        f"  {'variant':{width}} seed  before   after [95 %]           unread  change, p            "
        "against the first [95 %], p      questions lessons accepted  tokens asked  written  "
        "FLOPs    student tokens: asked  trained  steps  asked, sampled, trained"
    ]
    shown += [_run(run, width) for run in runs]
    if summaries[0].seeds > 1 or len(summaries) > 2:
        shown += [
            "",
            f"  {'over seeds':{width}} seeds  before   after  deviation  by seed               "
            "against the first, p over questions, by Holm",
        ]
        shown += [_summary(summary, width) for summary in summaries]
    notes = dict.fromkeys(run.change.note for run in runs if run.change)
    shown += [f"  {note}" for note in notes if note]
    return [*shown, "", what]


def _run(run: VariantRun, width: int) -> str:
    unread = run.after.unreadable / run.after.questions
    exams = (
        f"{run.before.accuracy:7.1%} {run.after.accuracy:7.1%} {span(run.after.interval):16} "
        f"{unread:6.1%}"
    )
    change = f"{run.change.difference:+6.1%}, {run.change.p:<8.2g}" if run.change else f"{'-':16}"
    lessons = f"{run.train_questions:9} {run.lessons:7} {_share(run.accepted):>8}"
    tokens = f"{run.teacher_tokens:13} {run.written_tokens:8}  {_flops(run.teacher_flops):7}"
    student = f"{run.student_tokens:21} {run.trained_tokens:8} {run.steps:6}"
    times = f"{run.teacher_seconds:.0f} s, {run.student_seconds:.0f} s, {run.train_seconds:.0f} s"
    name = f"{run.variant:{width}} {run.seed:4}"
    against = _against(run.against_first)
    return f"  {name} {exams}  {change}  {against:32} {lessons} {tokens} {student}  {times}"


def _summary(summary: VariantSummary, width: int) -> str:
    name = f"{summary.variant:{width}} {summary.seeds:5}"
    deviation = "-" if summary.deviation is None else f"{summary.deviation:.1%}"
    means = f"{summary.before:7.1%} {summary.after:7.1%} {deviation:>10}"
    by_seed = ", ".join(f"{seed}: {share:.1%}" for seed, share in summary.by_seed.items())
    against = _difference(summary.against_first)
    if summary.against_first is not None:
        claim = summary.against_first
        against += f", {claim.permutation:.2g}, {claim.holm:.2g}"
    return f"  {name} {means}  {by_seed:20}  {against}"


def _flops(flops: int | None) -> str:
    return "-" if flops is None else f"{flops:.2g}"


def _what(equal: Equal, comparison: str) -> str:
    return f"on {equal.on}; {_budget(equal)}; comparison {comparison}"


def _budget(equal: Equal) -> str:
    if equal.tokens:
        return f"each at most {equal.tokens} teacher tokens, read and written"
    if equal.flops:
        return f"each at most {equal.flops:.3g} teacher FLOPs, 2 a parameter and token"
    if equal.lessons:
        return f"each at most {equal.lessons} lessons"
    return "no equal budget: each took the same train questions"


def _against(change: Change | None) -> str:
    """The difference from the first variant with its p; `-` for the first itself."""
    if change is None:
        return "-"
    return f"{_difference(change)}, {change.p:.2g}"


def _difference(change: Change | SeedsDifference | None) -> str:
    if change is None:
        return "-"
    return f"{change.difference:+.1%} {span(change.interval, '+.1%')}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
