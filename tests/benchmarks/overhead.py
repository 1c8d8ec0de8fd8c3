"""CPU time that one call costs, ours beside distilabel's and Curator's, on a server that always takes the same time.

Writes below the working folder. A client's process (and the processes it waits for) is charged for a few calls and
for many; the difference over the calls between them is the cost of one, without start and imports.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from localfair.errors import UsageError
from tests.benchmarks.pairs import Journal, Measure, Result, Target, middle, ratios, result
from tests.benchmarks.setting import ROOT, Setting

LATENCY = 0.05
CONCURRENCY = (1, 8, 32)
OTHERS = {"distilabel": "client_distilabel", "curator": "client_curator"}


def overhead(setting: Setting) -> Iterator[Result]:
    """Milliseconds a call at each concurrency; then ours over each of the others that is here."""
    pythons = {"distilabel": setting.distilabel_python, "curator": setting.curator_python}
    sides = {"ours": (sys.executable, "client_ours")}
    sides |= {name: (python, OTHERS[name]) for name, python in pythons.items() if python}
    with stub() as url:
        for at_once in CONCURRENCY:
            few, many = (setting.size(n, max(8, n // 10)) for n in _calls(at_once))
            journal = Journal(
                setting.work,
                "overhead",
                at_once=at_once,
                few=few,
                many=many,
                sides=sorted(sides),
                latency=LATENCY,
            )
            rounds = journal.side_by_side(
                setting.count(7),
                **{
                    name: partial(_cost, python, client, url, at_once, few, many, setting.work)
                    for name, (python, client) in sides.items()
                },
            )
            yield from _rows(rounds, at_once, list(sides))


def _calls(at_once: int) -> tuple[int, int]:
    """Few and many: fewer where they go one by one, 50 ms each."""
    return (50, 250) if at_once == 1 else (200, 1800)


def _rows(rounds: list[dict[str, Measure]], at_once: int, sides: list[str]) -> Iterator[Result]:
    milliseconds = {name: [r[name]["cpu_ms"] for r in rounds] for name in sides}
    yield result(
        f"overhead, {at_once} at once", milliseconds["ours"], Target("at most", 2.0),
        f"CPU time of a call through Committee, openai_http and the record, every reply durable; stub with "
        f"{LATENCY * 1000:g} ms a reply, {at_once} at once", unit="ms",
    )  # fmt: skip
    for name in sides[1:]:
        yield result(
            f"overhead over {name}, {at_once} at once", ratios(rounds, "cpu_ms", under=name), None,
            f"our CPU time of a call over {name}'s on the same stub, {at_once} at once",
            details={"their_ms": middle(rounds, name, "cpu_ms")},
        )  # fmt: skip


def _cost(
    python: str, client: str, url: str, at_once: int, few: int, many: int, work: Path
) -> Measure:
    """CPU milliseconds of one call: the slope between two processes that make few and many."""
    less, more = (_cpu_seconds(python, client, url, at_once, calls, work) for calls in (few, many))
    return {"cpu_ms": 1000 * (more - less) / (many - few), "start_cpu_seconds": less}


def _cpu_seconds(python: str, client: str, url: str, at_once: int, calls: int, work: Path) -> float:
    """User and system time of a client's process and of the children it waited for."""
    log = work / f"{client}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [python, "-m", f"tests.benchmarks.{client}", url, str(at_once), str(calls)],
            cwd=ROOT, env=os.environ | _offline(work), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UsageError(f"{client} failed: {log.read_text()[-1500:].strip()}", f"see {log}")
    return used.ru_utime + used.ru_stime


def _offline(work: Path) -> dict[str, str]:
    """No telemetry, no hub, no cache that answers in the server's place, nothing in the user's home."""
    home = work / "home"
    home.mkdir(exist_ok=True)
    return {
        "HOME": str(home), "HF_HOME": str(home / "hf"), "CURATOR_CACHE_DIR": str(home / "curator"),
        "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1",
        "TELEMETRY_ENABLED": "false", "CURATOR_DISABLE_CACHE": "1", "CURATOR_DISABLE_RICH_DISPLAY": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


@contextmanager
def stub() -> Iterator[str]:
    """The base URL of a stub in a process of its own, for as long as it is needed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.stub", "--latency", str(LATENCY)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stdin
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
