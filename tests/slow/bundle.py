"""A bundle of the quickstart with its wheels, unpacked, installed and run without any network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.gpu.machine import ROOT
from tests.slow.rows import Row

APART = ("unshare", "-rn")
EXTRAS = "train,xllamacpp"


def prove(folder: Path, quick: bool) -> Iterator[Row]:
    """That the other side needs nothing but the bundle and a Python.

    Quick, the bundle holds no wheels, and the recipe is checked instead of run.
    """
    folder = folder / f"{time.time_ns()}"
    folder.mkdir(parents=True)
    bundle = folder / "lab.tar.gz"
    wheels = () if quick else ("--wheels", EXTRAS)
    ours = (sys.executable, "-m", "localfair", "bundle")
    yield _row("create", (*ours, "create", str(bundle), "--recipe", "quickstart", *wheels), ROOT)
    yield _row("verify", (*APART, *ours, "verify", str(bundle)), ROOT)
    lab = folder / "lab"
    yield _row("unpack", (*APART, *ours, "unpack", str(bundle), "--to", str(lab)), ROOT)
    if quick:
        checked = (*APART, sys.executable, "-m", "localfair", "recipes", "check", "quickstart")
        yield _row("recipes check", checked, lab)
        return
    python = str(folder / "venv/bin/python")
    yield _row("a fresh venv", (sys.executable, "-m", "venv", str(folder / "venv")), folder)
    install = ("-m", "pip", "install", "-q", "--no-index", "--find-links", str(lab / "wheels"))
    yield _row("install", (*APART, python, *install, f"localfair[{EXTRAS}]"), lab)
    run = ("-m", "localfair", "run", "quickstart", "--json", "--db", "lab.db")
    yield _row("run quickstart", (*APART, python, *run), lab)


def _row(name: str, command: tuple[str, ...], folder: Path) -> Row:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["LOCALFAIR_WORKSPACE"] = str(folder)
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    measures = {"exit": done.returncode, "seconds": round(time.perf_counter() - started, 1)}
    if name == "run quickstart" and done.returncode == 0:
        report = json.loads(done.stdout)
        for key in ("before", "after", "lessons", "backend_calls"):
            measures[key] = report.get(key)
    last = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()[-1:]
    outcome = "held" if done.returncode == 0 else "broke"
    note = "" if name == "run quickstart" else "".join(last)
    return Row(name=name, outcome=outcome, measures=measures, note=note[:200])
