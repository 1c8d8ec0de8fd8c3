"""What the numbers were measured on: card, driver, versions, date, command, commit.

Asks nvidia-smi, git and package metadata; loads neither torch nor bitsandbytes.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from localfair.machine.hardware import machine as processor

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "torch",
    "bitsandbytes",
    "transformers",
    "peft",
    "accelerate",
    "trl",
    "llama-cpp-python",
    "gguf",
)
CARD = ("name", "driver_version", "memory.total", "compute_cap")


def about() -> dict[str, str]:
    """Card and driver ("none" without a card), processor, versions, date, command and commit."""
    card = card_facts()
    facts = {
        "card": card.get("name", "none"),
        "driver": card.get("driver_version", "none"),
        "processor": processor(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python -m tests.gpu {' '.join(sys.argv[1:])}",
        "commit": commit(),
    }
    for package in PACKAGES:
        facts[package] = _version(package)
    return facts


def card_facts() -> dict[str, str]:
    """What nvidia-smi says of the first card, by the names it is asked with; empty without one."""
    first = next(iter(driver_says(f"--query-gpu={','.join(CARD)}")), [])
    return dict(zip(CARD, first, strict=False))


def driver_says(query: str) -> list[list[str]]:
    """The values of each line that nvidia-smi answers a query with; none where it is not or fails."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, query, "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [[value.strip() for value in line.split(",")] for line in done.stdout.splitlines()]


def commit() -> str:
    """The checkout's commit; `LOCALFAIR_COMMIT` says it where a copy without git is measured."""
    given = os.environ.get("LOCALFAIR_COMMIT")
    if given:
        return given
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
