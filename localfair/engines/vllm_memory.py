"""How much memory vLLM's server may take on this machine: of its GPUs where there are any, else of
its RAM.

Reads what the GPUs' driver and the system say; writes nothing. Knows nothing of requests or
servers.
"""

from __future__ import annotations

from localfair.machine.hardware import gpu_memory

GPU_SHARE = 0.9  # of the memory that is free on a GPU when the server starts
CPU_SHARE = 0.4  # of the machine's free memory, for the key-value cache
LEAST_CACHE = 2**28  # bytes
USUAL_CACHE = 2**30  # bytes, where a model does not say how much of it a token takes
GPU_SCRATCH = 2**31  # bytes vLLM takes beside weights and cache (ours, a guess on the safe side)


def memory_arguments(wanted: int) -> list[str]:
    """The server's options: a share of what is free, and on a CPU no more cache than can be used.

    `wanted` is the bytes of cache that all sequences together can fill, or 0 where nobody knows.
    """
    gpus = _gpus()
    if gpus:
        share = GPU_SHARE * min(free / total for free, total in gpus)
        return ["--gpu-memory-utilization", f"{share:.3f}"]
    cache = max(LEAST_CACHE, min(wanted or USUAL_CACHE, most_cache(0)))
    return ["--kv-cache-memory-bytes", str(cache)]


def most_cache(weights: int) -> int:
    """Bytes that the key-value cache may take beside so many bytes of weights."""
    gpus = _gpus()
    if gpus:
        free = min(mebibytes for mebibytes, _ in gpus) * 2**20
        return max(LEAST_CACHE, int(GPU_SHARE * free) - weights - GPU_SCRATCH)
    import psutil

    return int(psutil.virtual_memory().available * CPU_SHARE)


def _gpus() -> list[tuple[int, int]]:
    """(free, all) MiB of each GPU that this process may use; empty without one."""
    gpus = []
    for used, total in zip(gpu_memory(), gpu_memory("memory.total"), strict=False):
        gpus.append((total - used, total))
    return gpus
