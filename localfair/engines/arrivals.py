"""Generations as they arrive, and those that have arrived beside them.

An engine's `generate` and `score` may give one of these instead of a plain iterator. Whoever writes
generations down takes all that is there and writes it at once. Pure; knows nothing of engines.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Protocol, runtime_checkable

from localfair.machine.signals import let_through
from localfair.record.nouns import Generation


@runtime_checkable
class Arrivals(Protocol):
    """An iterator of generations that tells which are there already.

    Signals are held off while it is asked, so it lets them through where it waits.
    """

    def __iter__(self) -> Iterator[Generation]: ...

    def __next__(self) -> Generation: ...

    def ready(self) -> list[Generation]:
        """What has arrived and was not handed over, without waiting; also after `close`."""
        ...

    def close(self) -> None:
        """Ask for nothing more. Idempotent."""
        ...


class Grouped:
    """Arrivals out of an iterator of those that finish together: the rows of one step."""

    def __init__(self, groups: Generator[list[Generation]]) -> None:
        self._groups = groups
        self._rest: list[Generation] = []

    def __iter__(self) -> Iterator[Generation]:
        return self

    def __next__(self) -> Generation:
        while not self._rest:
            with let_through():
                self._rest = next(self._groups)
        first, *self._rest = self._rest
        return first

    def ready(self) -> list[Generation]:
        """See `Arrivals`."""
        rest = self._rest
        self._rest = []
        return rest

    def close(self) -> None:
        """See `Arrivals`."""
        self._groups.close()


def ready(arrivals: Iterator[Generation]) -> list[Generation]:
    """What has arrived of an iterator; nothing where it cannot tell."""
    return arrivals.ready() if isinstance(arrivals, Arrivals) else []


def close(arrivals: Iterator[Generation]) -> None:
    """End an iterator that may be one of an engine's."""
    if isinstance(arrivals, Arrivals | Generator):
        arrivals.close()
