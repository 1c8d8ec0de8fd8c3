"""The results file and its table: what became of each part, when, at which commit, on which machine.

Reads and writes one JSON file. Knows nothing of how a part is done.
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from localfair.machine.hardware import machine as processor
from tests.gpu.machine import card_facts, commit
from tests.gpu.results import table_line

HEAD = "| part | what | outcome | measured |\n|---|---|---|---|"
Results = dict[str, dict[str, Any]]  # by the name of a part


def facts() -> dict[str, Any]:
    """Day, commit and machine."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "load": os.getloadavg()[0],
        "card": card_facts().get("name", "none"),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def read(path: Path) -> Results:
    """What the file holds; nothing where there is none."""
    if not path.exists():
        return {}
    parts: Results = json.loads(path.read_text(encoding="utf-8"))["parts"]
    return parts


def write(path: Path, results: Results) -> None:
    """Write the file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".part")
    written.write_text(json.dumps({"parts": results}, indent=1), encoding="utf-8")
    written.replace(path)


def markdown(results: Results) -> str:
    """A line for each machine, and a table of every part's rows."""
    machines = dict.fromkeys(_machine(part["facts"]) for part in results.values())
    lines = [*machines, "", HEAD]
    for name, part in results.items():
        lines.append(table_line(name, f"{part['seconds']:.0f} s", part["status"], part["reason"]))
        for row in part["rows"]:
            measures = [
                f"{key.replace('_', ' ')} {value}" for key, value in row["measures"].items()
            ]
            if row["note"]:
                measures.append(f"({row['note']})")
            lines.append(table_line(name, row["name"], row["outcome"], ", ".join(measures)))
    return "\n".join(lines)


def _machine(facts: dict[str, Any]) -> str:
    return (
        f"{facts['date'][:10]}, commit {facts['commit']}: {facts['processor']}, {facts['cores']} cores, "
        f"{facts['memory'] / 2**30:.0f} GiB, card: {facts['card']}; Python {facts['python']}, "
        f"{facts['system']}"
    )
