"""Where the replicas of a model go: what each needs, what each node has, which nodes take one.

Pure. Knows nothing of Ray, but for the three resources that it counts: processors, memory, GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resources:
    """Processors, bytes of memory, and GPUs or a share of one."""

    cpus: float = 0
    memory: int = 0
    gpus: float = 0

    def holds(self, needs: Resources) -> bool:
        """Whether so much can be taken from it."""
        return self.cpus >= needs.cpus and self.memory >= needs.memory and self.gpus >= needs.gpus

    def without(self, needs: Resources) -> Resources:
        """What is left when so much is taken."""
        # Ray counts in ten-thousandths
        gpus = round(self.gpus - needs.gpus, 4)
        return Resources(self.cpus - needs.cpus, self.memory - needs.memory, gpus)

    def __str__(self) -> str:
        parts = [f"{self.cpus:g} CPUs", f"{self.memory / 2**30:.1f} GiB"]
        if self.gpus:
            parts.append(f"{self.gpus:g} GPUs")
        return ", ".join(parts)


def places(needs: Mapping[str, Resources], free: Mapping[str, Resources], count: int) -> list[str]:
    """At most `count` nodes for one replica each; a node with room for several may be named again.

    `needs` says what a replica takes on each node that may hold one, `free` what is left there. The
    node with the most processors left is next, so replicas spread.
    """
    left = dict(free)
    chosen: list[str] = []
    while len(chosen) < count:
        fitting = [node for node in needs if node in left and left[node].holds(needs[node])]
        if not fitting:
            break
        node = max(fitting, key=lambda node: (left[node].gpus, left[node].cpus))
        left[node] = left[node].without(needs[node])
        chosen.append(node)
    return chosen
