"""A laboratory small enough to run a whole recipe in seconds.

It is a table of questions, scripted teachers and a tiny student. Reads nothing; writes into the
folder it is given.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localfair.pipeline import runs as pipeline
from localfair.record.store import Row, Store
from localfair.report.findings import report

# settings of FAIR that make its training and its exams short
FAST = (
    "train.epochs=2",
    "train.learning_rate=1e-3",
    "train.max_length=500",
    "train.accumulation=1",
    "before.sampling.max_tokens=8",
    "exam.sampling.max_tokens=8",
    "after.sampling.max_tokens=8",
)
ITEMS = range(4011, 4023)

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
    """The path of a script that explains well and scores everything `score`.

    It answers `answer` in every other rationale: the right one unless another is given.
    """
    path = folder / f"{name}.script.toml"
    script = TEACHER.replace("{score}", str(score)).replace("{answer}", answer)
    path.write_text(script)
    return str(path)


def questions() -> list[dict[str, str]]:
    """8 train questions, 4 test questions, and one of dev, so that none is carved from train."""
    rows = []
    for number in ITEMS:
        rows.append(
            {
                "question": f"What is the code of item {number}?",
                "answer": f"Read it. #### {number}",
                "split": "test" if number % 3 == 1 else "train",
            }
        )
    rows.append({"question": "What is the code of item 99?", "answer": "99", "split": "dev"})
    return rows


class Lab:
    """Runs recipes in a folder, and reads the record that they leave there."""

    def __init__(self, folder: Path, student: Path) -> None:
        self.folder = folder
        self.student = str(student)
        self.db = folder / "lab.db"
        self.data = folder / "items.jsonl"
        with self.data.open("w") as file:
            for question in questions():
                file.write(json.dumps(question) + "\n")
        self.teachers = tuple(teacher(folder, name) for name in ("t0", "t1", "t2"))
        self.lines: list[str] = []

    def run(
        self,
        recipe: str = "fair",
        settings: tuple[str, ...] = (),
        until: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Run a recipe up to the step `until`, or to its end; the run's report."""
        if recipe == "fair":
            settings = (*FAST, *settings)
        usual = {
            "task": "table",
            "data": self.data,
            "student": self.student,
            "teachers": self.teachers,
        }
        order = pipeline.order(
            recipe=recipe,
            settings=settings,
            workspace=self.folder,
            db=self.db,
            **usual | options,
        )
        run_id = pipeline.run(order, until=until, say=self.lines.append, progress=lambda *_: None)
        with Store.open(self.db) as store:
            return report(store, run_id)

    def rows(self, sql: str, *args: Any) -> list[Row]:
        """Rows of the record."""
        with Store.open(self.db) as store:
            return store.rows(sql, *args)
