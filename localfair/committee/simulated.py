"""A cluster that asks nobody: its nodes and the speed of its replicas are given, its clock is virtual.

The placing and the handing out are those of a real run: `RayResidents` and `RayPool` over this in
Ray's place. Reads and writes nothing.

A replica answers a batch at a time: each sequence in a slot of its own, the next request in the slot
that is free first. Its model loads at its first request, as engines do.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from localfair.committee.cluster import Node, ReplicaDied
from localfair.committee.ray_actor import NOTHING, Arrived, Asked, Look, Work
from localfair.committee.ray_placing import Resources
from localfair.committee.ray_residents import RayResidents
from localfair.committee.seating import Member
from localfair.errors import LocalfairError
from localfair.record.nouns import Generation, Request

START = 5.0  # seconds from asking for a replica until it answers (ours, a quiet node)
REPLY = 0.002  # seconds that a reply costs whoever writes it down (tests/benchmarks, `overhead`)
Slot = Callable[[Request], float]  # seconds that a request keeps its slot
Looks = Callable[[Work, Sequence[Node]], Iterable[tuple[Node, Look]]]


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast replicas of a model are. load: seconds until the first request is begun."""

    load: float
    slot: Slot


INSTANT = Speed(0.0, lambda request: 0.0)


@dataclass(slots=True, eq=False)
class Answer:
    """What comes of a call, from this second on; `replica` died where it is None."""

    at: float
    arrived: Arrived | int | None


class SimulatedCluster:
    """A `Cluster` of these nodes.

    `looks` are what nodes say of a model. `speed` is that of the member that is asked now. `reply`
    is what each reply costs this process, which writes all of them: seconds. `own` is its node.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        looks: Looks,
        reply: float = REPLY,
        address: str = "a simulated cluster",
        own: str = "",
    ) -> None:
        self.address = address
        self.speed = INSTANT
        self.clock = 0.0
        self.replicas: list[SimulatedReplica] = []  # all that were ever started
        self._nodes = {node.id: node for node in nodes}
        self._looks = looks
        self._reply = reply
        self._own = own

    def kill(self, node: str) -> None:
        """End a node and every replica on it."""
        del self._nodes[node]
        for replica in self.replicas:
            if replica.node == node:
                replica.kill()

    # -- Cluster ----------------------------------------------------------------------------------

    def nodes(self) -> list[Node]:
        """See `Cluster`."""
        return list(self._nodes.values())

    def own_node(self) -> str:
        """See `Cluster`."""
        return self._own

    def look(self, work: Work, nodes: Sequence[Node]) -> Iterator[tuple[Node, Look]]:
        """See `Cluster`."""
        yield from self._looks(work, nodes)

    def start(self, work: Work, node: str, needs: Resources) -> SimulatedReplica:
        """See `Cluster`."""
        replica = SimulatedReplica(self, work, node)
        self.replicas.append(replica)
        return replica

    def wait(self, answers: list[Answer], seconds: float) -> list[Answer]:
        """See `Cluster`. The clock goes on to the first answer."""
        first = min(answer.at for answer in answers)
        self.clock = max(self.clock, min(first, self.clock + seconds))
        return [answer for answer in answers if answer.at <= self.clock]

    def result(self, answer: Answer) -> Arrived | int:
        """See `Cluster`. The clock goes on while replies are written."""
        if answer.arrived is None:
            raise ReplicaDied
        if isinstance(answer.arrived, Arrived):
            self.clock += self._reply * len(answer.arrived.replies)
        return answer.arrived

    def now(self) -> float:
        """See `Cluster`."""
        return self.clock

    def answers(self) -> bool:
        """See `Cluster`."""
        return True

    def await_head(self) -> None:
        """See `Cluster`."""

    def refuse_gone(self) -> None:
        """See `Cluster`."""

    def leave(self) -> None:
        """See `Cluster`."""


class SimulatedReplica:
    """A `Remote` whose replies are empty, and come when they would."""

    def __init__(self, cluster: SimulatedCluster, work: Work, node: str) -> None:
        self.node = node
        self.model = work.identity.model
        self._cluster = cluster
        self._identity = work.identity
        self._up = cluster.clock + START
        self._slots: list[float] = []  # when each is free; empty until the model is loaded
        self._batch = work.options.batch
        self._finished: list[tuple[float, str]] = []  # a heap: when, and the generation's id
        self._waits: Answer | None = None
        self._is_dead = False

    def process(self) -> Answer:
        """See `Remote`."""
        return self._answer(self._up, 1)

    def exchange(self, requests: list[Asked], seconds: float) -> Answer:
        """See `Remote`."""
        now = self._cluster.clock
        if requests and not self._slots:
            self._slots = [max(now, self._up) + self._cluster.speed.load] * self._batch
        for request in requests:
            assert isinstance(request, Request), "speeds are of replies and scores"
            begun = max(now, heapq.heappop(self._slots))
            ended = begun + self._cluster.speed.slot(request)
            heapq.heappush(self._slots, ended)
            heapq.heappush(self._finished, (ended, request.id(self._identity)))
        at = now + seconds
        if self._finished:
            at = max(now, min(at, self._finished[0][0]))
        arrived = Arrived()
        while self._finished and self._finished[0][0] <= at:
            _, key = heapq.heappop(self._finished)
            arrived.replies.append((key, EMPTY))
        return self._answer(at, arrived)

    def end(self) -> None:
        """See `Remote`."""

    def kill(self) -> None:
        """Die at once: what it was at never arrives."""
        self._is_dead = True
        if self._waits is not None and self._waits.at > self._cluster.clock:
            self._waits.at = self._cluster.clock
            self._waits.arrived = None

    def _answer(self, at: float, arrived: Arrived | int) -> Answer:
        if self._is_dead:
            return Answer(self._cluster.clock, None)
        self._waits = Answer(at, arrived)
        return self._waits


EMPTY = Generation(
    request=NOTHING, text="", finish="stop", prompt_tokens=0, completion_tokens=0, seconds=0.0
)


@dataclass(frozen=True, slots=True)
class Spent:
    """What requests to a member took: seconds, replicas started, and its replicas on each node."""

    seconds: float
    started: int
    replicas: dict[str, int]


def asked(
    cluster: SimulatedCluster,
    residents: RayResidents,
    member: Member,
    requests: Sequence[Request],
    speed: Speed,
) -> Spent:
    """Ask a member on a simulated cluster, as `Committee.ask` would; what it took."""
    cluster.speed = speed
    begun = cluster.clock
    before = len(cluster.replicas)
    engine = residents.engine(member, _raised)
    for _ in engine.generate(requests):
        pass
    started = len(cluster.replicas) - before
    return Spent(cluster.clock - begun, started, residents.replicas(member.identity))


def _raised(request: Request, error: LocalfairError) -> None:
    raise error
