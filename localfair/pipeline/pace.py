"""How a run goes on, told by its events: where it stands, with the rate of what is asked now.

Reads the record when a step has begun; writes nothing. Whatever the record refuses is passed over:
a run does not end because nobody can watch it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from localfair.errors import LocalfairError
from localfair.pipeline.events import Event, Progressed, RunBegun, StepBegun, StepEnded, TrainedStep
from localfair.pipeline.standing import Standing, StandingStep, left_of, rate_of, standing
from localfair.record.store import Store

MOST_OFTEN = 0.5  # seconds between two looks into the record (ours)
SHARE = 0.05  # of the time that looking may take (ours)


class Pace:
    """One run as it goes on. `look` reads the record; everything else reckons.

    Of the requests that are asked now: `done` of `total`, by `who`.
    """

    def __init__(
        self, db: Path, until: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.db = db
        self.until = until
        self.run: str | None = None
        self.step = ""
        self.done = 0
        self.total = 0
        self.who = ""
        self._clock = clock
        self._base: Standing | None = None
        self._losses: list[float] = []
        self._is_stale = True
        self._looked = float("-inf")
        self._cost = 0.0
        self._step_began = clock()
        self._began = clock()  # of the requests that are asked now
        self._last = clock()  # when the last reply came, or the step began
        self._before = 0  # replies that were there when they were begun
        self._asked = 0  # requests of the step that were begun before them

    def listen(self, event: Event) -> None:
        """Take in what happens."""
        if isinstance(event, RunBegun):
            self.run = event.run
        elif isinstance(event, StepBegun):
            self.step = event.step
            self.done = self.total = self._asked = self._before = 0
            self.who = ""
            self._losses = []
            self._step_began = self._began = self._last = self._clock()
            self._is_stale = True
        elif isinstance(event, StepEnded):
            self._is_stale = True
        elif isinstance(event, TrainedStep):
            if not self._losses:
                # before the first step the weights were loaded: the others say how long one takes
                self._began = self._last
                self._before = self.done
            self._losses.append(event.loss)

    def progress(self, done: int, total: int, label: str) -> None:
        """Take in how many requests are answered; the label ends with who answers them."""
        if total != self.total or done < self.done:
            self._asked += self.total
            self._began = self._last
            self._before = done - 1
        self.done = done
        self.total = total
        self.who = label.partition(": ")[2] or label
        self._last = self._clock()

    def look(self) -> None:
        """Read where the run stands, where that is worth it."""
        passed = self._clock() - self._looked
        if self.run is None or not self._is_stale or passed < self._pause():
            return
        began = self._clock()
        try:
            with Store.open(self.db) as store:
                self._base = standing(store, self.run, self.until)
            self._is_stale = False
        except (LocalfairError, sqlite3.Error, OSError):
            pass
        self._looked = self._clock()
        self._cost = self._looked - began

    def _pause(self) -> float:
        return max(MOST_OFTEN, self._cost / SHARE)

    @property
    def rate(self) -> float | None:
        """Replies a second of what is asked now."""
        return rate_of(self.done - self._before, self._clock() - self._began)

    def standing(self) -> Standing | None:
        """Where the run stands now; None before the first look."""
        base = self._base
        if base is None:
            return None
        steps = [self._now(step) if step.step == self.step else step for step in base.steps]
        current = [step for step in steps if step.state == "now"]
        return replace(
            base,
            steps=steps,
            rate=self.rate,
            step_left=current[0].left if current else None,
            run_left=left_of(steps),
            losses=self._losses or base.losses,
            seconds=base.seconds + max(0.0, self._clock() - self._looked),
        )

    def _now(self, step: StandingStep) -> StandingStep:
        """The step that is done now, by what has been answered."""
        if step.state != "now":
            return step
        expected = max(step.expected, self._asked + self.total)
        answered = self._asked + self.done
        seconds = self._clock() - self._step_began
        left = step.left
        rate = self.rate
        if rate:
            left = (expected - answered) / rate
        elif left is not None:
            left = max(0.0, left - (seconds - step.seconds))
        return replace(step, calls=answered, expected=expected, seconds=seconds, left=left)

    def event(self) -> Progressed:
        """How far it has come, as an event."""
        now = self.standing()
        return Progressed(
            step=self.step,
            done=self.done,
            total=self.total,
            who=self.who,
            rate=self.rate,
            step_left=now.step_left if now else None,
            run_left=now.run_left if now else None,
        )
