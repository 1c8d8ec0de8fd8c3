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
# llama.cpp's server is reached over 127.0.0.1, which a new namespace has and keeps down
UP = (*APART, "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
EXTRAS = "train,llama,xllamacpp"
# The way is proved, not what is learned.
LIMITS = ("--train-limit", "32", "--test-limit", "32")
QUESTION = "Mia has 3 jars with 8 beads each. How many beads has she?"


def prove(folder: Path, quick: bool) -> Iterator[Row]:
    """That the other side needs nothing but the bundle and a Python.

    Quick, the bundle holds no wheels, and the recipe is checked instead of run.
    """
    folder = folder / f"{time.time_ns()}"
    folder.mkdir(parents=True)
    for name, command, place in _steps(folder, quick):
        row = _row(name, command, place)
        yield row
        if row.outcome == "broke":
            return


def _steps(folder: Path, quick: bool) -> Iterator[tuple[str, tuple[str, ...], Path]]:
    """What is done: its name, its command, and the folder in which it is given."""
    bundle = folder / "lab.tar.gz"
    lab = folder / "lab"
    wheels = () if quick else ("--wheels", EXTRAS)
    ours = (sys.executable, "-m", "localfair")
    yield (
        "create",
        (*ours, "bundle", "create", str(bundle), "--recipe", "quickstart", *wheels),
        ROOT,
    )
    yield "verify", (*APART, *ours, "bundle", "verify", str(bundle)), ROOT
    yield "unpack", (*APART, *ours, "bundle", "unpack", str(bundle), "--to", str(lab)), ROOT
    if quick:
        yield "recipes check", (*APART, *ours, "recipes", "check", "quickstart"), lab
        return
    python = str(folder / "venv/bin/python")
    yield "a fresh venv", (sys.executable, "-m", "venv", str(folder / "venv")), folder
    install = ("-m", "pip", "install", "-q", "--no-index", "--find-links", str(lab / "wheels"))
    yield "install", (*APART, python, *install, f"localfair[{EXTRAS}]"), lab
    run = ("-m", "localfair", "run", "quickstart", "--json", "--db", "lab.db", *LIMITS)
    yield "run quickstart", (*APART, python, *run), lab
    model = ("--model", "smollm2-135m-instruct", "--db", "lab.db", "--max-tokens", "32")
    for engine in ("llama_cpp", "xllamacpp"):
        ask = ("-m", "localfair", "ask", QUESTION, *model, "--engine", engine)
        yield f"ask {engine}", (*UP, python, *ask), lab


def _row(name: str, command: tuple[str, ...], folder: Path) -> Row:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["LOCALFAIR_WORKSPACE"] = str(folder)
    if name == "create":
        environment["PIP_CONSTRAINT"] = str(ROOT / "constraints.txt")
    else:
        # no other folder of wheels that this machine's pip may know of
        environment.pop("PIP_FIND_LINKS", None)
        environment["PIP_CONFIG_FILE"] = os.devnull
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    measures = {"exit": done.returncode, "seconds": round(time.perf_counter() - started, 1)}
    if name == "run quickstart" and done.returncode == 0:
        report = json.loads(done.stdout)
        for key in ("before", "after", "lessons", "backend_calls"):
            measures[key] = report.get(key)
    if done.returncode:
        # the error and its hint
        note = " ".join(done.stderr.strip().splitlines()[-2:])
        return Row(name=name, outcome="broke", measures=measures, note=note[:300])
    last = done.stdout.strip().splitlines()[-1:]
    note = "" if name == "run quickstart" else "".join(last)
    return Row(name=name, outcome="held", measures=measures, note=note[:300])
