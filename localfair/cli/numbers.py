"""The numbers that a command line takes, each within bounds that a line can name.

Pure; a number beyond them, and one that is none, is refused by click before a command begins.
"""

from __future__ import annotations

import math

import click

COUNT = click.IntRange(1, 10**9)  # questions, lessons, tokens
BATCH = click.IntRange(1, 4096)  # sequences at once
TOKENS = click.IntRange(1, 2**24)  # of a sequence
THREADS = click.IntRange(1, 4096)  # of the processor
RANK = click.IntRange(1, 65536)
BUDGET = click.IntRange(1, 10**15)  # tokens of many runs
SEEDS = range(-(2**63), 2**63)  # what a column of the record holds
SEED = click.IntRange(SEEDS.start, SEEDS.stop - 1)


class Number(click.FloatRange):
    """A number within bounds. click's own range lets `nan` through: nothing is below it or above."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not in the range {self._describe_range()}.", param, ctx)
        return number


class Share(Number):
    """A number from 0 to 1."""

    def __init__(self) -> None:
        super().__init__(0, 1)


FLOPS = Number(1, 1e24)  # of many runs
