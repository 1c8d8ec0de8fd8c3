"""A laboratory small enough to run a whole recipe in seconds: a table of questions, scripted teachers, a tiny student.

Reads nothing; writes into the folder it is given.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localfair.pipeline import runs as pipeline
from localfair.record.store import Store
from localfair.report.findings import report

FAST = ("train.epochs=2", "train.learning_rate=1e-3", "train.max_length=500", "train.accumulation=1",
        "before.sampling.max_tokens=8", "exam.sampling.max_tokens=8", "after.sampling.max_tokens=8")  # fmt: skip

TEACHER = r"""
context = 2000
[[rule]]
when = "score in square brackets.*"
replies = ["It holds. [{score}]"]
[[rule]]
when = "a student who got a question wrong.*code of item (\\d+)"
replies = ["Read the item's own number: it is \\1.", "The number stands in the question: \\1."]
[[rule]]
when = "code of item (\\d+)"
replies = ["Item \\1 has code \\1. The answer is \\1.", "Its code is its number, \\1. The answer is {answer}."]
"""


def teacher(folder: Path, name: str, score: int = 5, answer: str = r"\\1") -> str:
    """A script that explains well, answers `answer` in every other rationale, and scores everything `score`."""
    path = folder / f"{name}.script.toml"
    path.write_text(TEACHER.replace("{score}", str(score)).replace("{answer}", answer))
    return str(path)


class Lab:
    """Makes orders and runs them."""

    def __init__(self, folder: Path, student: Path) -> None:
        self.folder = folder
        self.student = str(student)
        self.db = folder / "lab.db"
        self.data = folder / "items.jsonl"
        rows = [
            {
                "question": f"What is the code of item {n}?",
                "answer": f"Read it. #### {n}",
                "split": "test" if n % 3 == 1 else "train",
            }
            for n in range(4011, 4023)
        ]
        rows.append(
            {"question": "What is the code of item 99?", "answer": "99", "split": "dev"}
        )  # so none is carved
        self.data.write_text("\n".join(json.dumps(r) for r in rows) + "\n")
        self.teachers = tuple(teacher(folder, f"t{i}") for i in range(3))
        self.lines: list[str] = []

    def run(
        self,
        recipe: str = "fair",
        settings: tuple[str, ...] = (),
        until: str | None = None,
        **options: Any,
    ):
        """Run a recipe; its report as data."""
        fast = tuple(s for s in FAST if recipe == "fair")
        order = pipeline.order(
            recipe=recipe, settings=(*fast, *settings), workspace=self.folder, db=self.db,
            **{"task": "table", "data": self.data, "student": self.student, "teachers": self.teachers} | options,
        )  # fmt: skip
        run_id = pipeline.run(order, until=until, say=self.lines.append, progress=lambda *_: None)
        with Store.open(self.db) as store:
            return report(store, run_id)

    def rows(self, sql: str, *args: Any):
        """Rows of the record."""
        with Store.open(self.db) as store:
            return store.rows(sql, *args)
