"""`localfair bench`: parse, call `bench.bench`, print the rates."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.cli import completion
from localfair.cli.numbers import BATCH
from localfair.engines import ENGINES
from localfair.machine.hardware import usual_precision
from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.models.loading import Precision
    from localfair.record.rates import Rate

WITH_PRECISION = " and ".join(engine.name for engine in ENGINES if engine.has_precision)

EPILOG = """\b
Examples:
  localfair bench smollm2-135m-instruct
  localfair bench smollm2-135m-instruct --engine transformers --batch 1 --batch 16"""
MIB = 2**20
MOST_NUMBERS = 10**6  # in a prompt; far more than a context holds (ours)


@click.command("bench", epilog=EPILOG)
@click.argument("model", shell_complete=completion.models)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    help="Which engine; repeat for more. Default: each that fits.",
)
@click.option(
    "--batch",
    "batches",
    type=BATCH,
    multiple=True,
    help="Sequences at once. Default: 1 4 8 16.",
)
@click.option(
    "--prompt-numbers",
    type=click.IntRange(1, MOST_NUMBERS),
    default=80,
    show_default=True,
    help="Numbers in each prompt.",
)
@click.option(
    "--reply-tokens",
    type=click.IntRange(2, 2**20),
    default=64,
    show_default=True,
    help="Most tokens of a reply.",
)
@click.option(
    "--precision",
    type=click.Choice(["bf16", "nf4", "fp32"]),
    default=usual_precision,
    show_default="bf16, or fp32 where the processor is slow at it",
    help=f"Of the {WITH_PRECISION} engines.",
)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="The rates as JSON.")
def bench(
    model: str,
    engines: tuple[str, ...],
    batches: tuple[int, ...],
    prompt_numbers: int,
    reply_tokens: int,
    precision: Precision,
    db: Path,
    as_json: bool,
) -> None:
    """Measure how fast MODEL reads and writes here, and how much memory it takes.

    `plan` uses what is stored.
    """
    from localfair.cli.show import say
    from localfair.committee.seating import Options
    from localfair.machine.workspace import workspace_dir
    from localfair.pipeline.bench import BATCHES, Bench, Lengths
    from localfair.pipeline.bench import bench as measure
    from localfair.record.rates import fastest

    what = Bench(
        engines=engines,
        batches=batches or BATCHES,
        lengths=Lengths(prompt=prompt_numbers, reply=reply_tokens),
        options=Options(precision=precision),
    )
    rates = measure(model, workspace_dir(), db, what, say)
    if as_json:
        echo_json([asdict(rate) for rate in rates], indent=2)
        return
    best = fastest(rates)
    echo(f"{model} on {best.machine}")
    echo(*table(rates))
    engine = best.engine.partition("/")[0]
    echo(f"fastest: --engine {engine} --batch {best.batch}")


def table(rates: list[Rate]) -> list[str]:
    """The rates as text, a line per engine and batch size."""
    head = "engine               batch  read tokens/s  written tokens/s  load s  peak memory"
    return [head, *(_line(rate) for rate in rates)]


def _line(rate: Rate) -> str:
    return (
        f"{rate.engine:20} {rate.batch:5} {rate.prefill:14.0f} {rate.decode:17.0f} "
        f"{rate.load_seconds:7.1f} {rate.peak_memory / MIB:8.0f} MiB"
    )
