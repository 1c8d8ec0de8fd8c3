"""What teachers cost in FLOPs: 2 for each of their parameters and each token read or written.

Reads the heads of models' weights, each once. Asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

from localfair.committee.seating import Seating
from localfair.errors import UsageError
from localfair.models import FoundModel
from localfair.models.parameters import parameters_of
from localfair.pipeline.budget import flops
from localfair.pipeline.orders import Order
from localfair.record.costs import Cost


class Parameters:
    """The sizes of models by their weights' fingerprint, as far as they can be known."""

    def __init__(self) -> None:
        self._by_name: dict[str, FoundModel] = {}
        self._by_weights: dict[str, int | None] = {}

    def price(self, cost: Cost) -> int:
        """The FLOPs of a generation, whose model's size is known."""
        size = self._by_weights[cost.fingerprint]
        assert size is not None, "see must_know"
        return flops(cost.tokens, size)

    def flops(self, order: Order, costs: Iterable[Cost]) -> int | None:
        """The FLOPs of what an order's teachers and reviewers were asked; None where a size is not
        known.
        """
        self._look(order)
        total = 0
        for cost in costs:
            size = self._by_weights.get(cost.fingerprint)
            if size is None:
                return None
            total += flops(cost.tokens, size)
        return total

    def must_know(self, order: Order) -> None:
        """Raises UsageError for a teacher or reviewer whose size is not known."""
        self._look(order)
        for name in (*order.teachers, *order.reviewers):
            if self._by_weights[self._by_name[name].fingerprint] is None:
                raise UsageError(
                    f"the parameters of {name} are not known, and a budget of FLOPs counts them",
                    "make tokens equal instead: --budget-tokens",
                )

    def _look(self, order: Order) -> None:
        """Look at the models that an order names."""
        seating = Seating(order.workspace, order.seed, order.options, order.date)
        for name in (*order.teachers, *order.reviewers):
            if name in self._by_name:
                continue
            model = seating.model(name)
            self._by_name[name] = model
            self._by_weights[model.fingerprint] = parameters_of(model)
