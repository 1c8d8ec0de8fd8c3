"""Where a plan's calls would be answered on a Ray cluster, and how long that would take.

Looks at the cluster's nodes and at the weights on them; what a run would ask is handed out by the
scheduler of a run over a simulated cluster of those nodes. Starts no replica, asks no model, writes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from localfair.committee.ray_residents import RayResidents, is_remote
from localfair.committee.seating import Member
from localfair.committee.simulated import SimulatedCluster, Speed, Spent, asked
from localfair.pipeline.orders import Order
from localfair.pipeline.served import joined
from localfair.record.nouns import Message, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNode:
    """A node as the plan shows it. memory: bytes."""

    name: str
    cpus: float
    memory: int
    gpus: float


class PlannedCluster:
    """The cluster that an order names, as a plan fills it."""

    def __init__(self, cluster: SimulatedCluster, residents: RayResidents) -> None:
        self._cluster = cluster
        self._residents = residents
        self._names = {node.id: node.name for node in cluster.nodes()}

    @property
    def address(self) -> str:
        """The address that it was reached at."""
        return self._cluster.address

    def nodes(self) -> list[ClusterNode]:
        """Its nodes, those that only hold the record left out."""
        nodes = []
        for node in self._cluster.nodes():
            total = node.total
            if total.cpus or total.gpus:
                shown = ClusterNode(
                    name=node.name, cpus=total.cpus, memory=total.memory, gpus=total.gpus
                )
                nodes.append(shown)
        return nodes

    def check(self, members: Iterable[Member]) -> None:
        """Refuse what a run would refuse: see `RayResidents.check`."""
        self._residents.check(map(_untrained, members))

    def serves(self, member: Member) -> bool:
        """Whether a node opens it; a model behind a server is asked from here."""
        return is_remote(member)

    def asked(self, member: Member, calls: int, speed: Speed) -> Spent:
        """What so many calls to a member would take; nodes by their names."""
        requests = []
        for number in range(calls):
            requests.append(Request(messages=(Message("user", str(number)),)))
        spent = asked(self._cluster, self._residents, _untrained(member), requests, speed)
        replicas = {self._names[node]: count for node, count in spent.replicas.items()}
        return Spent(spent.seconds, spent.started, replicas)

    def free(self) -> None:
        """Leave this machine's node to a training, as a run does."""
        self._residents.free()


def _untrained(member: Member) -> Member:
    """The member without its adapter's files: it may not be trained yet."""
    return replace(member, adapter=None)


@contextmanager
def planned_cluster(order: Order) -> Iterator[PlannedCluster | None]:
    """The cluster that an order names, None where it names none.

    Raises UsageError for one that cannot be joined, MissingDependency without the extra.
    """
    cluster = joined(order)
    if cluster is None:
        yield None
        return
    try:
        simulated = SimulatedCluster(
            cluster.nodes(), cluster.look, address=cluster.address, own=cluster.own_node()
        )
        yield PlannedCluster(simulated, RayResidents(simulated, order.replicas))
    finally:
        cluster.leave()
