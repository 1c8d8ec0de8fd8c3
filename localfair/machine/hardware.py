"""Which precision this machine multiplies fast, known without loading torch.

Reads /proc/cpuinfo and looks for an NVIDIA device; writes nothing.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

CPUINFO = Path("/proc/cpuinfo")
NVIDIA = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


@cache
def usual_precision() -> Literal["bf16", "fp32"]:
    """bf16, except on an x86 processor without AVX-512 and without a GPU beside it: fp32.

    There torch multiplies bf16 matrices by a plain loop, 85 times slower than float32 ones (torch 2.13, an EPYC with
    AVX2 alone). oneDNN's fast path begins with avx512bw.
    """
    if platform.machine() not in ("x86_64", "AMD64") or any(device.exists() for device in NVIDIA):
        return "bf16"
    flags = CPUINFO.read_text().split() if CPUINFO.exists() else ["avx512bw"]
    return "bf16" if "avx512bw" in flags else "fp32"


def physical_cores() -> int:
    """Cores this process may run on, each counted once however many threads it has."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})


def _siblings(cpu: int) -> str:
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return str(cpu)


def gpu_memory(which: str = "memory.used") -> list[int]:
    """MiB in use (or `memory.total`) on each NVIDIA GPU, as its driver says; empty where there is none."""
    if not (tool := shutil.which("nvidia-smi")):
        return []
    asked = [tool, f"--query-gpu={which}", "--format=csv,noheader,nounits"]
    if visible := os.environ.get("CUDA_VISIBLE_DEVICES"):
        asked += ["-i", visible]
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        told = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout
        return [int(line) for line in told.split()]
    return []


SAMPLE_EVERY = 0.05  # seconds between two looks at the memory


@contextmanager
def watched() -> Iterator[list[int]]:
    """The highest resident size, in bytes, of this process and its children while the block runs, as its one item."""
    import psutil

    process, done, peak = psutil.Process(), threading.Event(), [0]

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


def resident(process: Any) -> int:
    """Bytes of a process and its children that are in memory; a child that has just ended counts for nothing."""
    import psutil

    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def machine() -> str:
    """What rates are rates of: the processor and how many of its cores this process may use."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [
            line.partition(":")[2].strip()
            for line in cpuinfo.read_text().splitlines()
            if "model name" in line
        ]
        name = models[0] if models else name
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return f"{name}, {cores} cores"


def free_memory() -> tuple[str, int]:
    """("GPU" or "memory", bytes free there): the first GPU that torch sees, else what the system can give."""
    if importlib.util.find_spec("torch") is not None:
        import torch

        if torch.cuda.is_available():
            return "GPU memory", int(torch.cuda.mem_get_info()[0])
    import psutil

    return "memory", int(psutil.virtual_memory().available)
