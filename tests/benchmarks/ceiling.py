"""What this machine could do at most: how fast it reads memory, how fast it multiplies.

Reads nothing, writes nothing. A token at batch 1 reads every weight once. At batch n one reading
serves n tokens, until arithmetic is the bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import numpy as np

MIB = 2**20


def bounds(weight_bytes: int, parameters: int, batch: int) -> dict[str, float]:
    """Tokens per second that bandwidth and arithmetic allow, at batch 1 and at `batch`.

    A token takes 2 operations a weight.
    """
    bandwidth = memory_bandwidth()
    arithmetic = matmul_rate()
    by_reading = bandwidth / weight_bytes
    by_arithmetic = arithmetic / (2 * parameters)
    return {
        "read_gb_per_second": round(bandwidth / 1e9, 1),
        "matmul_gflops": round(arithmetic / 1e9, 1),
        "bound_at_1": round(min(by_reading, by_arithmetic), 1),
        f"bound_at_{batch}": round(min(batch * by_reading, by_arithmetic), 1),
    }


@cache
def memory_bandwidth(threads: int | None = None, size: int = 64 * MIB) -> float:
    """Bytes read a second by all cores together, best of five.

    Each sums an array of `size` float32 numbers, far larger than the caches.
    """
    from localfair.machine.hardware import physical_cores

    threads = threads or physical_cores()
    arrays = [np.ones(size, dtype=np.float32) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        seconds = _shortest(lambda: list(pool.map(np.sum, arrays)))
    return sum(array.nbytes for array in arrays) / seconds


@cache
def matmul_rate(size: int = 2048) -> float:
    """Operations a second of a square product: the faster of torch's bf16 and float32.

    Without torch, numpy's float32.
    """
    operations = 2 * size**3
    try:
        import torch
    except ImportError:
        matrix = np.ones((size, size), dtype=np.float32)
        return operations / _shortest(partial(np.matmul, matrix, matrix))
    rates = []
    for dtype in (torch.float32, torch.bfloat16):
        square = torch.ones(size, size, dtype=dtype)
        rates.append(operations / _shortest(partial(torch.matmul, square, square)))
    return max(rates)


def _shortest(work: Callable[[], object], repeats: int = 5) -> float:
    """The seconds of the shortest of some runs; one before them warms up."""
    work()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
