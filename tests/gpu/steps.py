"""What is watched of a training: the moment of each step, and which optimizer takes it.

Reads and writes nothing. Knows nothing of models.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from statistics import median
from typing import Any

from tests.gpu.memory import synchronize

WARM = 3  # steps left out of the step time


class Moments:
    """When each step had ended on the card too; given to `train` as its `on_step`."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, step: object) -> None:
        synchronize()
        self.seconds.append(time.perf_counter())

    def median(self, warm: int = WARM) -> float:
        """The median seconds between steps, the first few left out while others remain."""
        gaps = [later - earlier for earlier, later in pairwise(self.seconds)]
        return median(gaps[min(warm, len(gaps) - 1) :])


@contextmanager
def optimizers() -> Iterator[list[str]]:
    """Within it, each optimizer that takes a step is named, once, on the list that is yielded."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    names: list[str] = []

    def note(optimizer: Any, *_: Any) -> None:
        name = described(optimizer)
        if name not in names:
            names.append(name)

    hook = register_optimizer_step_post_hook(note)
    try:
        yield names
    finally:
        hook.remove()


def described(optimizer: Any) -> str:
    """An optimizer's class, and whether its state is paged and in 8 bits."""
    kind = type(optimizer)
    words = [f"{kind.__module__}.{kind.__qualname__}"]
    if getattr(optimizer, "is_paged", False):
        words.append("paged")
    bits = getattr(getattr(optimizer, "args", None), "optim_bits", None)
    if bits is not None:
        words.append(f"{bits}-bit")
    return " ".join(words)
