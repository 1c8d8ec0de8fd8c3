"""How a run is watched while it goes on: a panel on a terminal, plain lines, lines of JSON, or not.

All of it goes to stderr: stdout is for data.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from localfair.cli.panel import duration, left, panel
from localfair.cli.show import PLAIN_EVERY, say
from localfair.machine.terminal import echo, echo_json, shown
from localfair.pipeline.events import Event, Noted
from localfair.pipeline.pace import Pace

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from localfair.cli.tracking import Tracker

Form = Literal["panel", "plain", "json", "quiet"]
EVERY = 1.0  # seconds between two progress events


def form_of(*, quiet: bool, as_json: bool) -> Form:
    """How a run is watched that a command line starts."""
    if quiet:
        return "quiet"
    if as_json:
        return "json"
    return "panel" if sys.stderr.isatty() else "plain"


class RunWatch:
    """One run on stderr. Use as a context manager; `say`, `progress` and `listen` are the run's."""

    def __init__(
        self, db: Path, form: Form, until: str | None = None, tracker: Tracker | None = None
    ) -> None:
        self._form = form
        self._tracker = tracker
        self._pace = Pace(db, until)
        self._live: Live | None = None
        self._last = time.monotonic()

    def __enter__(self) -> RunWatch:
        if self._form == "panel":
            self._live = self._panel()
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, line: str) -> None:
        """Print a line for people."""
        if self._form == "json":
            self._event(Noted(line))
        elif self._live is not None:
            console = self._live.console
            console.print(shown(line), markup=False, emoji=False, highlight=False, soft_wrap=True)
        elif self._form == "plain":
            say(line)

    def listen(self, event: Event) -> None:
        """Take in what happens, and print it where it is asked for."""
        self._pace.listen(event)
        if self._tracker is not None:
            self._tracker.listen(event)
        if self._form == "panel":
            self._pace.look()
        if self._form == "json":
            self._event(event)

    def progress(self, done: int, total: int, label: str) -> None:
        """Show that `done` of `total` requests are answered."""
        self._pace.progress(done, total, label)
        if self._form == "panel":
            self._pace.look()
        elif self._form == "json" and self._is_time(EVERY):
            self._pace.look()
            self._event(self._pace.event())
        elif self._form == "plain" and self._is_time(PLAIN_EVERY):
            self._pace.look()
            echo(f"  {progress_line(self._pace, label)}", err=True)

    def _is_time(self, every: float) -> bool:
        now = time.monotonic()
        if now - self._last < every:
            return False
        self._last = now
        return True

    def _event(self, event: Event) -> None:
        echo_json(event.data(), err=True)

    def _panel(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        return Live(
            get_renderable=self._drawn,
            console=Console(stderr=True),
            refresh_per_second=4,
            transient=True,
        )

    def _drawn(self) -> RenderableType:
        from rich.text import Text

        standing = self._pace.standing()
        return panel(standing, self._pace.who) if standing else Text("")


def progress_line(pace: Pace, label: str) -> str:
    """`inquire: anna 212/800, 3.2 calls/s, 3 min left; of the run about 31 min left`."""
    words = [f"{label} {pace.done}/{pace.total}"]
    if pace.rate:
        words.append(f"{pace.rate:.2g}/s")
    standing = pace.standing()
    if standing is None:
        return ", ".join(words)
    if standing.step_left is not None:
        words.append(f"{duration(standing.step_left)} left")
    of_run = left(standing)
    return f"{', '.join(words)}; of the run {of_run}" if of_run else ", ".join(words)
