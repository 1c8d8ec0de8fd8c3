"""Which engines are open, what makes way for the next, and where a student is trained.

On one machine a single model is resident. Whoever has more room, as a cluster has, is another
`Residents`. Writes nothing but a training's folder; knows nothing of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from localfair.committee.seating import Member
from localfair.committee.softening import Mentor, SoftReply, SoftRequest
from localfair.engines import Engine
from localfair.engines.base import FailedRequest
from localfair.record.nouns import EngineIdentity

if TYPE_CHECKING:
    from localfair.training.qlora import StepDone, TrainResult
    from localfair.training.settings import TrainSettings
    from localfair.training.trainer import Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a training is made of beside its base.

    folder: what it writes, and goes on from. start: the folder of the adapter that it begins with.
    """

    lessons: Sequence[Example]
    settings: TrainSettings
    folder: Path
    start: Path | None = None


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

    def train(
        self, member: Member, training: Training, on_step: Callable[[StepDone], None]
    ) -> TrainResult:
        """Train a member's base, as `qlora.train` does; this machine's memory is left to it."""
        ...

    def soften(self, mentor: Member, requests: list[SoftRequest]) -> Iterator[SoftReply]:
        """Have a mentor read lessons; each reply as soon as it is there, in any order."""
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

    def train(
        self, member: Member, training: Training, on_step: Callable[[StepDone], None]
    ) -> TrainResult:
        """See `Residents`."""
        from localfair.training.qlora import train

        self.free()
        return train(
            member.folder(),
            training.lessons,
            training.folder,
            training.settings,
            on_step,
            training.start,
        )

    def soften(self, mentor: Member, requests: list[SoftRequest]) -> Iterator[SoftReply]:
        """See `Residents`."""
        self.free()
        return Mentor(mentor).soften(requests)
