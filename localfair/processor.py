"""Which precision this machine multiplies fast, known without loading torch.

Reads /proc/cpuinfo and looks for an NVIDIA device; writes nothing.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Literal

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
