"""`localfair plan`: parse, call `plan.plan`, print its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localfair.cli.panel import duration
from localfair.cli.run import RAY, command
from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localfair.pipeline.plan import Line, Planned, Training

GIB = 2**30
MIB = 2**20
HEAD = (
    "step            model                         engine            recorded   calls      +"
    "  read tokens  written"
)


@command("plan", "Show what `run RECIPE` would ask, load, take and last; nothing is started.")
@RAY[0]
@RAY[1]
@RAY[2]
def plan(**options: Any) -> None:
    from localfair.pipeline.orders import RunOptions, order
    from localfair.pipeline.plan import plan as make_plan

    as_json = options.pop("as_json")
    options.pop("fetch")  # nothing is fetched for a plan
    recipe = options.pop("recipe")
    planned = make_plan(order(recipe, RunOptions(**options)))
    if as_json:
        echo_json(planned.data(), indent=2)
    else:
        echo(*lines(planned))


def lines(planned: Planned) -> list[str]:
    """The plan as text; `+N` is what may come on top once the steps before have answered."""
    table = [HEAD, *_steps(planned)]
    if planned.cluster:
        table += ["", *_placement(planned)]
    return [*table, "", *_totals(planned), *_unmeasured(planned), *planned.notes]


def _steps(planned: Planned) -> Iterator[str]:
    """A line for each step that asks, and one for each train step, in the order of the run."""
    training = {step.after_lines: step for step in planned.training}
    for position in range(len(planned.lines) + 1):
        if position in training:
            yield _training(training[position])
        if position < len(planned.lines):
            yield _asking(planned.lines[position])


def _training(step: Training) -> str:
    state = f"at most {step.steps} steps  {duration(step.seconds)}"
    if step.trained:
        state = "trained already"
    return f"{step.step:15} {step.lessons} lessons (+{step.more}), {state}"


def _asking(line: Line) -> str:
    names = f"{line.step:15} {line.model:29} {line.engine:17}"
    calls = f"{line.recorded:8} {line.calls:7} {line.more:6}"
    tokens = f"{line.prompt_tokens:12} {line.reply_tokens:8}"
    return f"{names} {calls} {tokens}  {duration(line.seconds)}"


def _placement(planned: Planned) -> Iterator[str]:
    """The cluster's nodes, and how many replicas of a model each would hold."""
    yield f"cluster   {planned.cluster}"
    for node in planned.nodes:
        gpus = f", {node.gpus:g} GPUs" if node.gpus else ""
        yield f"          {node.name}: {node.cpus:g} CPUs, {_gib(node.memory)}{gpus}"
    for line in planned.lines:
        if line.replicas:
            places = ", ".join(f"{count} on {node}" for node, count in line.replicas.items())
            yield f"{line.step:15} {line.model:29} {places}; {line.loads} loads"


def _totals(planned: Planned) -> list[str]:
    here = f"{_gib(planned.memory_here)} free here"
    if planned.cluster:
        here = "on a node"
    elif planned.memory > planned.memory_here:
        here += ": too little"
    return [
        f"calls     {planned.calls} and at most {planned.more} more; "
        f"{planned.recorded} are in the record",
        f"loads     at most {planned.loads}",
        f"memory    {_gib(planned.memory)} for the largest model served, {here}",
        f"disk      {planned.disk / MIB:.1f} MiB of record, {_gib(planned.disk_here)} free here",
        f"time      {duration(planned.seconds)} for the calls",
    ]


def _unmeasured(planned: Planned) -> Iterator[str]:
    """The command that measures each engine without rates; these are `model (engine/precision)`."""
    for entry in planned.unmeasured:
        model, _, identity = entry.removesuffix(")").partition(" (")
        engine = identity.partition("/")[0]
        yield f"          never measured here: localfair bench {model} --engine {engine}"


def _gib(count: int) -> str:
    return f"{count / GIB:.1f} GiB"
