"""Where a run's models are opened: on this machine, or on the Ray cluster that the order names.

Reads model cards and the cluster's state; writes nothing. Nothing is asked before the whole
committee is known to fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from localfair.committee.residents import OneResident, Residents
from localfair.errors import UsageError
from localfair.pipeline.prepared import Prepared


@contextmanager
def served(prepared: Prepared) -> Iterator[Residents]:
    """Who opens the engines of a prepared run.

    Raises UsageError for a cluster that cannot be joined, has not the same weights on every node,
    or has no room for a model; MissingDependency without the extra.
    """
    order = prepared.order
    if order.ray is None:
        if order.replicas is not None:
            raise UsageError("--replicas needs a cluster", "name one with --ray HOST:PORT")
        yield OneResident()
        return
    from localfair.committee.ray_cluster import RayCluster
    from localfair.committee.ray_residents import RayResidents

    residents = RayResidents(RayCluster(order.ray), order.replicas)
    try:
        residents.check(prepared.members)
        yield residents
    finally:
        residents.close()
