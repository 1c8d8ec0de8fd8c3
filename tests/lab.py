"""A laboratory in which a whole recipe runs in seconds.

It has a table of questions, scripted teachers and a tiny student.

Reads nothing; writes into the folder it is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localfair.committee.ask import Committee
from localfair.pipeline.orders import Order, RunOptions, order
from localfair.pipeline.prepared import prepare, record_of
from localfair.pipeline.runs import STAGES, begun, do, preview, run
from localfair.recipe.schema import RecipeStep
from localfair.record.store import Store
from localfair.report.findings import report
from localfair.stages.step import Work

FAST = (
    "train.epochs=2",
    "train.learning_rate=1e-3",
    "train.max_length=500",
    "train.accumulation=1",
    "before.sampling.max_tokens=8",
    "exam.sampling.max_tokens=8",
    "after.sampling.max_tokens=8",
)

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

# its feedback repeats the mark around what it quotes
ECHO = r"""
context = 4000
[[rule]]
when = "score in square brackets"
replies = ["It holds. [5]"]
[[rule]]
when = "(?s)wrong.*<<<([a-z]+)"
replies = ["Between \\1 and \\1 you wrote 1."]
[[rule]]
when = "code of item (\\d+)"
replies = ["The answer is \\1."]
"""

# of the train questions one is answered right, two unreadably, and five wrong
STUDENT = """
[[rule]]
when = "code of item (4013|4014)"
replies = ["I do not know."]
[[rule]]
when = "code of item 4016"
replies = ["The answer is 4016."]
[[rule]]
when = ""
replies = ["The answer is 1."]
"""


def script(folder: Path, name: str, text: str) -> str:
    """A script of any rules."""
    path = folder / f"{name}.script.toml"
    path.write_text(text)
    return str(path)


def always(folder: Path, name: str, reply: str) -> str:
    r"""A script with one reply to whatever names an item; `\1` stands for the item's number."""
    rule = rf"""
[[rule]]
when = '.*code of item (\d+)'
replies = ['{reply}']
"""
    return script(folder, name, rule)


def scripted_student(folder: Path) -> str:
    """A student that is not trained: for runs that end before that, and always the same."""
    return script(folder, "student", STUDENT)


def teacher(folder: Path, name: str, score: int = 5, answer: str = r"\\1") -> str:
    """A script that explains well and scores everything `score`.

    Every other of its rationales ends in `answer`.
    """
    return script(folder, name, TEACHER.replace("{score}", str(score)).replace("{answer}", answer))


def echo(folder: Path) -> str:
    """A teacher whose feedback repeats a mark of its prompt, as a seat's name."""
    return script(folder, "echoes", ECHO)


def quiet(*_: object) -> None:
    """Take progress and say nothing."""


def item(number: int, split: str, answer: str | None = None) -> dict[str, str]:
    """A question of the table, as its file has it; an item's code is its number."""
    question = f"What is the code of item {number}?"
    return {"question": question, "answer": answer or str(number), "split": split}


class Lab:
    """Makes orders and runs them."""

    def __init__(self, folder: Path, student: Path) -> None:
        self.folder = folder
        self.student = str(student)
        self.db = folder / "lab.db"
        self.data = folder / "items.jsonl"
        rows = []
        for number in range(4011, 4023):
            split = "test" if number % 3 == 1 else "train"
            rows.append(item(number, split, f"Read it. #### {number}"))
        rows.append(item(99, "dev"))  # so none is carved
        self.write_questions(rows)
        self.teachers = tuple(teacher(folder, f"t{i}") for i in range(3))
        self.lines: list[str] = []

    def write_questions(self, rows: list[dict[str, Any]]) -> None:
        """Make these the questions of the laboratory's task."""
        self.data.write_text("\n".join(json.dumps(row) for row in rows) + "\n")

    def order(self, recipe: str = "fair", settings: tuple[str, ...] = (), **options: Any) -> Order:
        """An order of a recipe on the laboratory's task, with its student and teachers."""
        fast = FAST if recipe == "fair" else ()
        usual = {
            "task": "table",
            "data": self.data,
            "student": self.student,
            "teachers": self.teachers,
            "workspace": self.folder,
            "db": self.db,
        }
        return order(recipe, RunOptions(settings=(*fast, *settings), **usual | options))

    def run(
        self,
        recipe: str = "fair",
        settings: tuple[str, ...] = (),
        until: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Run a recipe; its report as data."""
        ordered = self.order(recipe, settings, **options)
        run_id = run(ordered, until=until, say=self.lines.append, progress=quiet)
        with Store.open(self.db) as store:
            return report(store, run_id).data()

    @contextmanager
    def at(
        self, step: str, recipe: str = "fair", settings: tuple[str, ...] = (), **options: Any
    ) -> Iterator[tuple[Work, RecipeStep]]:
        """What the stage of a step is handed, when the steps before it are done."""
        prepared = prepare(self.order(recipe, settings, **options), until=step)
        with record_of(prepared) as store:
            committee = Committee(store, prepared.members, quiet)
            with begun(prepared, store, committee, self.lines.append) as this:
                for work, each in this.steps():
                    if each.id == step:
                        yield work, each
                        return
                    outcome = do(work, each, STAGES[each.stage], self.lines.append)
                    this.did(work, each, outcome)

    def preview(self, *settings: str, **options: Any) -> list[str]:
        """The lessons that fair's train step would learn."""
        ordered = self.order("fair", settings, **options)
        return preview(ordered, "train", say=self.lines.append, progress=quiet)

    def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        """Rows of the record."""
        with Store.open(self.db) as store:
            return store.rows(sql, *args)

    def tuples(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        """Rows of the record, their values alone."""
        return [tuple(row.values()) for row in self.rows(sql, *args)]

    def column(self, sql: str, *args: Any) -> list[Any]:
        """The values of the first column that is selected."""
        return [first for first, *_ in self.tuples(sql, *args)]
