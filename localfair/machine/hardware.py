"""This machine's processor, memory and GPU: what they are, and how much is in use.

Reads /proc/cpuinfo, /sys and what nvidia-smi prints, and looks for an NVIDIA device; writes only
`os.environ`, where threads are limited. Knows nothing of models. Only `free_memory` loads torch.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import psutil

CPUINFO = Path("/proc/cpuinfo")
NVIDIA = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
X86 = ("x86_64", "AMD64")


@cache
def usual_precision() -> Literal["bf16", "fp32"]:
    """The precision that this machine multiplies fast."""
    nvidia = any(device.exists() for device in NVIDIA)
    return fast_precision(platform.machine(), cpu_flags(CPUINFO), nvidia)


def fast_precision(
    architecture: str, flags: Collection[str] | None, nvidia: bool
) -> Literal["bf16", "fp32"]:
    """bf16, except on an x86 processor without AVX-512 and without a GPU beside it: fp32.

    There torch multiplies bf16 matrices by a plain loop, 85 times slower than float32 ones (torch
    2.13, an EPYC with AVX2 alone). oneDNN's fast path begins with avx512bw. Flags that are not
    known (None) count as having it.
    """
    if nvidia or architecture not in X86 or flags is None:
        return "bf16"
    return "bf16" if "avx512bw" in flags else "fp32"


def cpu_flags(cpuinfo: Path) -> frozenset[str] | None:
    """The processor's flags, or None where there is no `cpuinfo`."""
    if not cpuinfo.exists():
        return None
    return frozenset(cpuinfo.read_text().split())


def physical_cores() -> int:
    """Cores this process may run on, each counted once however many threads it has."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})


def limit_threads(count: int | None) -> None:
    """Have torch, and children such as vLLM's server, compute in so many threads; None changes
    nothing.
    """
    if count is None:
        return
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ[f"{library}_NUM_THREADS"] = str(count)
    torch = sys.modules.get("torch")
    if torch is not None:  # it read the variable when it was imported
        torch.set_num_threads(count)


def _siblings(cpu: int) -> str:
    """The threads of this one's core, as the system writes them."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return str(cpu)


def gpu_memory(which: str = "memory.used") -> list[int]:
    """MiB in use (or `memory.total`) on each NVIDIA GPU, by its driver; empty without one."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, f"--query-gpu={which}", "--format=csv,noheader,nounits"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible:
        command += ["-i", visible]
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - a list of arguments, no shell
        return [int(line) for line in done.stdout.split()]
    return []


SAMPLE_EVERY = 0.05  # seconds between two looks at the memory


@contextmanager
def watched() -> Iterator[list[int]]:
    """Within it, memory is watched; the list that is yielded holds one number, the peak so far.

    The peak is the highest resident size, in bytes, of this process and its children together.
    """
    import psutil

    process = psutil.Process()
    done = threading.Event()
    peak = [0]

    def look() -> None:
        while True:
            peak[0] = max(peak[0], resident(process))
            if done.wait(SAMPLE_EVERY):
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def resident(process: psutil.Process) -> int:
    """Bytes of a process and its children in memory; a child that has just ended counts 0."""
    import psutil

    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def machine() -> str:
    """What rates are rates of: the processor and how many of its cores this process may use."""
    name = processor_name(CPUINFO) or platform.processor() or platform.machine()
    return f"{name}, {_usable_cores()} cores"


def processor_name(cpuinfo: Path) -> str | None:
    """The first processor's name, or None where `cpuinfo` does not say it."""
    if not cpuinfo.exists():
        return None
    for line in cpuinfo.read_text().splitlines():
        if "model name" in line:
            return line.partition(":")[2].strip()
    return None


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


GPU_MEMORY = "GPU memory"


def free_memory() -> tuple[str, int]:
    """(GPU_MEMORY, bytes free on the first GPU that torch sees), else ("memory", bytes free)."""
    if importlib.util.find_spec("torch") is not None:
        import torch

        if torch.cuda.is_available():
            free, _ = torch.cuda.mem_get_info()
            return GPU_MEMORY, int(free)
    import psutil

    return "memory", int(psutil.virtual_memory().available)
