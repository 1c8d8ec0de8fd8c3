"""The quickstart in a network namespace of its own, in which there is not even loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.gpu.machine import ROOT
from tests.slow.rows import Row

APART = ("unshare", "-rn", sys.executable)
CALL = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"


def prove(folder: Path, quick: bool) -> Iterator[Row]:
    """That no call gets out of the namespace, and that the run in it comes to its report.

    Quick, the run is planned alone.
    """
    yield _no_network()
    command = [*APART, "-m", "localfair"]
    verb = "plan" if quick else "run"
    command += [verb, "quickstart", "--json", "--db", str(folder / f"{time.time_ns()}.db")]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    seconds = round(time.perf_counter() - started, 1)
    report = json.loads(done.stdout) if done.returncode == 0 else {}
    measures = {"exit": done.returncode, "seconds": seconds}
    for key in ("before", "after", "lessons", "backend_calls"):
        if key in report:
            measures[key] = report[key]
    yield Row(
        name=f"localfair {verb} quickstart",
        outcome="held" if done.returncode == 0 else "broke",
        measures=measures,
    )


def _no_network() -> Row:
    done = subprocess.run([*APART, "-c", CALL], capture_output=True, text=True, check=False)
    refused = done.stderr.strip().splitlines()[-1:]
    return Row(
        name="a call out of the namespace",
        outcome="held" if done.returncode else "broke",
        note="".join(refused),
    )
