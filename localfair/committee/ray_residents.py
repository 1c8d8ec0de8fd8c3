"""The models that are open on a cluster: as many as fit, each with its replicas.

Looks at every node before anything is asked, chooses nodes for replicas, and closes what was used
longest ago when another model needs its place. Writes nothing. Knows nothing of stages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from localfair.committee.cluster import Cluster, Node
from localfair.committee.ray_actor import Look, work_of
from localfair.committee.ray_placing import Resources, places
from localfair.committee.ray_pool import RayPool, ScoringRayPool, Seated
from localfair.committee.residents import OneResident, Training
from localfair.committee.seating import Member
from localfair.committee.softening import SoftReply, SoftRequest
from localfair.engines import Engine
from localfair.engines.base import FailedRequest
from localfair.errors import LocalfairError, UsageError
from localfair.record.nouns import EngineIdentity, Request

if TYPE_CHECKING:
    from localfair.training.qlora import StepDone, TrainResult

WORTH = 2  # batches that a replica must have to do before another model's is ended for it (ours)
AGAIN = 2.0  # seconds until a place is looked for again
Needs = dict[str, Resources]  # by node id


class Trainer(Protocol):
    """Who trains students elsewhere: see `ray_training`."""

    def train(
        self, member: Member, training: Training, on_step: Callable[[StepDone], None]
    ) -> TrainResult:
        """See `Residents`."""
        ...


class RayResidents:
    """`Residents` on a cluster; `replicas` is how many a model may have, None as many as its work
    fills.

    A model behind a server is asked from this machine, as ever, and without a `trainer` students
    are trained here.
    """

    def __init__(
        self, cluster: Cluster, replicas: int | None = None, trainer: Trainer | None = None
    ) -> None:
        self.cluster = cluster
        self._trainer = trainer
        self._replicas = replicas
        self._local = OneResident()
        self._pools: dict[EngineIdentity, RayPool] = {}  # the one used last comes last
        self._needs: dict[tuple[str, str, str], Needs] = {}
        self._barren: set[tuple[EngineIdentity, str]] = set()
        self._looked: dict[EngineIdentity, float] = {}

    def check(self, members: Iterable[Member]) -> None:
        """Look at each member's weights on every node.

        Raises UsageError naming a node that has not the same, or a model that fits none.
        """
        for member in members:
            key = _key(member)
            if is_remote(member) and key not in self._needs:
                self._needs[key] = self._look(member)

    def _look(self, member: Member) -> Needs:
        nodes = [node for node in self.cluster.nodes() if node.total.cpus or node.total.gpus]
        if not nodes:
            raise UsageError(
                f"no node of {self.cluster.address} has a processor to give",
                "start nodes without --num-cpus=0",
            )
        needs = {}
        for node, looked in self.cluster.look(work_of(member), nodes):
            needs[node.id] = _needed(node, looked)
        _refuse_too_large(member, nodes, needs)
        return needs

    # -- Residents --------------------------------------------------------------------------------

    def has(self, identity: EngineIdentity) -> bool:
        """See `Residents`."""
        pool = self._pools.get(identity)
        return self._local.has(identity) or (pool is not None and bool(pool.replicas))

    def engine(self, member: Member, failed: FailedRequest) -> Engine:
        """See `Residents`."""
        if not is_remote(member):
            return self._local.engine(member, failed)
        return self._opened(member, failed)

    def _opened(self, member: Member, failed: FailedRequest) -> RayPool:
        """The member's pool, which is now the one used last."""
        pool = self._pools.pop(member.identity, None) or self._pool(member, failed)
        self._pools[member.identity] = pool
        pool.failed = failed
        return pool

    def _pool(self, member: Member, failed: FailedRequest) -> RayPool:
        self.check([member])
        form = ScoringRayPool if member.engine.scores else RayPool
        return form(self.cluster, work_of(member), self._needs[_key(member)], self, failed)

    def replicas(self, identity: EngineIdentity) -> dict[str, int]:
        """How many replicas a model has on each node, by the node's id."""
        pool = self._pools.get(identity)
        return dict(Counter(seated.node for seated in pool.replicas)) if pool else {}

    def free(self) -> None:
        """End the replicas on this machine's node; those elsewhere take nothing from it."""
        self._local.free()
        own = self.cluster.own_node() if self._pools else ""
        for pool in self._pools.values():
            for seated in list(pool.replicas):
                if seated.node == own:
                    pool.end(seated)

    def train(
        self, member: Member, training: Training, on_step: Callable[[StepDone], None]
    ) -> TrainResult:
        """See `Residents`. Workers take processors that replicas hold: all of them make way."""
        self.free()
        if self._trainer is None:
            return self._local.train(member, training, on_step)
        for pool in self._pools.values():
            pool.close()
        return self._trainer.train(member, training, on_step)

    def soften(self, mentor: Member, requests: list[SoftRequest]) -> Iterator[SoftReply]:
        """See `Residents`."""
        return self._opened(mentor, _raised).soften(requests)

    def close(self) -> None:
        """End everything and leave the cluster."""
        self._local.free()
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        self.cluster.leave()

    # -- Placing ----------------------------------------------------------------------------------

    def places(self, pool: RayPool, wanted: int) -> list[str]:
        """See `Placing`.

        Replicas of other models are ended for a pool that has none, or too few for its work, those
        of the model used longest ago first; no more of them than it takes.
        """
        if self._replicas is not None:
            wanted = min(wanted, self._replicas)
        missing = wanted - len(pool.replicas)
        now = self.cluster.now()
        if missing <= 0 or (pool.replicas and now - self._looked.get(pool.identity, 0) < AGAIN):
            return []
        self._looked[pool.identity] = now
        if pool.replicas and not self.cluster.answers():
            return []
        self.cluster.await_head()  # whoever asked it before that would wait for a minute
        nodes = self.cluster.nodes()
        needs = {
            node: need
            for node, need in pool.needs.items()
            if (pool.identity, node) not in self._barren
        }
        chosen = places(needs, self._free(nodes), missing)
        others = [other for other in self._pools.values() if other is not pool and other.replicas]
        while others and _is_short(wanted, len(pool.replicas) + len(chosen)):
            longest_unused = others[0]
            longest_unused.end(longest_unused.replicas[-1])
            if not longest_unused.replicas:
                others.remove(longest_unused)
            chosen = places(needs, self._free(nodes), missing)
        return chosen

    def lost(self, pool: RayPool, seated: Seated) -> None:
        """See `Placing`."""
        self._looked.pop(pool.identity, None)
        if not seated.is_up:
            self._barren.add((pool.identity, seated.node))

    def _free(self, nodes: list[Node]) -> dict[str, Resources]:
        """What is left on each node that is up, beside our own replicas."""
        free = {node.id: node.total for node in nodes}
        for pool in self._pools.values():
            for seated in pool.replicas:
                if seated.node in free:
                    free[seated.node] = free[seated.node].without(pool.needs[seated.node])
        return free


