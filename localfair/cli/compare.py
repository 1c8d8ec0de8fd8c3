"""`localfair compare`: parse, call `compare.compare`, print its tables."""

from __future__ import annotations

import json
from typing import Any

import click

from localfair.cli.run import OPTIONS
from localfair.cli.show import span

EPILOG = """\b
Examples:
  localfair compare --task svamp --student smollm2-135m-instruct --teacher A --teacher B --budget-tokens 200000 \\
      fair "fair --set review.enabled=false" single-teacher answers-only
  localfair compare --seeds 0,1,2 --lessons 50 ... fair "fair --set teachers=[0,1]"

A VARIANT is a recipe, or a recipe and its --set in quotes; a --set outside the quotes is for
everybody whose recipe has the step it names."""


def _seeds(_: click.Context, __: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        found = tuple(int(word) for word in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no list of seeds such as 0,1,2") from error
    return tuple(dict.fromkeys(found))


def command(function: Any) -> click.Command:
    """A command with `run`'s options, seeds in the place of its seed."""
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
            type=click.IntRange(1),
            help="Teacher tokens, read and written, for each.",
        ),
        click.option(
            "--lessons", type=click.IntRange(1), help="At most so many lessons for each, instead."
        ),
        *reversed(OPTIONS[1:]),
    ):
        function = option(function)
    made = click.command("compare", epilog=EPILOG)(function)
    made.params = [p for p in made.params if p.name != "seed"]
    return made


@command
def compare(**options: Any) -> None:
    """Run every VARIANT on the same task, student and seeds at an equal budget; compare them by question."""
    from localfair.cli.show import Watch, say
    from localfair.pipeline.compare import ask
    from localfair.pipeline.compare import compare as compare_all
    from localfair.pipeline.orders import RunOptions, fetch_missing

    fetch = options.pop("fetch")
    as_json = options.pop("as_json")
    variants = options.pop("variants")
    seeds = options.pop("seeds")
    budget_tokens = options.pop("budget_tokens")
    lessons = options.pop("lessons")
    chosen = RunOptions(**options)
    asked = ask(variants, seeds, chosen, budget_tokens=budget_tokens, lessons=lessons)
    if fetch:
        for orders in asked.orders.values():
            fetch_missing(orders[0], say)
    with Watch() as watch:
        found = compare_all(asked, say=watch.say, progress=watch.progress)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))


def lines(found: dict[str, Any]) -> list[str]:
    """The comparison as text: a row per variant and seed, then what the seeds say together."""
    width = max(len(row["variant"]) for row in found["rows"])
    out = [
        f"  {'variant':{width}} seed  before   after [95 %]           unread  change, p            "
        "against the first [95 %], p      questions lessons accepted  tokens asked  written  asked, trained"
    ]
    for r in found["rows"]:
        out.append(
            f"  {r['variant']:{width}} {r['seed']:4} {r['before']['accuracy']:7.1%} {r['after']['accuracy']:7.1%} "
            f"{span(r['after']['interval']):16} {r['after']['unreadable'] / r['after']['questions']:6.1%}  "
            f"{r['change']['difference']:+6.1%}, {r['change']['p']:<8.2g}  {_against(r['against_first']):32} "
            f"{r['train_questions']:9} {r['lessons']:7} {_share(r['accepted']):>8} {r['teacher_tokens']:13} "
            f"{r['written_tokens']:8}  {r['teacher_seconds']:.0f} s, {r['train_seconds']:.0f} s"
        )
    if found["summary"][0]["seeds"] > 1:
        out += [
            "",
            f"  {'over seeds':{width}} seeds  before   after  deviation  lowest to highest  against the first",
        ]
        out += [_summary(row, width) for row in found["summary"]]
    return [*out, "", f"{_budget(found['asked'])}; comparison {found['id']}"]


def _summary(row: dict[str, Any], width: int) -> str:
    versus = row["against_first"]
    against = f"{versus['difference']:+.1%} {span(versus['interval'], '+.1%')}" if versus else "-"
    return (
        f"  {row['variant']:{width}} {row['seeds']:5} {row['before']:7.1%} {row['after']:7.1%} {row['deviation']:10.1%}"
        f"  {row['lowest']:.1%} to {row['highest']:.1%}    {against}"
    )


def _budget(asked: dict[str, Any]) -> str:
    if asked["budget_tokens"]:
        return f"each at most {asked['budget_tokens']} teacher tokens, read and written"
    if asked["lessons"]:
        return f"each at most {asked['lessons']} lessons"
    return "no equal budget: each took the same train questions"


def _against(change: dict[str, Any] | None) -> str:
    return (
        f"{change['difference']:+.1%} {span(change['interval'], '+.1%')}, {change['p']:.2g}"
        if change
        else "-"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
