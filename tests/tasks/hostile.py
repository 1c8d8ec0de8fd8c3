"""How much work a reader does on a text."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(read: Callable[[str], object], text: str) -> float:
    """Processor seconds of a reading, the least of three, and never so few that noise counts."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        read(text)
        best = min(best, time.process_time() - start)
    return max(best, 0.02)