def _raised(request: Request, error: LocalfairError) -> None:
    raise error


def _is_short(wanted: int, replicas: int) -> bool:
    """Whether a model's work is worth loads that another may have to do again."""
    return replicas == 0 or wanted > WORTH * replicas


def is_remote(member: Member) -> bool:
    """Whether a node can open it: a model behind a server is nobody's to place."""
    return member.model.format != "endpoint"


def _key(member: Member) -> tuple[str, str, str]:
    """Model and engine: an adapter on it needs no other place.

    The name counts too: a node finds weights by the file that a card names.
    """
    identity = member.identity
    return identity.model, identity.fingerprint, identity.engine


def _needed(node: Node, looked: Look) -> Resources:
    if looked.problem:
        raise UsageError(f"node {node.name}: {looked.problem}", looked.hint)
    return looked.needs


def _refuse_too_large(member: Member, nodes: list[Node], needs: Needs) -> None:
    nodes = [node for node in nodes if node.id in needs]
    if any(node.total.holds(needs[node.id]) for node in nodes):
        return
    if not nodes:
        raise UsageError("no node of the cluster is left", "start nodes, then the same command")
    largest = max(nodes, key=lambda node: (node.total.gpus, node.total.memory, node.total.cpus))
    raise UsageError(
        f"{member.identity.model} fits no node: it needs {needs[largest.id]}, the largest, "
        f"{largest.name}, has {largest.total}",
        "a smaller --batch or fewer --threads need less; else add a larger node",
    )
