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
from localfair.recipe.schema import Train

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
    from localfair.committee.ray_training import RayTrainer

    trainer = RayTrainer(cluster, order.train_workers) if order.train_workers else None
    residents = RayResidents(cluster, order.replicas, trainer)
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
        for option, value in (
            ("--replicas", order.replicas),
            ("--train-workers", order.train_workers),
        ):
            if value is not None:
                raise UsageError(f"{option} needs a cluster", "name one with --ray HOST:PORT")
        return None
    _check_workers(order)
    from localfair.committee.ray_cluster import RayCluster

    return RayCluster(order.ray)


def _check_workers(order: Order) -> None:
    """Raise UsageError for a training step whose batch its workers cannot share."""
    workers = order.train_workers or 1
    for _, step in order.recipe.steps():
        if not isinstance(step, Train) or workers == 1:
            continue
        if step.batch % workers:
            raise UsageError(
                f"--train-workers {workers}: step {step.id!r} has a batch of {step.batch}, which "
                "they cannot share evenly",
                f"choose a number that divides it, or --set {step.id}.batch=N",
            )
        if step.one_question_a_batch:
            raise UsageError(
                f"--train-workers {workers}: batches of step {step.id!r} hold each question once "
                "and cannot be shared",
                f"leave the option out, or --set {step.id}.one_question_a_batch=false",
            )
