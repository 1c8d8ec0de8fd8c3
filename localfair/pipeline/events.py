"""What happens in a run, for whoever watches it: each event is a name and its values.

Pure. `run --json` prints each event as a line of JSON on stderr: `{"event": NAME, ...}`.

    run_begun     run
    step_begun    position, step, stage, round
    progress      step, done, total, who, rate, step_left, run_left
    trained_step  number, steps, loss
    note          text
    step_ended    position, step, stage, round, started, ended, calls, reused, loads, outcome
    run_ended     run

Rates are calls a second, times left are seconds; both are null where nothing is known yet. A run
that does not come to its end has no `run_ended`; then the last lines are `error:` and `hint:`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from localfair.record.made import RunStep


class Event:
    """Something that happened; `name` is what lines of JSON call it."""

    __slots__ = ()
    name: ClassVar[str]

    def data(self) -> dict[str, Any]:
        """The event as plain data."""
        return {"event": self.name, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class RunBegun(Event):
    """A run has its row and its seats."""

    run: str
    name: ClassVar[str] = "run_begun"


@dataclass(frozen=True, slots=True)
class StepBegun(Event):
    """A step begins; its stage may find that an earlier run has done it."""

    position: int
    step: str
    stage: str
    round: int
    name: ClassVar[str] = "step_begun"


@dataclass(frozen=True, slots=True)
class Progressed(Event):
    """So many of the requests of a step are answered, or of the steps of a training."""

    step: str
    done: int
    total: int
    who: str
    rate: float | None
    step_left: float | None
    run_left: float | None
    name: ClassVar[str] = "progress"


@dataclass(frozen=True, slots=True)
class TrainedStep(Event):
    """A step of a training, with the loss of its window."""

    number: int
    steps: int
    loss: float
    name: ClassVar[str] = "trained_step"


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """A line for people."""

    text: str
    name: ClassVar[str] = "note"


@dataclass(frozen=True, slots=True)
class StepEnded(Event):
    """A step is done; its row says what it cost and what came out."""

    row: RunStep
    name: ClassVar[str] = "step_ended"

    def data(self) -> dict[str, Any]:
        """The event as plain data, its outcome too."""
        outcome = json.loads(self.row.outcome) if self.row.outcome else None
        return {"event": self.name, **asdict(self.row), "outcome": outcome}


@dataclass(frozen=True, slots=True)
class RunEnded(Event):
    """Every step of a run is done."""

    run: str
    name: ClassVar[str] = "run_ended"


Listener = Callable[[Event], None]


def unheard(event: Event) -> None:
    """Listen to nothing."""
