"""The statistics of a comparison: interleaved pairs, the median of their ratios, its interval, a verdict.

Reads and writes a journal of pairs already measured, so that a stopped benchmark goes on; knows nothing of what
is measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
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
    """One row of the table. `low` and `high` bound the median at 95 %; None where one run has no interval."""

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
    """What has been measured under one name and one set of parameters, a JSON line each; kept between runs."""

    def __init__(self, folder: Path, name: str, **parameters: Any) -> None:
        mark = content_id("benchmark", name=name, parameters=parameters)[3:11]
        self.path = folder / f"{name}-{mark}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self._held: dict[str, Measure] = {}
        if self.path.exists():
            lines = self.path.read_text().splitlines()
            self._held = {row["key"]: row["measure"] for row in map(json.loads, lines)}

    def once(self, key: str, measure: Callable[[], Measure]) -> Measure:
        """The measure under this key, taken now if it was not taken before."""
        if key not in self._held:
            self._held[key] = measure()
            with self.path.open("a") as out:
                out.write(json.dumps({"key": key, "measure": self._held[key]}) + "\n")
        return self._held[key]

    def side_by_side(self, count: int, **sides: Callable[[], Measure]) -> list[dict[str, Measure]]:
        """`count` rounds in which every side is measured once; each round begins with another side.

        A round is kept whole or not at all: its sides were measured within the same minutes.
        """
        return [self.once(f"round {i}", partial(_round, i, sides)) for i in range(count)]


def _round(i: int, sides: dict[str, Callable[[], Measure]]) -> dict[str, Measure]:
    names = list(sides)
    first = i % len(names)
    return {name: sides[name]() for name in [*names[first:], *names[:first]]}


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % percentile-bootstrap interval of the median; None for fewer than two values."""
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return values[0], values[0]
    import numpy as np
    from scipy.stats import bootstrap

    found = bootstrap(
        (np.asarray(values),), np.median, confidence_level=0.95, n_resamples=RESAMPLES,
        method="percentile", rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


def judged(target: Target | None, bounds: tuple[float, float] | None) -> Verdict:
    """`met` or `missed` only when the whole interval says so."""
    if target is None:
        return "no target"
    if bounds is None:
        return "unclear"
    inside = [target.holds(b) for b in bounds]
    return "met" if all(inside) else "unclear" if any(inside) else "missed"


def result(
    name: str, values: Sequence[float], target: Target | None, compared: str,
    *, unit: str = "x", exact: bool = False, details: dict[str, Any] | None = None,
) -> Result:  # fmt: skip
    """The row of these values (one a pair). `exact`: a count, which one run settles."""
    bounds = (min(values), max(values)) if exact else interval(values)
    low, high = bounds or (None, None)
    return Result(
        name=name, unit=unit, median=median(values), low=low, high=high, target=str(target or ""),
        verdict=judged(target, bounds), pairs=len(values), compared=compared, details=details or {},
    )  # fmt: skip


def ratios(
    rounds: Sequence[dict[str, Measure]], key: str, over: str = "ours", under: str = "theirs"
) -> list[float]:
    """`over`'s measure divided by `under`'s, round by round."""
    return [r[over][key] / r[under][key] for r in rounds]


def middle(rounds: Sequence[dict[str, Measure]], side: str, key: str) -> float:
    """One side's own median, rounded for reading."""
    return round(float(median(r[side][key] for r in rounds)), 4)


HEAD = "| benchmark | median | 95 % interval | target | verdict | n | what was compared |\n|---|--:|---|---|---|--:|---|"


def line(row: Result) -> str:
    """The row as one line of a Markdown table."""
    bounds = (
        f"{_short(row.low)} to {_short(row.high)}"
        if row.low is not None and row.high is not None
        else "one run"
    )
    name = f"{row.name} (small: no measurement)" if row.small else row.name
    cells = (name, f"{_short(row.median)} {row.unit}", bounds, row.target or "none", row.verdict, row.pairs,
             row.compared)  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
