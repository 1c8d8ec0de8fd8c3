"""Whole recipes through the command line, as a user runs them, with the network off.

Reads weights by their cards, and SVAMP; writes a record below the working folder. A part that is
done again goes on in the same record.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from localfair.errors import EngineError
from localfair.machine.hardware import gpu_memory
from tests.gpu.machine import ROOT
from tests.gpu.models import QWEN, QWEN_LARGE, tiny_folder
from tests.gpu.setting import Measures, Row, Setting
from tests.gpu.toy import seats, small, svamp_file

QUESTIONS = 300  # of train, and of test
LOOK_EVERY = 0.5  # seconds between two looks at the card's memory
MIB = 2**20


def quickstart(setting: Setting) -> Iterator[Row]:
    """`localfair run quickstart`: the student before and after, and what it took."""
    arguments = ["quickstart"]
    if setting.toy:
        arguments += ["--student", str(tiny_folder(setting))]
        arguments += [*seats(setting, 3), *small("quickstart")]
    yield Row("localfair run quickstart", run(setting, "quickstart.db", arguments))


def svamp(setting: Setting, recipe: str, seed: int) -> Iterator[Row]:
    """A recipe on SVAMP: Qwen2.5-Coder-0.5B is the student, 1.5B and 0.5B teach."""
    arguments = [recipe, "--task", "svamp", "--seed", str(seed)]
    if setting.toy:
        arguments += ["--data", str(svamp_file(setting)), "--student", str(tiny_folder(setting))]
        arguments += [*seats(setting, 2), *small(recipe)]
    else:
        limits = ["--train-limit", str(QUESTIONS), "--test-limit", str(QUESTIONS)]
        arguments += ["--data", str(setting.data / "svamp"), "--student", QWEN, *limits]
        arguments += ["--teacher", QWEN_LARGE, "--teacher", QWEN]
    yield Row(f"localfair run {recipe}", run(setting, f"svamp-{recipe}-{seed}.db", arguments))


def run(setting: Setting, record: str, arguments: list[str]) -> Measures:
    """`localfair run` in a process of its own; the report's numbers, the time, the card's peak.

    Raises EngineError with the command's last words when it fails.
    """
    db = setting.folder("records") / record
    command = [sys.executable, "-m", "localfair", "run", *arguments, "--db", str(db), "--json"]
    started = time.perf_counter()
    with card_watched() as peak:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise EngineError(f"localfair run failed: {' '.join(done.stderr.split())[-300:]}")
    return numbers(json.loads(done.stdout)) | {
        "seconds": time.perf_counter() - started,
        "card_peak_bytes": peak[0],
    }


def numbers(report: dict[str, Any]) -> Measures:
    """What the table takes of a report."""
    measures: Measures = {}
    for exam in ("before", "after"):
        found = report[exam]
        measures[exam] = f"{found['right']} of {found['questions']}"
    for count in ("mistakes", "explanations", "reviews", "lessons", "calls"):
        measures[count] = report[count]
    adapter = report["adapter"] or {}
    for name in ("steps", "seconds"):
        measures[f"training_{name}"] = adapter.get(name)
    return measures


@contextmanager
def card_watched() -> Iterator[list[int]]:
    """Within it the card's memory is watched; the list holds the most bytes that were in use."""
    done = threading.Event()
    peak = [0]

    def look() -> None:
        while not done.is_set():
            for used in gpu_memory()[:1]:
                peak[0] = max(peak[0], used * MIB)
            done.wait(LOOK_EVERY)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
