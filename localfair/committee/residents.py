"""Which engines are open, and what makes way for the next.

On one machine a single model is resident. Whoever has more room, as a cluster has, is another
`Residents`. Reads and writes nothing; knows nothing of requests.
"""

from __future__ import annotations

from typing import Protocol

from localfair.committee.seating import Member
from localfair.engines import Engine
from localfair.engines.base import FailedRequest
from localfair.record.nouns import EngineIdentity


class Residents(Protocol):
    """The engines that are open now."""

    def has(self, identity: EngineIdentity) -> bool:
        """Whether this engine is open: to ask it costs no load."""
        ...

    def engine(self, member: Member, failed: FailedRequest) -> Engine:
        """The member's engine, opened where it is not; others may be closed for it."""
        ...

    def free(self) -> None:
        """Leave this machine's memory to others. Idempotent."""
        ...


class OneResident:
    """One engine at a time, on this machine."""

    def __init__(self) -> None:
        self._open: tuple[EngineIdentity, Engine] | None = None

    def has(self, identity: EngineIdentity) -> bool:
        """See `Residents`."""
        return self._open is not None and self._open[0] == identity

    def engine(self, member: Member, failed: FailedRequest) -> Engine:
        """See `Residents`."""
        if self._open is not None and self._open[0] == member.identity:
            return self._open[1]
        self.free()
        engine = member.open(failed)
        self._open = (member.identity, engine)
        return engine

    def free(self) -> None:
        """See `Residents`."""
        if self._open is not None:
            _, engine = self._open
            engine.close()
            self._open = None
