"""The replicas of one model on a cluster, as one engine.

Hands requests out, takes generations in as they finish and sends elsewhere what a dead replica was
at. Reads and writes no record: whoever asks does. Knows nothing of stages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar, cast

from localfair.committee.cluster import Cluster, Remote, ReplicaDied
from localfair.committee.ray_actor import Arrived, Asked, Work
from localfair.committee.ray_placing import Resources
from localfair.committee.softening import SoftReply, SoftRequest
from localfair.engines.base import FailedRequest
from localfair.errors import EngineDied, LocalfairError, ReplyError
from localfair.record.nouns import EngineIdentity, Generation, Request

DEATHS = 3  # of replicas that one request may cost (the issue's)
WAIT = 1.0  # seconds until we look whether the cluster is there


@dataclass(slots=True, eq=False)
class Seated:
    """A replica on a node, and what it was asked and has not answered, by generation id.

    It is given nothing before it is up. `process` is its id on the node, 0 until then.
    """

    node: str
    remote: Remote
    waits: Any = None  # the answer to the last exchange, when it comes
    process: int = 0
    asked: dict[str, Asked] = field(default_factory=dict)
    to_send: list[Asked] = field(default_factory=list)

    @property
    def is_up(self) -> bool:
        """Whether it has answered at all."""
        return self.process > 0


class Placing(Protocol):
    """Who gives a pool its places: see `ray_residents`."""

    def places(self, pool: RayPool, wanted: int) -> list[str]:
        """Nodes for more replicas, until the pool has as many as wanted, or as fit."""
        ...

    def lost(self, pool: RayPool, seated: Seated) -> None:
        """A replica died; where it was never up, none is tried again."""
        ...


class RayPool:
    """An `Engine`: every request is answered by one of the model's replicas.

    `needs` is what a replica takes on each node that may hold one.
    """

    def __init__(
        self,
        cluster: Cluster,
        work: Work,
        needs: Mapping[str, Resources],
        placing: Placing,
        failed: FailedRequest,
    ) -> None:
        self.identity: EngineIdentity = work.identity
        self.work = work
        self.needs = needs
        self.failed = failed
        self.replicas: list[Seated] = []
        self.deaths = 0  # of replicas, whatever the reason
        self.cluster = cluster
        self._placing = placing

    @property
    def batch(self) -> int:
        """How many requests a replica does together."""
        return self.work.options.batch

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`; raises EngineDied when no replica is left or the cluster is gone."""
        return RayArrivals[Generation](self, list(requests))

    def soften(self, requests: Iterable[SoftRequest]) -> Iterator[SoftReply]:
        """A mentor's soft labels; raises what `generate` does."""
        return RayArrivals[SoftReply](self, list(requests))

    def close(self) -> None:
        """End every replica."""
        for seated in list(self.replicas):
            self.end(seated)

    def end(self, seated: Seated) -> None:
        """End a replica, whatever it is at."""
        self.replicas.remove(seated)
        if self.cluster.answers():
            seated.remote.end()

    def grow(self, requests: int) -> None:
        """Have replicas for so many requests: one for each batch of them, as far as they fit.

        Raises EngineDied when it has none.
        """
        wanted = max(1, -(-requests // self.batch))
        for node in self._placing.places(self, wanted):
            self._seat(node)
        if not self.replicas:
            raise EngineDied(
                f"no replica of {self.identity.model} is left at {self.cluster.address}",
                "see that its nodes are up, and run the same command again",
            )

    def died(self, seated: Seated) -> None:
        """A replica is no more; another takes its place if there is one."""
        self.deaths += 1
        self.replicas.remove(seated)
        self._placing.lost(self, seated)
        self.cluster.await_head()
        seated.remote.end()  # it may only be out of reach

    def _seat(self, node: str) -> None:
        seated = Seated(node, self.cluster.start(self.work, node, self.needs[node]))
        seated.waits = seated.remote.process()  # answers once it is up
        self.replicas.append(seated)


class ScoringRayPool(RayPool):
    """A pool of an engine that scores too."""

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`."""
        return RayArrivals[Generation](self, list(requests))


Arriving = TypeVar("Arriving", Generation, SoftReply)


class RayArrivals(Generic[Arriving]):
    """`Arrivals` of a pool.

    It is asked for more only when all that it gave is on disk, and nothing is handed out but then.
    A replica is given more when at most one batch waits at it, and never more than two. What a
    replica was at when it died is asked again one by one, so that a request that kills is known:
    the third death is a call that failed.
    """

    def __init__(self, pool: RayPool, requests: Sequence[Asked]) -> None:
        self._pool = pool
        self._identity = pool.identity
        self._fresh: deque[tuple[str, Asked]] = deque()
        for request in requests:
            self._fresh.append((request.id(self._identity), request))
        self._suspects: deque[tuple[str, Asked]] = deque()
        self._deaths: dict[str, int] = {}
        self._arrived: deque[Arriving] = deque()
        self._is_closed = False
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Arriving]:
        return self

    def __next__(self) -> Arriving:
        while not self._arrived:
            if self._error is not None:
                raise self._error
            if self._is_closed or not self._unanswered():
                raise StopIteration
            self._hand_out()
            self._receive(WAIT)
        return self._arrived.popleft()

    def ready(self) -> list[Arriving]:
        """See `Arrivals`."""
        if not self._is_closed:
            self._receive(0)
        arrived = list(self._arrived)
        self._arrived.clear()
        return arrived

    def close(self) -> None:
        """See `Arrivals`. A replica that is at something is ended: nobody waits for it."""
        if self._is_closed:
            return
        self._receive(0)
        self._is_closed = True
        for seated in list(self._pool.replicas):
            if seated.asked:
                self._pool.end(seated)

    def _unanswered(self) -> int:
        asked = sum(len(seated.asked) for seated in self._pool.replicas)
        return len(self._fresh) + len(self._suspects) + asked

    # -- out --------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        """Give every replica that has room its share of what nobody was given."""
        pool = self._pool
        pool.grow(len(self._fresh) + len(self._suspects))
        up = [seated for seated in pool.replicas if seated.is_up]
        if up:
            unanswered = len(self._fresh) + sum(len(seated.asked) for seated in up)
            share = -(-unanswered // len(up))
            for seated in sorted(up, key=lambda seated: len(seated.asked)):
                self._give(seated, share)
        for seated in up:
            if seated.waits is None and seated.asked:
                requests = seated.to_send
                seated.to_send = []
                seated.waits = seated.remote.exchange(requests, WAIT)

    def _give(self, seated: Seated, share: int) -> None:
        """Give a replica what is left to its share of all that is unanswered, if it has room."""
        if any(key in self._deaths for key in seated.asked):
            return  # a suspect is alone, so that it alone is to blame
        if len(seated.asked) > self._pool.batch:
            return
        most = min(share, 2 * self._pool.batch)
        while self._fresh and len(seated.asked) < most:
            self._send(seated, *self._fresh.popleft())
        if self._suspects and not seated.asked:
            self._send(seated, *self._suspects.popleft())

    @staticmethod
    def _send(seated: Seated, key: str, request: Asked) -> None:
        seated.asked[key] = request
        seated.to_send.append(request)

    # -- in ---------------------------------------------------------------------------------------

    def _receive(self, seconds: float) -> None:
        """Wait at most so long for any replica; take what all that answered have finished."""
        pool = self._pool
        waiting = {seated.waits: seated for seated in pool.replicas if seated.waits is not None}
        if not waiting:
            return
        for answer in pool.cluster.wait(list(waiting), seconds):
            self._take(waiting[answer])
        try:
            pool.cluster.refuse_gone()
        except EngineDied as error:
            self._error = error  # raised once what came is written

    def _take(self, seated: Seated) -> None:
        try:
            arrived = self._pool.cluster.result(seated.waits)
        except ReplicaDied:
            self._died(seated)
            return
        except EngineDied as error:
            self._error = error
            return
        seated.waits = None
        if isinstance(arrived, Arrived):
            self._read(seated, arrived)
        else:
            seated.process = arrived

    def _read(self, seated: Seated, arrived: Arrived) -> None:
        for key, reply in arrived.replies:
            request = seated.asked.pop(key, None)
            if request is not None:
                answered: Any = replace(reply, request=cast("Any", request))
                self._arrived.append(answered)
        for key, error in arrived.failed:
            request = seated.asked.pop(key, None)
            if request is not None:
                self._fail(request, error)
        if arrived.error is not None:
            self._error = arrived.error

    def _died(self, seated: Seated) -> None:
        """What a dead replica was at is asked again, each by itself; the third time it failed."""
        in_flight = seated.asked
        try:
            self._pool.died(seated)
        except EngineDied as gone:
            self._error = gone
            return
        for key, request in in_flight.items():
            self._deaths[key] = self._deaths.get(key, 0) + 1
            if self._deaths[key] < DEATHS:
                self._suspects.append((key, request))
                continue
            error = ReplyError(
                f"{request.about or 'a request'}: {DEATHS} replicas of "
                f"{self._identity.model} died of it",
                "see the logs of its nodes; they may be short of memory",
            )
            self._fail(request, error)

    def _fail(self, request: Asked, error: LocalfairError) -> None:
        """A call that failed by itself; a soft label that cannot be had ends the step."""
        if isinstance(request, SoftRequest):
            self._error = error
        else:
            self._pool.failed(request, error)
