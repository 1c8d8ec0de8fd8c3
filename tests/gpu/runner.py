"""A part in a process of its own: started, watched, killed with its children at its limit.

Writes the part's rows and log below the working folder. Knows nothing of what a part measures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from tests.gpu.machine import ROOT, about
from tests.gpu.parts import Part
from tests.gpu.results import Outcome
from tests.gpu.setting import Setting

# how long a killed process may take to give back what it held
DYING_SECONDS = 30.0


def done(part: Part, setting: Setting, seconds: float) -> Outcome:
    """Do a part for at most `seconds`; the rows that it wrote before its end are kept."""
    name = part.title.replace(" ", "-")
    rows = setting.folder("rows") / f"{name}.jsonl"
    log = setting.folder("logs") / f"{name}.log"
    rows.unlink(missing_ok=True)
    started = time.perf_counter()
    code = run_limited(_command(part, setting, rows), log, seconds, _environment(setting))
    took = time.perf_counter() - started
    outcome = {"seconds": took, "rows": _read(rows), "machine": about()}
    if code is None:
        return Outcome(status="out of time", reason=f"killed after {took:.0f} s", **outcome)
    if code != 0:
        return Outcome(status="failed", reason=_last_line(log) or f"exit {code}", **outcome)
    return Outcome(status="done", reason="", **outcome)


def run_limited(
    command: list[str], log: Path, seconds: float, environment: dict[str, str]
) -> int | None:
    """Run a command with its output in `log`; its exit code, or None when it was killed."""
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            return process.wait(timeout=max(seconds, 1))
        except subprocess.TimeoutExpired:
            return None
        finally:
            # Ctrl-C ends here too: nothing that was started goes on holding the card
            kill_tree(process.pid)
            process.wait()


def kill_tree(pid: int) -> None:
    """Kill a process and all that it started, and wait until each has let go of the card.

    Nothing happens when the process has ended.
    """
    try:
        process = psutil.Process(pid)
        members = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in members:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    until = time.monotonic() + DYING_SECONDS
    while any(is_running(member.pid) for member in members) and time.monotonic() < until:
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody asked after does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _command(part: Part, setting: Setting, rows: Path) -> list[str]:
    command = [sys.executable, "-m", "tests.gpu.child", part.title, str(rows)]
    command += ["--work", str(setting.work), "--data", str(setting.data)]
    if setting.toy:
        command.append("--toy")
    return command


def _environment(setting: Setting) -> dict[str, str]:
    """This checkout and a workspace of the command's own; at toy size no card is seen."""
    environment = dict(os.environ)
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment["LOCALFAIR_WORKSPACE"] = str(setting.workspace)
    if setting.toy:
        environment["CUDA_VISIBLE_DEVICES"] = ""
        # tiny matrices on two threads mostly wait for one another
        environment["OMP_NUM_THREADS"] = "1"
    return environment


def _read(rows: Path) -> list[dict[str, Any]]:
    """The rows of a file, one JSON object a line; a line that was cut is left out."""
    if not rows.exists():
        return []
    whole = []
    for line in rows.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            whole.append(json.loads(line))
    return whole


def _last_line(log: Path) -> str:
    """The last line of a log that says something: of a traceback, the error."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else ""
