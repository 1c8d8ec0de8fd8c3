"""CPU time that one call costs, ours beside distilabel's and Curator's.

The server is a stub that always takes the same time. A client's process (and the processes it waits
for) is charged for a few calls and for many; the difference over the calls between them is the cost
of one, without start and imports. Writes below the working folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks.pairs import Journal, Measure, Result, Target, middle, ratios, result
from tests.benchmarks.setting import ROOT, Setting, used_by

LATENCY = 0.05
CONCURRENCY = (1, 8, 32)
# No telemetry, no hub, no cache that answers in the server's place.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TELEMETRY_ENABLED": "false",
    "CURATOR_DISABLE_CACHE": "1",
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True, slots=True)
class Client:
    """A module here that asks the stub, and the Python that runs it."""

    python: str
    module: str
    url: str
    at_once: int
    work: Path

    def cost(self, few: int, many: int) -> Measure:
        """CPU milliseconds of one call: the slope between two processes."""
        less = self.cpu_seconds(few)
        more = self.cpu_seconds(many)
        return {"cpu_ms": 1000 * (more - less) / (many - few), "start_cpu_seconds": less}

    def cpu_seconds(self, calls: int) -> float:
        """User and system time of the client's process and of the children it waited for."""
        log = self.work / f"{self.module}.log"
        module = f"tests.benchmarks.{self.module}"
        command = [self.python, "-m", module, self.url, str(self.at_once), str(calls)]
        used = used_by(self.module, command, log, os.environ | _offline(self.work))
        return used.ru_utime + used.ru_stime


def overhead(setting: Setting) -> Iterator[Result]:
    """Milliseconds a call at each concurrency; then ours over each of the others that is here."""
    pythons = {"ours": sys.executable}
    if setting.distilabel_python:
        pythons["distilabel"] = setting.distilabel_python
    if setting.curator_python:
        pythons["curator"] = setting.curator_python
    with stub() as url:
        for at_once in CONCURRENCY:
            clients = {}
            for name, python in pythons.items():
                clients[name] = Client(python, f"client_{name}", url, at_once, setting.work)
            rounds = _rounds(setting, clients, at_once)
            yield _ours(rounds, at_once)
            for name in pythons:
                if name != "ours":
                    yield _ours_over(name, rounds, at_once)


def _rounds(setting: Setting, clients: dict[str, Client], at_once: int) -> list[dict[str, Measure]]:
    few, many = _calls(setting, at_once)
    journal = Journal(
        setting.work,
        "overhead",
        at_once=at_once,
        few=few,
        many=many,
        sides=sorted(clients),
        latency=LATENCY,
    )
    sides = {}
    for name, client in clients.items():
        sides[name] = partial(client.cost, few, many)
    return journal.side_by_side(setting.count(7), **sides)


def _calls(setting: Setting, at_once: int) -> tuple[int, int]:
    """Few and many: fewer where they go one by one, 50 ms each."""
    few, many = (50, 250) if at_once == 1 else (200, 1800)
    return setting.size(few, max(8, few // 10)), setting.size(many, max(8, many // 10))


def _ours(rounds: list[dict[str, Measure]], at_once: int) -> Result:
    return result(
        f"overhead, {at_once} at once",
        [measures["ours"]["cpu_ms"] for measures in rounds],
        Target("at most", 2.0),
        "CPU time of a call through Committee, openai_http and the record, every reply durable; "
        f"stub with {LATENCY * 1000:g} ms a reply, {at_once} at once",
        unit="ms",
    )


def _ours_over(name: str, rounds: list[dict[str, Measure]], at_once: int) -> Result:
    return result(
        f"overhead over {name}, {at_once} at once",
        ratios(rounds, "cpu_ms", under=name),
        None,
        f"our CPU time of a call over {name}'s on the same stub, {at_once} at once",
        details={"their_ms": middle(rounds, name, "cpu_ms")},
    )


def _offline(work: Path) -> dict[str, str]:
    """The environment of a client: offline, and nothing in the user's home."""
    home = work / "home"
    home.mkdir(exist_ok=True)
    folders = {
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "CURATOR_CACHE_DIR": str(home / "curator"),
    }
    return OFFLINE | folders


@contextmanager
def stub() -> Iterator[str]:
    """The base URL of a stub in a process of its own, for as long as it is needed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.stub", "--latency", str(LATENCY)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdin
    try:
        port = process.stdout.readline().strip()
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
