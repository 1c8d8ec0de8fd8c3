"""The whole of `tests/reliability`: at least 200 kills of scripted and HTTP engines, 10 of real models."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.gpu.machine import ROOT
from tests.reliability.campaign import Tally
from tests.reliability.results import holds
from tests.slow.rows import Row

# Of eight ends, one is a signal and no kill.
WHOLE = (
    (("scripted", "http"), ("1", "16"), 130),
    (("llama_cpp", "vllm"), ("4",), 18),
)
QUICK = ((("scripted", "vllm"), ("4",), 8),)


def prove(folder: Path, quick: bool) -> Iterator[Row]:
    """A row for each engine and number at once."""
    for engines, at_once, ends in QUICK if quick else WHOLE:
        written = folder / "tallies.json"
        command = [sys.executable, "-m", "tests.reliability", "--json", str(written)]
        command += ["--engine", *engines, "--at-once", *at_once, "--ends", str(ends)]
        subprocess.run(command, cwd=ROOT, check=False)
        results = json.loads(written.read_text())
        for tally in results["tallies"]:
            yield _row(tally)
        for engine, reason in results["not tried"].items():
            yield Row(name=engine, outcome="not tried", note=reason)


def _row(tally: dict[str, Any]) -> Row:
    broken = tally.pop("broken")
    engine = tally.pop("engine")
    at_once = tally.pop("at_once")
    kept = holds(Tally(engine=engine, at_once=at_once, broken=broken, **tally))
    return Row(
        name=f"{engine}, {at_once} at once",
        outcome="held" if kept else "broke",
        measures={**tally, "broken": len(broken)},
        note="; ".join(broken),
    )
