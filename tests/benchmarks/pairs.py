"""The statistics of a comparison: interleaved pairs, the median of their ratios, its interval, a
verdict.

Reads and writes a journal of pairs already measured, so that a stopped benchmark goes on; knows
nothing of what is measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Literal

from localfair.record.nouns import content_id

Measure = dict[str, Any]
Verdict = Literal["met", "missed", "unclear", "no target"]
RESAMPLES = 9999


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a median must keep."""

    direction: Literal["at least", "at most"]
    bound: float

    def __str__(self) -> str:
        return f"{self.direction} {self.bound:g}"

    def holds(self, value: float) -> bool:
        return value >= self.bound if self.direction == "at least" else value <= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row of the table.

    `low` and `high` bound the median at 95 %; None where one run has no interval.
    """

    name: str
    unit: str
    median: float
    low: float | None
    high: float | None
    target: str
    verdict: Verdict
    pairs: int
    compared: str
    details: dict[str, Any] = field(default_factory=dict)
    small: bool = False

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


class Journal:
    """What has been measured under one name and one set of parameters, kept between runs.

    A JSON line each.
    """

    def __init__(self, folder: Path, name: str, **parameters: Any) -> None:
        mark = content_id("benchmark", name=name, parameters=parameters)[3:11]
        self.path = folder / f"{name}-{mark}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self._held: dict[str, Measure] = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                entry = json.loads(line)
                self._held[entry["key"]] = entry["measure"]

    def once(self, key: str, measure: Callable[[], Measure]) -> Measure:
        """The measure under this key, taken now if it was not taken before."""
        if key not in self._held:
            self._held[key] = measure()
            entry = {"key": key, "measure": self._held[key]}
            with self.path.open("a") as out:
                out.write(json.dumps(entry) + "\n")
        return self._held[key]

    def side_by_side(self, count: int, **sides: Callable[[], Measure]) -> list[dict[str, Measure]]:
        """`count` rounds in which every side is measured once; each round begins with another side.

        A round is kept whole or not at all: its sides were measured within the same minutes.
        """
        rounds = []
        for number in range(count):
            measure = partial(_round, number, sides)
            rounds.append(self.once(f"round {number}", measure))
        return rounds


def _round(number: int, sides: dict[str, Callable[[], Measure]]) -> dict[str, Measure]:
    """Every side's measure, begun with the side whose turn it is."""
    names = list(sides)
    first = number % len(names)
    return {name: sides[name]() for name in names[first:] + names[:first]}


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % percentile-bootstrap interval of the median; None for fewer than two values."""
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return values[0], values[0]
    import numpy as np
    from scipy.stats import bootstrap

    resampled = bootstrap(
        (np.asarray(values),),
        np.median,
        confidence_level=0.95,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    low, high = resampled.confidence_interval
    return float(low), float(high)


def judged(target: Target | None, bounds: tuple[float, float] | None) -> Verdict:
    """`met` or `missed` only when the whole interval says so."""
    if target is None:
        return "no target"
    if bounds is None:
        return "unclear"
    low_holds, high_holds = (target.holds(bound) for bound in bounds)
    if low_holds and high_holds:
        return "met"
    if low_holds or high_holds:
        return "unclear"
    return "missed"


def result(
    name: str,
    values: Sequence[float],
    target: Target | None,
    compared: str,
    *,
    unit: str = "x",
    details: dict[str, Any] | None = None,
) -> Result:
    """The row of these values, one a pair: their median with its interval."""
    bounds = interval(values)
    low, high = bounds or (None, None)
    return Result(
        name=name,
        unit=unit,
        median=median(values),
        low=low,
        high=high,
        target=str(target or ""),
        verdict=judged(target, bounds),
        pairs=len(values),
        compared=compared,
        details=details or {},
    )


def counted(row: Result, values: Sequence[float], target: Target) -> Result:
    """The row of a count, which one run settles: its bounds are the smallest and the largest."""
    bounds = (min(values), max(values))
    return replace(row, low=bounds[0], high=bounds[1], verdict=judged(target, bounds))


def ratios(
    rounds: Sequence[dict[str, Measure]], key: str, over: str = "ours", under: str = "theirs"
) -> list[float]:
    """`over`'s measure divided by `under`'s, round by round."""
    return [measures[over][key] / measures[under][key] for measures in rounds]


def middle(rounds: Sequence[dict[str, Measure]], side: str, key: str) -> float:
    """One side's own median, rounded for reading."""
    values = [measures[side][key] for measures in rounds]
    return round(float(median(values)), 4)


HEAD = (
    "| benchmark | median | 95 % interval | target | verdict | n | what was compared |\n"
    "|---|--:|---|---|---|--:|---|"
)


def line(row: Result) -> str:
    """The row as one line of a Markdown table."""
    bounds = "one run"
    if row.low is not None and row.high is not None:
        bounds = f"{_short(row.low)} to {_short(row.high)}"
    name = f"{row.name} (small: no measurement)" if row.small else row.name
    cells = [
        name,
        f"{_short(row.median)} {row.unit}",
        bounds,
        row.target or "none",
        row.verdict,
        str(row.pairs),
        row.compared,
    ]
    return f"| {' | '.join(cells)} |"


def _short(value: float) -> str:
    """Three digits, or all of them before the point."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
