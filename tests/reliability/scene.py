"""A small FAIR up to its verdicts, with models of one engine in every seat: what is killed.

Writes a task, models and their cards into a folder. Knows nothing of how a command is killed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from localfair.models.adding import add_endpoint
from tests.cli.conftest import STUDENT, TEACHER

WEIGHTS = Path(__file__).resolve().parents[2] / "models" / "weights"
SMOLLM = WEIGHTS / "smollm2-135m-instruct-q4_1.gguf"
ENGINES = ("scripted", "http", "llama_cpp", "vllm")
SEATS = ("student", "anna", "bert")
# With many at once, questions enough for several batches; a server's replies pile up sooner.
MANY = {"scripted": 16, "http": 40}
DISK = 0.003  # seconds: about a solid state drive's flush
# a real model's replies are cut short: what it says does not matter here
SHORT = (
    "exam.sampling.max_tokens=8",
    "inquire.sampling.max_tokens=8",
    "review.sampling.max_tokens=8",
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One command to be killed: whom it asks, and how many requests are under way at once.

    questions: of the train split; half as many stand in the test split. commit_seconds: how long the
    disk takes for a commit. Where replies come faster than that, they wait in memory.
    """

    engine: str
    at_once: int
    folder: Path
    questions: int = 8
    commit_seconds: float = 0.0
    options: tuple[str, ...] = field(default=())

    @property
    def db(self) -> Path:
        return self.folder / "record.db"

    def command(self) -> list[str]:
        """The arguments of `localfair`."""
        student, *teachers = self._seated()
        command = ["review", "fair", "--student", student]
        for teacher in teachers:
            command += ["--teacher", teacher]
        command += ["--task", "table", "--data", "items.jsonl", "--db", str(self.db)]
        command += ["--batch", str(self.at_once), "--json"]
        return [*command, *self.options]

    def prepare(self, url: str = "") -> None:
        """Write the task and the models; `url` is where the `http` engine's server listens."""
        self.folder.mkdir(parents=True)
        (self.folder / "items.jsonl").write_text("\n".join(self._items()) + "\n")
        if self.engine == "http":
            for name in SEATS:
                add_endpoint(url, name, self.folder, name=name)
        if self.engine == "scripted":
            for name in SEATS:
                text = STUDENT if name == "student" else TEACHER.format(name=name, delay=0)
                (self.folder / f"{name}.script.toml").write_text(text)

    def _seated(self) -> list[str]:
        if self.engine == "http":
            return list(SEATS)
        if self.engine == "scripted":
            return [f"{name}.script.toml" for name in SEATS]
        return [str(SMOLLM)] * len(SEATS)

    def _items(self) -> list[str]:
        items = []
        for number in range(1, self.questions * 3 // 2 + 1):
            split = "train" if number <= self.questions else "test"
            question = f"What is the code of item {number}?"
            items.append({"question": question, "answer": str(4000 + number), "split": split})
        items.append({"question": "And of item 99?", "answer": "99", "split": "dev"})
        return [json.dumps(item) for item in items]


def scene_of(engine: str, at_once: int, folder: Path) -> Scene:
    """The scene of an engine; a real model is asked less, and for little."""
    if engine in ("scripted", "http"):
        return Scene(
            engine=engine,
            at_once=at_once,
            folder=folder,
            questions=8 if at_once == 1 else MANY[engine],
            commit_seconds=0.0 if at_once == 1 else DISK,
        )
    options = ["--engine", engine, "--student-engine", engine]
    for setting in SHORT:
        options += ["--set", setting]
    return Scene(engine=engine, at_once=at_once, folder=folder, questions=4, options=tuple(options))
