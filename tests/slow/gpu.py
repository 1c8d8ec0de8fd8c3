"""The first half of `python -m tests.gpu`, which measures; what did not come to its end broke."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.gpu.machine import ROOT
from tests.slow.rows import Row


def prove(folder: Path, quick: bool) -> Iterator[Row]:
    """A row for each of its parts; the numbers stand in gpu.json, `--markdown` shows them."""
    out = folder / "gpu.json"
    command = [sys.executable, "-m", "tests.gpu", "--out", str(out), "--work", str(folder / "gpu")]
    command += ["--toy", "--parts", "facts"] if quick else ["--half", "first"]
    subprocess.run(command, cwd=ROOT, check=False)
    for key, part in json.loads(out.read_text())["parts"].items():
        yield Row(
            name=key,
            outcome="held" if part["status"] == "done" else "broke",
            measures={"seconds": part["seconds"]},
            note=part["reason"],
        )
