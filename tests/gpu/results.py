"""The results file and its table: what became of each part, and its rows.

Reads and writes one JSON file. Knows nothing of how a part is done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Status = Literal["done", "failed", "out of time"]
HEAD = "| part | what | measured |\n|---|---|---|"
IN_THE_NAME = ("shape", "length", "checkpointing", "batch", "rank")  # of a row: not said twice
GIB = 2**30
VERSIONS = ("torch", "bitsandbytes", "transformers", "peft", "trl", "llama-cpp-python")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a part: its rows, and the reason where it did not come to its end.

    machine: as `tests.gpu.machine.about` says it. seconds: wall clock of the whole process.
    """

    status: Status
    reason: str
    seconds: float
    rows: list[dict[str, Any]]
    machine: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "reason": self.reason,
            "seconds": round(self.seconds, 1),
            "rows": self.rows,
            "machine": self.machine,
        }


class Results:
    """What the file holds, by the key of a part; written anew whenever one is added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: dict[str, dict[str, Any]] = {}
        if path.exists():
            self.parts = json.loads(path.read_text(encoding="utf-8"))["parts"]

    def is_done(self, key: str) -> bool:
        """Whether a part came to its end; one that failed or ran out of time is done again."""
        return key in self.parts and self.parts[key]["status"] == "done"

    def add(self, key: str, outcome: Outcome) -> None:
        """Add a part, or replace it, and write the file whole."""
        self.parts[key] = outcome.as_json()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".part")
        written.write_text(json.dumps({"parts": self.parts}, indent=1), encoding="utf-8")
        written.replace(self.path)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The measures of all rows of the parts of one name, those of toy size left out."""
        measures = []
        for key, part in self.parts.items():
            if key.split()[0] == name and not key.endswith("(toy)"):
                measures += [row["measures"] for row in part["rows"]]
        return measures

    def markdown(self) -> str:
        """The machines, each in a line, and a table of every part's rows."""
        lines = []
        for part in self.parts.values():
            machine = machine_line(part["machine"])
            if machine not in lines:
                lines.append(machine)
        lines += ["", HEAD]
        for key, part in self.parts.items():
            lines += part_lines(key, part)
        return "\n".join(lines)


def part_lines(key: str, part: dict[str, Any]) -> list[str]:
    """A part's lines of the table: what became of it, then a line for each row."""
    became = f"{part['status']} in {part['seconds']:.0f} s"
    if part["reason"]:
        became += f": {part['reason']}"
    return [table_line(key, became, ""), *(_row_line(key, row) for row in part["rows"])]


def _row_line(key: str, row: dict[str, Any]) -> str:
    measures = []
    for name, value in row["measures"].items():
        if name not in IN_THE_NAME:
            measures.append(_shown(name, value))
    if row["note"]:
        measures.append(f"({row['note']})")
    return table_line(key, row["name"], ", ".join(measures))


def machine_line(machine: dict[str, str]) -> str:
    """Card, driver, versions, day and commit in one line."""
    versions = [f"{package} {machine[package]}" for package in VERSIONS]
    return (
        f"card: {machine['card']}, driver {machine['driver']}; {machine['processor']}, "
        f"Python {machine['python']}; {', '.join(versions)}; {machine['date'][:10]}, "
        f"commit {machine['commit']}"
    )


def table_line(*cells: str) -> str:
    """A row of a Markdown table."""
    escaped = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _shown(name: str, value: Any) -> str:
    """A measure in words: bytes as GiB, what is an answer by its name."""
    if isinstance(value, bool):
        return f"{name.replace('_', ' ')}: {'yes' if value else 'no'}"
    if name.endswith("_bytes"):
        return f"{name.removesuffix('_bytes').replace('_', ' ')} {value / GIB:.3g} GiB"
    return f"{name.replace('_', ' ')} {_text(value)}"


def _text(value: Any) -> str:
    """A number with three digits, or all of them before the point; a long list by its ends."""
    if isinstance(value, list):
        ends = value if len(value) <= 4 else [value[0], value[1], "…", value[-1]]
        return f"[{' '.join(_text(each) for each in ends)}]"
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
