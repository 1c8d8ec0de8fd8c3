"""Who sits at the table, and the one way to ask them anything.

`ask` answers from the record what has been answered before and sends the rest model by model, so a
stage loads each model once, and only when it must. Reads and writes generations and seats. Knows
nothing of prompts, grades or recipes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from localfair.engines.base import Backend
from localfair.errors import BackendDied, UsageError
from localfair.record.nouns import Engine, Request, Seat, content_id
from localfair.record.store import Row, Store

PIECE = 256


@dataclass(frozen=True, slots=True)
class Place:
    """A seat, what its engine is, and how to open it; places with the same engine share one backend."""

    seat: Seat
    engine: Engine
    engine_name: str
    open: Callable[[], Backend] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one place, and whatever the caller wants to find it by."""

    place: Place
    request: Request
    tag: Any = None


@dataclass(slots=True)
class Tally:
    """What a stage cost: backend calls made, answers found in the record, models loaded."""

    calls: int = 0
    reused: int = 0
    loads: int = 0


Progress = Callable[[int, int, str], None]


class Committee:
    """Places by role, one model resident at a time."""

    def __init__(self, store: Store, places: Iterable[Place], progress: Progress | None = None) -> None:
        self.store = store
        self.places = list(places)
        self.tally = Tally()
        self.report = progress or (lambda done, total, label: None)
        self._resident: tuple[Engine, Backend] | None = None
        for place in self.places:
            store.ensure_seat(place.seat)

    def of(self, role: str) -> list[Place]:
        """The places of a role, by index. Raises UsageError when nobody holds it."""
        found = sorted((p for p in self.places if p.seat.role == role), key=lambda p: p.seat.index)
        if not found:
            raise UsageError(f"nobody has the role {role!r}", f"name a model with --{role}")
        return found

    def reviewers(self) -> list[Place]:
        """The reviewers' seats; where none were named, the teachers review one another."""
        named = [p for p in self.places if p.seat.role == "reviewer"]
        return sorted(named, key=lambda p: p.seat.index) or self.of("teacher")

    def replace(self, role: str, place: Place) -> None:
        """Seat another in the role's first place (a student with its new adapter)."""
        self.places = [p for p in self.places if (p.seat.role, p.seat.index) != (role, place.seat.index)]
        self.places.append(place)
        self.store.ensure_seat(place.seat)

    def ask(self, calls: Iterable[Call], label: str = "") -> Iterator[tuple[Call, Row]]:
        """Each call with its generation's row, recorded ones first, then engine by engine as they finish.

        Every generation is on disk before the next is awaited. Raises what the backend raises.
        """
        waiting = self._waiting(calls)
        total, done = len(waiting), 0
        for some in _pieces(list(waiting)):
            for generation_id, row in self.store.recorded(some).items():
                done += 1
                self.tally.reused += 1
                yield from ((call, row) for call in waiting.pop(generation_id))
        for engine, place, requests in self._by_engine(waiting):
            backend = self._open(place)
            for row in self._send(backend, engine, requests):
                done += 1
                self.report(done, total, f"{label} {engine.model}".strip())
                yield from ((call, row) for call in waiting.pop(row["id"]))
        if waiting:
            raise BackendDied(f"{len(waiting)} requests were never answered", "run the same command again")

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
            waiting.setdefault(call.request.id(call.place.engine), []).append(call)
        return waiting

    def _by_engine(self, waiting: dict[str, list[Call]]) -> list[tuple[Engine, Place, list[Request]]]:
        """Every request once, grouped by engine, with a place of it; the resident engine goes first."""
        groups: dict[Engine, tuple[Place, list[Request]]] = {}
        for same in waiting.values():
            place = same[0].place
            groups.setdefault(place.engine, (place, []))[1].append(same[0].request)
        resident = self._resident[0] if self._resident else None
        ordered = sorted(groups.items(), key=lambda item: item[0] != resident)
        return [(engine, place, requests) for engine, (place, requests) in ordered]

    def _open(self, place: Place) -> Backend:
        if self._resident is None or self._resident[0] != place.engine:
            self.close()
            self._resident = (place.engine, place.open())
            self.tally.loads += 1
        return self._resident[1]

    def _send(self, backend: Backend, engine: Engine, requests: list[Request]) -> Iterator[Row]:
        scores = [r for r in requests if r.kind == "score"]
        generates = [r for r in requests if r.kind == "generate"]
        streams = [backend.generate(generates)] if generates else []
        if scores:
            if not hasattr(backend, "score"):
                raise UsageError(f"the engine of {engine.model} cannot score", 'set review.mode = "reasoned"')
            streams.append(backend.score(scores))
        for stream in streams:
            for generation in stream:
                row = self.store.add_generation(engine, generation)
                self.tally.calls += 1
                yield row


def _pieces(ids: list[str]) -> Iterator[list[str]]:
    """A few hundred at a time: no more recorded replies than these are in memory at once."""
    yield from (ids[start : start + PIECE] for start in range(0, len(ids), PIECE))


def request_seed(seat: Seat, **parts: Any) -> int:
    """31 bits of the hash of the seat's seed and what the request is about (ours)."""
    return int(content_id("seed", seat=seat.seed, **parts)[3:], 16) % (2**31)
