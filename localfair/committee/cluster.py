"""What a cluster is to whoever places replicas on it: nodes, looks, replicas, and a clock.

`ray_cluster` is one, `simulated` another that asks nobody. Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from localfair.committee.ray_actor import Arrived, Asked, Look, Work
from localfair.committee.ray_placing import Resources

# an answer that is to come, as its cluster knows it: Ray's reference, or a simulated one
Pending = Any


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is up: what messages call it, and all that it has."""

    id: str
    name: str
    total: Resources


class ReplicaDied(Exception):
    """A replica is no more: whoever placed it asks another."""


class Remote(Protocol):
    """A replica on a node.

    Each call returns at once; what it returns is what `Cluster.wait` waits for.
    """

    def process(self) -> Pending:
        """Ask for the id of its process, which it tells once it is up."""
        ...

    def exchange(self, requests: list[Asked], seconds: float) -> Pending:
        """Ask these, and for what is finished; see `Replica.exchange`."""
        ...

    def end(self) -> None:
        """End it, whatever it is at."""
        ...


class Cluster(Protocol):
    """Where replicas run."""

    address: str

    def nodes(self) -> list[Node]:
        """The nodes that are up, in a steady order."""
        ...

    def own_node(self) -> str:
        """The id of the node that this process is on."""
        ...

    def look(self, work: Work, nodes: Sequence[Node]) -> Iterator[tuple[Node, Look]]:
        """What each node says of a member's model; one that is no more says nothing."""
        ...

    def start(self, work: Work, node: str, needs: Resources) -> Remote:
        """A replica of a member on a node, which is given what it needs there."""
        ...

    def wait(self, answers: list[Pending], seconds: float) -> list[Pending]:
        """Wait at most so long for one of these; all that are there."""
        ...

    def result(self, answer: Pending) -> Arrived | int:
        """An answer that is there: of `exchange` or `process`.

        Raises ReplicaDied, and EngineDied for what else went wrong.
        """
        ...

    def now(self) -> float:
        """Seconds on the cluster's clock."""
        ...

    def answers(self) -> bool:
        """Whether its head answers now."""
        ...

    def await_head(self) -> None:
        """Wait until the head answers. Raises EngineDied when it does not for a while."""
        ...

    def refuse_gone(self) -> None:
        """Raise EngineDied when the head has not answered for a while."""
        ...

    def leave(self) -> None:
        """Disconnect. What still runs there for us ends."""
        ...
