"""Memory of the card: peaks, caps that imitate a smaller card, and what stands outside a cap.

`CudaMemory` asks torch's allocator and the driver; `CountedMemory` is its peer for a machine
without a card, where peaks are those of `models fit`'s formula. Knows nothing of what is trained.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from localfair.machine.hardware import gpu_memory
from tests.gpu.machine import driver_says

MIB = 2**20
GIB = 2**30
NOT_CAPPED = (
    "not held by the cap: driver context, cuBLAS, bitsandbytes' paged buffers; "
    "what nvidia-smi showed of them is taken off the card"
)
FULL = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED")  # of errors that are no OutOfMemoryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Bytes that torch's allocator gave out and held at most, and what lay beyond it."""

    allocated: int
    reserved: int
    beyond: int


class Memory(Protocol):
    """What the search for a largest batch needs of a card."""

    device: str

    def cap(self, limit: int | None) -> None:
        """Let torch's allocator hold at most `limit` bytes; None lifts the cap."""

    def begin(self, expected: int) -> None:
        """Forget earlier peaks. `expected` bytes are what a formula says of what is coming."""

    def peak(self) -> Peak:
        """The peak since `begin`."""


class CudaMemory:
    """The first card. Other processes may use it too, where the driver tells them apart."""

    device = "cuda:0"

    def __init__(self) -> None:
        _, self._total = torch.cuda.mem_get_info()

    def cap(self, limit: int | None) -> None:
        release()
        fraction = 1.0 if limit is None else min(1.0, limit / self._total)
        torch.cuda.set_per_process_memory_fraction(fraction)

    def begin(self, expected: int) -> None:
        release()
        torch.cuda.reset_peak_memory_stats()

    def peak(self) -> Peak:
        torch.cuda.synchronize()
        beyond = held_by_this_process() - torch.cuda.memory_reserved()
        return Peak(
            allocated=torch.cuda.max_memory_allocated(),
            reserved=torch.cuda.max_memory_reserved(),
            beyond=max(0, beyond),
        )


def held_by_this_process() -> int:
    """Bytes of the card that the driver says this process holds.

    All that is in use where the driver does not name this process, as from within a container.
    """
    used = _used_by_process().get(os.getpid())
    if used is None:
        used, *_ = gpu_memory() or [0]
    return used * MIB


def _used_by_process() -> dict[int, int]:
    """MiB in use on the card by process id; empty where the driver names no processes."""
    used = {}
    for process, *memory in driver_says("--query-compute-apps=pid,used_memory"):
        megabytes, *_ = memory[0].split() if memory else [""]
        if megabytes.isdigit():
            used[int(process)] = int(megabytes)
    return used


class CountedMemory:
    """No card: a peak is what the formula says, and more than the cap is refused as torch does."""

    device = "cpu"

    def __init__(self) -> None:
        self._limit: int | None = None
        self._expected = 0

    def cap(self, limit: int | None) -> None:
        self._limit = limit

    def begin(self, expected: int) -> None:
        self._expected = expected
        if self._limit is not None and expected > self._limit:
            raise torch.OutOfMemoryError(f"{expected} bytes are more than {self._limit}")

    def peak(self) -> Peak:
        return Peak(allocated=self._expected, reserved=self._expected, beyond=0)


def memory() -> Memory:
    """The card's memory where there is one."""
    return CudaMemory() if torch.cuda.is_available() else CountedMemory()


def release() -> None:
    """Give back what nothing holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def synchronize() -> None:
    """Wait until the card has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def tried(work: Callable[[], Any]) -> Any:
    """What `work` returns, or None when it asked for more memory than there is."""
    try:
        return work()
    except torch.OutOfMemoryError:
        pass
    except RuntimeError as error:
        if not any(text in str(error) for text in FULL):
            raise
    # Out of the handlers: what failed holds its tensors as long as its traceback is held.
    release()
    return None


def reset_peak() -> None:
    """Let the next `peak_bytes` count from now."""
    release()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
