"""Who sits at the table, and the one way to ask them anything.

`ask` answers from the record what has been answered before and sends the rest model by model, so a
stage loads each model once, and only when it must. Reads and writes generations and seats. Knows
nothing of prompts, grades or recipes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.committee.seating import Member
from localfair.engines import Engine, Scorer
from localfair.errors import EngineDied, UsageError
from localfair.record.nouns import EngineIdentity, Request, Seat, content_id
from localfair.record.store import Row, Store

PIECE = 256


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one member, and whatever the caller wants to find it by."""

    member: Member
    request: Request
    tag: Any = None


@dataclass(slots=True)
class Tally:
    """What a stage cost: engine calls made, answers found in the record, models loaded."""

    calls: int = 0
    reused: int = 0
    loads: int = 0


Progress = Callable[[int, int, str], None]


class Committee:
    """Places by role, one model resident at a time."""

    def __init__(
        self, store: Store, members: Iterable[Member], progress: Progress | None = None
    ) -> None:
        self.store = store
        self.members = list(members)
        self.tally = Tally()
        self.progress = progress or (lambda done, total, label: None)
        self._resident: tuple[EngineIdentity, Engine] | None = None
        for member in self.members:
            store.ensure_seat(member.seat)

    def of(self, role: str) -> list[Member]:
        """The members of a role, by index. Raises UsageError when nobody holds it."""
        found = sorted((p for p in self.members if p.seat.role == role), key=lambda p: p.seat.index)
        if not found:
            raise UsageError(f"nobody has the role {role!r}", f"name a model with --{role}")
        return found

    def reviewers(self) -> list[Member]:
        """The reviewers' seats; where none were named, the teachers review one another."""
        named = [p for p in self.members if p.seat.role == "reviewer"]
        return sorted(named, key=lambda p: p.seat.index) or self.of("teacher")

    def seat_adapter(self, role: str, adapter: str, folder: Path) -> None:
        """The first member of a role sits with this adapter from now on; with none where `adapter` is empty."""
        before = self.of(role)[0]
        after = before.with_adapter(adapter, folder if adapter else None)
        self.members = [after if member is before else member for member in self.members]
        self.store.ensure_seat(after.seat)

    def ask(self, calls: Iterable[Call], label: str = "") -> Iterator[tuple[Call, Row]]:
        """Each call with its generation's row, recorded ones first, then engine by engine as they finish.

        Every generation is on disk before the next is awaited. Raises what the engine raises.
        """
        waiting = self._waiting(calls)
        total, done = len(waiting), 0
        for some in _pieces(list(waiting)):
            for generation_id, row in self.store.recorded(some).items():
                done += 1
                self.tally.reused += 1
                yield from ((call, row) for call in waiting.pop(generation_id))
        for identity, member, requests in self._by_engine(waiting):
            engine = self._open(member)
            for row in self._send(engine, identity, requests):
                done += 1
                self.progress(done, total, f"{label} {identity.model}".strip())
                yield from ((call, row) for call in waiting.pop(row["id"]))
        if waiting:
            raise EngineDied(
                f"{len(waiting)} requests were never answered", "run the same command again"
            )

    def close(self) -> None:
        """Free the resident model."""
        if self._resident:
            self._resident[1].close()
            self._resident = None

    @staticmethod
    def _waiting(calls: Iterable[Call]) -> dict[str, list[Call]]:
        """Calls by request id: the same request twice is sent once."""
        waiting: dict[str, list[Call]] = {}
        for call in calls:
            waiting.setdefault(call.request.id(call.member.identity), []).append(call)
        return waiting

    def _by_engine(
        self, waiting: dict[str, list[Call]]
    ) -> list[tuple[EngineIdentity, Member, list[Request]]]:
        """Every request once, grouped by engine, with a member of it; the resident engine goes first."""
        groups: dict[EngineIdentity, tuple[Member, list[Request]]] = {}
        for same in waiting.values():
            member = same[0].member
            groups.setdefault(member.identity, (member, []))[1].append(same[0].request)
        resident = self._resident[0] if self._resident else None
        ordered = sorted(groups.items(), key=lambda item: item[0] != resident)
        return [(identity, member, requests) for identity, (member, requests) in ordered]

    def _open(self, member: Member) -> Engine:
        if self._resident is None or self._resident[0] != member.identity:
            self.close()
            self._resident = (member.identity, member.open())
            self.tally.loads += 1
        return self._resident[1]

    def _send(
        self, engine: Engine, identity: EngineIdentity, requests: list[Request]
    ) -> Iterator[Row]:
        scores = [r for r in requests if r.action == "score"]
        generates = [r for r in requests if r.action == "generate"]
        streams = [engine.generate(generates)] if generates else []
        if scores:
            if not isinstance(engine, Scorer):
                raise UsageError(
                    f"the engine of {identity.model} cannot score", 'set review.mode = "reasoned"'
                )
            streams.append(engine.score(scores))
        for stream in streams:
            for generation in stream:
                row = self.store.add_generation(identity, generation)
                self.tally.calls += 1
                yield row


def _pieces(ids: list[str]) -> Iterator[list[str]]:
    """A few hundred at a time: no more recorded replies than these are in memory at once."""
    yield from (ids[start : start + PIECE] for start in range(0, len(ids), PIECE))


def request_seed(seat: Seat, **parts: Any) -> int:
    """31 bits of the hash of the seat's seed and what the request is about (ours)."""
    return int(content_id("seed", seat=seat.seed, **parts)[3:], 16) % (2**31)
