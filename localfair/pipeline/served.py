"""Where a run's models are opened: on this machine, or on the Ray cluster that the order names.

Reads model cards and the cluster's state; writes nothing. Nothing is asked before the whole
committee is known to fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from localfair.committee.residents import OneResident, Residents
from localfair.errors import UsageError
from localfair.pipeline.orders import Order
from localfair.pipeline.prepared import Prepared

if TYPE_CHECKING:
    from localfair.committee.ray_cluster import RayCluster


@contextmanager
def served(prepared: Prepared) -> Iterator[Residents]:
    """Who opens the engines of a prepared run.

    Raises UsageError for a cluster that cannot be joined, has not the same weights on every node,
    or has no room for a model; MissingDependency without the extra.
    """
    order = prepared.order
    cluster = joined(order)
    if cluster is None:
        yield OneResident()
        return
    from localfair.committee.ray_residents import RayResidents

    residents = RayResidents(cluster, order.replicas)
    try:
        residents.check(prepared.members)
        yield residents
    finally:
        residents.close()


def joined(order: Order) -> RayCluster | None:
    """The cluster that the order names; None where it names none.

    Raises UsageError for one that cannot be joined, MissingDependency without the extra.
    """
    if order.ray is None:
        if order.replicas is not None:
            raise UsageError("--replicas needs a cluster", "name one with --ray HOST:PORT")
        return None
    from localfair.committee.ray_cluster import RayCluster

    return RayCluster(order.ray)
