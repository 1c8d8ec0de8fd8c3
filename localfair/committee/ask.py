"""Who sits at the table, and the one way to ask them anything.

`ask` answers from the record what has been answered before and sends the rest model by model, so a
stage loads each model once, and only when it must. What has arrived is written in one transaction.
Reads and writes generations, failed calls and seats. Knows nothing of prompts, grades or recipes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.committee.failures import MAX_FAILED, Failures
from localfair.committee.inbox import Inbox
from localfair.committee.residents import OneResident, Residents, Training
from localfair.committee.seating import Member
from localfair.committee.softening import SoftReply, SoftRequest
from localfair.engines import Engine, Scorer
from localfair.errors import EngineDied, LocalfairError, UsageError
from localfair.machine.signals import held
from localfair.record.made import Reply
from localfair.record.nouns import EngineIdentity, Generation, Request, Seat, content_id, seed_of
from localfair.record.store import Store
from localfair.record.tables import REPLIES

if TYPE_CHECKING:
    from localfair.training.qlora import StepDone, TrainResult

    Trained = Callable[[StepDone], None]

PIECE = 256  # recorded replies that are read into memory at once


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


@dataclass(slots=True)
class _Share:
    """What one engine is asked: every request once, by a member that it serves."""

    member: Member
    requests: list[Request] = field(default_factory=list)


Progress = Callable[[int, int, str], None]  # requests answered, all requests, who answers
Loss = Callable[[int, int, float], None]  # steps trained, all steps, the loss of the last
Waiting = dict[str, list[Call]]  # by generation id


def _silent(done: int, total: int, label: str) -> None:
    pass


def _unheard(step: int, steps: int, loss: float) -> None:
    pass


class Committee:
    """Members by role.

    `failures` are the calls that failed. `max_failed` is the share of a step's calls that may.
    `residents` opens their engines: one at a time on this machine when left out.
    """

    def __init__(
        self,
        store: Store,
        members: Iterable[Member],
        progress: Progress | None = None,
        max_failed: float = MAX_FAILED,
        residents: Residents | None = None,
    ) -> None:
        self.store = store
        self.failures = Failures(store, max_failed)
        self.members = list(members)
        self.tally = Tally()
        self.progress = progress or _silent
        self.loss: Loss = _unheard  # who is told of each step of a training
        self._residents = residents or OneResident()
        self._inbox: Inbox | None = None  # of the engine that is asked now
        for member in self.members:
            store.ensure_seat(member.seat)

    def of(self, role: str) -> list[Member]:
        """The members of a role, by index. Raises UsageError when nobody has it."""
        members = self._with_role(role)
        if not members:
            raise UsageError(f"nobody has the role {role!r}", f"name a model with --{role}")
        return members

    def reviewers(self) -> list[Member]:
        """The reviewers' seats; where none were named, the teachers review one another."""
        return self._with_role("reviewer") or self.of("teacher")

    def _with_role(self, role: str) -> list[Member]:
        members = [member for member in self.members if member.seat.role == role]
        return sorted(members, key=lambda member: member.seat.index)

    def seat_adapter(self, role: str, adapter: str, folder: Path) -> None:
        """The first member of a role sits with this adapter from now on.

        With none where `adapter` is empty.
        """
        before = self.of(role)[0]
        after = before.with_adapter(adapter, folder if adapter else None)
        position = self.members.index(before)
        self.members[position] = after
        self.store.ensure_seat(after.seat)

    # -- asking -----------------------------------------------------------------------------------

    def ask(self, calls: Iterable[Call], label: str = "") -> Iterator[tuple[Call, Reply]]:
        """Each call with its reply, recorded ones first, then engine by engine as they finish.

        What has arrived is on disk before any of it is handed over and before more is awaited. A
        call that fails by itself is left out; see `failures`. Raises TooManyFailed, and what the
        engine raises.
        """
        waiting = self._waiting(calls)
        for generation_id in waiting.keys() & self.failures.calls.keys():
            del waiting[generation_id]  # it was asked in this run
            self.failures.missing += 1
        total = len(waiting)
        yield from self._recorded(waiting)
        self.failures.begin(total, label)
        for share in self._shares(waiting):
            who = f"{label} {share.member.identity.model}".strip()
            for replies in self._send(share):
                for reply in replies:
                    same = waiting.pop(reply.id, [])
                    self.progress(total - len(waiting), total, who)
                    for call in same:
                        yield call, reply
            for generation_id in waiting.keys() & self.failures.calls.keys():
                del waiting[generation_id]
        if waiting:
            raise EngineDied(
                f"{len(waiting)} requests were never answered", "run the same command again"
            )

    def save(self) -> None:
        """Ask nothing more, and write what has arrived: for whoever leaves in the middle."""
        inbox = self._inbox
        self._inbox = None
        if inbox is not None:
            with held():
                self._write(inbox, inbox.rest())

    def close(self) -> None:
        """Write what has arrived and free this machine's memory."""
        self.save()
        self._residents.free()

    def train(self, member: Member, training: Training, on_step: Trained) -> TrainResult:
        """Train a member's base, here or wherever its models are opened; see `qlora.train`."""
        self.close()
        return self._residents.train(member, training, on_step)

    def soften(self, mentor: Member, requests: list[SoftRequest]) -> Iterator[SoftReply]:
        """A mentor's soft labels of lessons, as it reads them; nothing of them is written here."""
        self.close()
        self.tally.loads += 1
        return self._residents.soften(mentor, requests)

    @staticmethod
    def _waiting(calls: Iterable[Call]) -> Waiting:
        """Calls by the id of what answers them: the same request twice is sent once."""
        waiting: Waiting = {}
        for call in calls:
            generation_id = call.request.id(call.member.identity)
            waiting.setdefault(generation_id, []).append(call)
        return waiting

    def _recorded(self, waiting: Waiting) -> Iterator[tuple[Call, Reply]]:
        """The calls that the record answers; they wait no more."""
        ids = list(waiting)
        for start in range(0, len(ids), PIECE):
            recorded = self.store.get(REPLIES, ids[start : start + PIECE])
            for generation_id, reply in recorded.items():
                self.tally.reused += 1
                for call in waiting.pop(generation_id):
                    yield call, reply

    def _shares(self, waiting: Waiting) -> list[_Share]:
        """Every waiting request once, engine by engine; resident engines go first."""
        shares: dict[EngineIdentity, _Share] = {}
        for same in waiting.values():
            call = same[0]
            share = shares.setdefault(call.member.identity, _Share(call.member))
            share.requests.append(call.request)
        return sorted(shares.values(), key=self._must_load)

    def _must_load(self, share: _Share) -> bool:
        return not self._residents.has(share.member.identity)

    def _send(self, share: _Share) -> Iterator[list[Reply]]:
        """The replies that arrive, once they are on disk."""
        engine = self._open(share.member)
        for arrivals in _arrivals(engine, share.requests):
            inbox = Inbox(share.member.identity, arrivals)
            self._inbox = inbox
            try:
                while True:
                    with held():
                        replies = self._write(inbox, inbox.next())
                    if inbox.is_empty:
                        break
                    yield replies
                    self.failures.refuse_too_many()
            finally:
                # the engine failed, or whoever asked has left
                if self._inbox is inbox:
                    self.save()

    def _write(self, inbox: Inbox, arrived: list[Generation]) -> list[Reply]:
        """Write what has arrived in one transaction; what cannot be stored is a failed call."""
        good = self.failures.without_unstorable(inbox.identity, arrived)
        replies = self.store.add_generations(inbox.identity, good) if good else []
        inbox.written()
        self.tally.calls += len(replies)
        return replies

    def _open(self, member: Member) -> Engine:
        """The member's engine; its requests may fail by themselves."""

        def failed(request: Request, error: LocalfairError) -> None:
            self.failures.add(member.identity, request, error)
            self.failures.refuse_too_many()

        if not self._residents.has(member.identity):
            self.save()
            self.tally.loads += 1
        return self._residents.engine(member, failed)


def _arrivals(engine: Engine, requests: list[Request]) -> Iterator[Iterator[Generation]]:
    """The replies, then the scores. Raises UsageError when the engine cannot score."""
    scores = [request for request in requests if request.action == "score"]
    replies = [request for request in requests if request.action == "generate"]
    if scores and not isinstance(engine, Scorer):
        raise UsageError(
            f"the engine of {engine.identity.model} cannot score",
            'set review.mode = "reasoned", or select.prefer = "random"',
        )
    if replies:
        yield engine.generate(replies)
    if scores:
        assert isinstance(engine, Scorer)
        yield engine.score(scores)


def request_seed(seat: Seat, **about: object) -> int:
    """31 bits of the hash of the seat's seed and what the request is about (ours)."""
    return seed_of(content_id("seed", seat=seat.seed, **about))
