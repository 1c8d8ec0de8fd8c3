"""`localfair plan`: parse, call `plan.plan`, print its table."""

from __future__ import annotations

import json
from typing import Any

import click

from localfair.cli.run import command


@command("plan", "Show what `run RECIPE` would ask, load, take and last; nothing is started.")
def plan(**options: Any) -> None:
    from localfair.pipeline.orders import RunOptions, order
    from localfair.pipeline.plan import plan as plan_of

    as_json = options.pop("as_json")
    options.pop("fetch")
    recipe = options.pop("recipe")
    planned = plan_of(order(recipe, RunOptions(**options)))
    click.echo(json.dumps(planned.data(), indent=2) if as_json else "\n".join(lines(planned)))


def lines(found: Any) -> list[str]:
    """The plan as text; `+N` is what may come on top once the steps before have answered."""
    out = [
        "step            model                         engine            recorded   calls      +  read tokens  written"
    ]
    trained = {row["after_lines"]: row for row in found.training}
    for at, line in enumerate([*found.lines, None]):
        if row := trained.get(at):
            state = (
                "trained already"
                if row["trained"]
                else f"at most {row['steps']} steps  {_time(row['seconds'])}"
            )
            out.append(f"{row['step']:15} {row['lessons']} lessons (+{row['more']}), {state}")
        if line is not None:
            out.append(
                f"{line.step:15} {line.model:29} {line.engine:17} {line.recorded:8} {line.calls:7} {line.more:6}"
                f" {line.prompt_tokens:12} {line.reply_tokens:8}  {_time(line.seconds)}"
            )
    data = found.data()
    out += [
        "",
        f"calls     {data['calls']} and at most {data['more']} more; {data['recorded']} are in the record",
        f"loads     at most {found.loads}",
        f"memory    {_gib(found.memory)} for the largest model served, {_gib(found.memory_here)} free here"
        + (": too little" if found.memory > found.memory_here else ""),
        f"disk      {found.disk / 2**20:.1f} MiB of record, {_gib(found.disk_here)} free here",
        f"time      {_time(found.seconds)} for the calls",
    ]
    if found.unmeasured:
        names = [name.removesuffix(")").partition("/")[0].split(" (") for name in found.unmeasured]
        out += [
            f"          never measured here: localfair bench {name} --engine {engine}"
            for name, engine in names
        ]
    return out


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
