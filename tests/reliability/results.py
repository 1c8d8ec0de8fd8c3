"""The table of what came of the kills, and what is not tried here. Reads and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from tests.reliability.campaign import Tally

HEAD = (
    "engine",
    "at once",
    "kills",
    "at commits",
    "SIGINT, SIGTERM",
    "commands",
    "committed and lost",
    "asked again",
    "arrived and lost: one kill, bound",
    "after a signal",
    "invariants broken",
    "seconds",
)


@dataclass(frozen=True)
class NotTried:
    """An engine that could not be tried, and why."""

    engine: str
    reason: str


def table(tallies: list[Tally], not_tried: list[NotTried]) -> str:
    """A table in Markdown, the seed of chance, and in words what broke and what was not tried."""
    lines = [_line(HEAD), _line(["---"] * 2 + ["--:"] * (len(HEAD) - 2))]
    for tally in tallies:
        lines.append(_line(_cells(tally)))
    for each in not_tried:
        lines.append(f"\n{each.engine}: not tried: {each.reason}")
    for tally in tallies:
        for broken in tally.broken:
            lines.append(f"\n{tally.engine}, {tally.at_once} at once: {broken}")
    return "\n".join(lines)


def holds(tally: Tally) -> bool:
    """Whether the promise was kept, and something was tried."""
    nothing_lost = tally.lost == 0 and tally.asked_again == 0 and not tally.broken
    return nothing_lost and tally.kills > 0 and tally.arrived_lost <= tally.bound


def _cells(tally: Tally) -> list[str]:
    return [
        tally.engine,
        str(tally.at_once),
        str(tally.kills),
        f"{tally.at_moments} ({tally.moments} moments)",
        str(tally.signals),
        str(tally.runs),
        str(tally.lost),
        str(tally.asked_again),
        f"{tally.arrived_lost}, {tally.bound}",
        str(tally.after_signals),
        str(len(tally.broken)),
        f"{tally.seconds:.0f}",
    ]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
