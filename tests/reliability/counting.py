"""Engines in this process that count what they are asked and answer, in a file.

Each stands in front of a shipped engine. Writes to a ledger; knows nothing of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from localfair import engines
from localfair.engines import Engine, EngineSpec, Opening
from localfair.record.nouns import Generation, Request
from tests.reliability.ledger import Ledger


class CountingEngine:
    """Hands requests on to an engine, and its replies back, `burst` of them together.

    A request's key is the id that its generation has in the record.
    """

    def __init__(self, engine: Engine, ledger: Ledger, burst: int) -> None:
        self.identity = engine.identity
        self._engine = engine
        self._ledger = ledger
        self._burst = burst

    def generate(self, requests: Iterable[Request]) -> CountedReplies:
        """The engine's replies."""
        replies = self._engine.generate(self._asked(requests))
        return CountedReplies(replies, self._answered, self._burst)

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `generate`; nothing here asks for scores."""
        raise NotImplementedError

    def close(self) -> None:
        self._engine.close()

    def _asked(self, requests: Iterable[Request]) -> Iterator[Request]:
        """The requests, each counted when the engine takes it."""
        for request in requests:
            self._ledger.asked([request.id(self.identity)])
            yield request

    def _answered(self, replies: list[Generation]) -> None:
        self._ledger.answered(reply.request.id(self.identity) for reply in replies)


class CountedReplies:
    """Replies in bursts: all of a burst have arrived, and are counted, before the first is taken."""

    def __init__(
        self, replies: Iterator[Generation], count: Callable[[list[Generation]], None], burst: int
    ) -> None:
        self._replies = replies
        self._count = count
        self._burst = burst
        self._arrived: list[Generation] = []

    def __iter__(self) -> Iterator[Generation]:
        return self

    def __next__(self) -> Generation:
        if not self._arrived:
            self._arrived = list(islice(self._replies, self._burst))
            self._count(self._arrived)
        if not self._arrived:
            raise StopIteration
        return self._arrived.pop(0)

    def ready(self) -> list[Generation]:
        """What has arrived and was not taken."""
        more = self._replies.ready() if hasattr(self._replies, "ready") else []
        self._count(more)
        arrived = [*self._arrived, *more]
        self._arrived = []
        return arrived

    def close(self) -> None:
        """Ask for nothing more."""
        if hasattr(self._replies, "close"):
            self._replies.close()


def count_engines(ledger: Ledger, burst: int) -> None:
    """Put a counting engine in front of every engine of this process, which is a test's own."""
    counted = []
    for spec in engines.ENGINES:
        counted.append(replace(spec, opens=_counted(spec, ledger, burst)))
    engines.ENGINES = tuple(counted)


def _counted(spec: EngineSpec, ledger: Ledger, burst: int) -> Callable[[Any, Opening], Engine]:
    def opens(model: Any, opening: Opening) -> Engine:
        return CountingEngine(spec.opens(model, opening), ledger, burst)

    return opens
