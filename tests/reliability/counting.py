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
    """Hands requests on to an engine, and its replies back, `burst` of them at once.

    A request's key is the id that its generation has in the record.
    """

    def __init__(self, engine: Engine, ledger: Ledger, burst: int) -> None:
        self.identity = engine.identity
        self._engine = engine
        self._ledger = ledger
        self._burst = burst

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """The engine's replies. A whole burst has arrived before the first is handed over."""
        replies = self._engine.generate(self._asked(requests))
        burst = list(islice(replies, self._burst))
        while burst:
            self._ledger.answered(reply.request.id(self.identity) for reply in burst)
            yield from burst
            burst = list(islice(replies, self._burst))

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
