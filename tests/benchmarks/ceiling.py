"""What this machine could do at most: how fast it reads memory, how fast it multiplies, and what follows.

Reads nothing, writes nothing. A token at batch 1 reads every weight once; at batch n the same reading serves n
tokens, until arithmetic is the bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import numpy as np

MIB = 2**20


def bounds(weight_bytes: int, parameters: int, batch: int) -> dict[str, float]:
    """Tokens per second that bandwidth and arithmetic allow, at batch 1 and `batch`; 2 operations a weight."""
    bandwidth, arithmetic = memory_bandwidth(), matmul_rate()
    by_reading, by_arithmetic = bandwidth / weight_bytes, arithmetic / (2 * parameters)
    return {
        "read_gb_per_second": round(bandwidth / 1e9, 1),
        "matmul_gflops": round(arithmetic / 1e9, 1),
        "bound_at_1": round(min(by_reading, by_arithmetic), 1),
        f"bound_at_{batch}": round(min(batch * by_reading, by_arithmetic), 1),
    }


@cache
def memory_bandwidth(threads: int | None = None) -> float:
    """Bytes read a second, all cores together: the sum of arrays far larger than the caches, best of five."""
    from localfair.machine.hardware import physical_cores

    arrays = [np.ones(64 * MIB, dtype=np.float32) for _ in range(threads or physical_cores())]
    with ThreadPoolExecutor(len(arrays)) as pool:
        seconds = _best(lambda: list(pool.map(np.sum, arrays)))
    return sum(a.nbytes for a in arrays) / seconds


@cache
def matmul_rate(size: int = 2048) -> float:
    """Operations a second of a square product, the faster of torch's bf16 and float32 (numpy's without torch)."""
    try:
        import torch
    except ImportError:
        a = np.ones((size, size), dtype=np.float32)
        return 2 * size**3 / _best(lambda: a @ a)
    pairs = [torch.ones(size, size, dtype=kind) for kind in (torch.float32, torch.bfloat16)]
    return max(2 * size**3 / _best(partial(torch.matmul, a, a)) for a in pairs)


def _best(work: Callable[[], Any], repeats: int = 5) -> float:
    """The shortest of some runs, in seconds; the first warms up."""
    work()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)
