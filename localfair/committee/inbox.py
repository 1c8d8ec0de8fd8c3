"""What one engine has replied and nobody has written down yet.

Reads an engine's arrivals; writes nothing. Nothing that was taken out is forgotten before it is
said to be written: an interrupt in the middle of a write loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from localfair.engines.arrivals import Arrivals, close, ready
from localfair.machine.signals import let_through
from localfair.record.nouns import EngineIdentity, Generation


class Inbox:
    """The arrivals of one engine, a batch at a time."""

    def __init__(self, identity: EngineIdentity, arrivals: Iterator[Generation]) -> None:
        self.identity = identity
        self._arrivals = arrivals
        self._unwritten: list[Generation] = []
        self.is_empty = False  # nothing more will come

    def next(self) -> list[Generation]:
        """Wait for a generation; it, and all that has arrived beside it.

        Empty when there are no more. Raises what the engine raises. Whoever calls it holds signals
        off: what was taken out of the arrivals is never let fall.
        """
        generation = self._awaited()
        if generation is None:
            self.is_empty = True
            return []
        self._unwritten.append(generation)
        self._unwritten += ready(self._arrivals)
        return list(self._unwritten)

    def _awaited(self) -> Generation | None:
        if isinstance(self._arrivals, Arrivals):
            return next(self._arrivals, None)
        with let_through():
            return next(self._arrivals, None)

    def written(self) -> None:
        """All that was taken out is on disk."""
        self._unwritten.clear()

    def rest(self) -> list[Generation]:
        """Ask for nothing more; all that has arrived and is not on disk."""
        close(self._arrivals)
        self._unwritten += ready(self._arrivals)
        return list(self._unwritten)
