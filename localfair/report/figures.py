"""Figures as numbers that a template draws: bars, intervals on a scale, lines.

Pure: values in, coordinates out, in the units of an SVG that is WIDTH wide. Knows nothing of colours
or words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 420  # so that letters of 13 can be read on a phone
LABEL = 118  # of which labels take
LETTERS = 15  # of a label that fit beside its bar
ROW = 26
PLOT_HEIGHT = 150
MARGIN = 34  # of a plot: the numbers at its axes
POINTS = 200  # of a line at most


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with what stands before it, or above it, and behind it.

    label_y: where the label's row begins, y: where the bar's does.
    """

    label: str
    shown: str
    label_y: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars one under another, each beginning at `left`."""

    bars: list[Bar]
    left: float
    height: float


def bars(values: Sequence[tuple[str, float, str]]) -> Bars:
    """A bar for each label, value and the words for the value; the largest fills the width.

    Labels too long to stand beside their bars stand above them.
    """
    most = max((value for _, value, _ in values), default=0.0) or 1.0
    is_above = any(len(label) > LETTERS for label, _, _ in values)
    left = 0 if is_above else LABEL
    below = ROW - 4 if is_above else 0  # from a label to its bar
    room = WIDTH - left - 96
    drawn = []
    for row, (label, value, shown) in enumerate(values):
        top = row * (ROW + below)
        drawn.append(Bar(label, shown, top, top + below, _round(room * value / most)))
    return Bars(drawn, left, len(values) * (ROW + below) + 4)


@dataclass(frozen=True, slots=True)
class Mark:
    """A value with its interval: where they lie."""

    label: str
    shown: str
    y: float
    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class Marks:
    """Intervals one under another on one scale; ticks: where, and the words."""

    marks: list[Mark]
    ticks: list[tuple[float, str]]
    height: float


def intervals(values: Sequence[tuple[str, float, float, float, str]], form: str = ".0%") -> Marks:
    """An interval for each label, its low end, its value, its high end and the words for them.

    The scale goes from 0 to 1; `form` is that of the numbers at it.
    """
    room = WIDTH - LABEL - 20  # half of the last number stands behind the end

    def place(value: float) -> float:
        return _round(LABEL + room * min(max(value, 0.0), 1.0))

    drawn = []
    for row, (label, start, value, end, shown) in enumerate(values):
        y = row * 2 * ROW
        drawn.append(Mark(label, shown, y, place(start), place(value), place(end)))
    ticks = []
    for quarter in (0.0, 0.25, 0.5, 0.75, 1.0):
        ticks.append((place(quarter), f"{quarter:{form}}"))
    return Marks(drawn, ticks, len(values) * 2 * ROW + 26)


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, as SVG wants them: `x,y x,y`."""

    label: str
    points: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one another; ticks: where, and the words."""

    lines: list[Line]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    height: float


def plot(
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    y_range: tuple[float, float] | None = None,
) -> Plot:
    """Lines of (x, y), thinned to what can be seen; a value that is no number is left out."""
    cleaned = []
    for label, points in lines:
        finite = [point for point in points if all(map(math.isfinite, point))]
        cleaned.append((label, thinned(finite)))
    xs = [x for _, points in cleaned for x, _ in points]
    ys = [y for _, points in cleaned for _, y in points]
    left, right = _ends(xs)
    bottom, top = y_range or _ends(ys)

    def place(x: float, y: float) -> tuple[float, float]:
        across = MARGIN + (WIDTH - MARGIN - 10) * (x - left) / (right - left)
        down = 8 + (PLOT_HEIGHT - 8) * (top - y) / (top - bottom)
        return _round(across), _round(down)

    drawn = []
    for label, points in cleaned:
        places = [place(x, y) for x, y in points]
        drawn.append(Line(label, " ".join(f"{x:g},{y:g}" for x, y in places)))
    return Plot(
        lines=drawn,
        x_ticks=[(place(x, bottom)[0], f"{x:g}") for x in (left, (left + right) / 2, right)],
        y_ticks=[(place(left, y)[1], f"{y:.3g}") for y in (bottom, (bottom + top) / 2, top)],
        height=PLOT_HEIGHT + 24,
    )


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most POINTS of them, the first and the last among these."""
    if len(points) <= POINTS:
        return list(points)
    last = len(points) - 1
    return [points[round(number * last / (POINTS - 1))] for number in range(POINTS)]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The least and the most, apart from each other."""
    low = min(values, default=0.0)
    high = max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _round(value: float) -> float:
    return round(value, 1)
