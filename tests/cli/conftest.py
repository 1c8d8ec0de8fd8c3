"""A folder to work in with scripted models, and the command line: in this process, or in its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from localfair.cli import main
from localfair.record.store import Store

STUDENT = """
[[rule]]
when = ""
replies = ["The answer is 1.", "The answer is 2.", "I do not know."]
"""
TEACHER = """
delay = {delay}
[[rule]]
when = "score in square brackets"
replies = ["Sound. [5]", "Wrong. [1]", "No score."]
[[rule]]
when = ""
replies = ["You forgot to add, says {name}.", "The answer is 3."]
"""
NOUNS = ("questions", "answers", "explanations", "reviews", "verdicts", "turns")


@dataclass(frozen=True)
class Said:
    """What a command line wrote and how it ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The lines before the hint. Fails where stderr is not an error and its hint."""
        *error, hint = self.err.strip().splitlines()
        assert error[0].startswith("error: "), self.err
        assert hint.startswith("hint: "), self.err
        return "\n".join(error).removeprefix("error: ")

    @property
    def hint(self) -> str:
        return self.err.strip().splitlines()[-1].removeprefix("hint: ")


class Desk:
    """The folder, and how to run commands in it: in this process only with `capsys`."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str] | None = None) -> None:
        self.folder = folder
        self._capsys = capsys
        self.script("student", STUDENT)
        self.teachers()

    def script(self, name: str, text: str) -> None:
        """Write a scripted model."""
        (self.folder / f"{name}.script.toml").write_text(text)

    def teachers(self, delay: float = 0.0) -> None:
        """Write two teachers, anna and bert, who take `delay` seconds for a reply."""
        for name in ("anna", "bert"):
            self.script(name, TEACHER.format(name=name, delay=delay))

    def says(self, *args: object) -> Said:
        """Run a command line here."""
        assert self._capsys is not None
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        out, err = self._capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    def start(
        self, *args: object, before: Callable[[], object] | None = None
    ) -> subprocess.Popen[str]:
        """Run a command line in a process of its own; `before` is called in it first."""

        def prepare() -> None:
            # a background shell makes its children deaf to Ctrl-C
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if before is not None:
                before()

        return subprocess.Popen(
            [sys.executable, "-m", "localfair", *map(str, args)],
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=prepare,
        )

    def waits(self, process: subprocess.Popen[str]) -> Said:
        """What a started command line wrote, once it has ended."""
        out, err = process.communicate(timeout=60)
        return Said(process.returncode, out, err)

    def files(self) -> dict[str, bytes]:
        """The content of every file in the folder."""
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def ids(self, db: str) -> dict[str, list[str]]:
        """Every id of every noun that stages make."""
        ids = {}
        with Store.open(self.folder / db) as store:
            for noun in NOUNS:
                rows = store.rows(f"SELECT id FROM {noun} ORDER BY id")
                ids[noun] = [row["id"] for row in rows]
        return ids

    def generations(self, db: str) -> int:
        """How many replies are on disk, by another connection; 0 while there is no such table."""
        try:
            with sqlite3.connect(f"file:{self.folder / db}?mode=ro", uri=True) as connection:
                (count,) = connection.execute("SELECT count(*) FROM generations").fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(count)

    def until(self, db: str, generations: int, process: subprocess.Popen[str]) -> int:
        """Wait until so many replies are on disk; how many there are."""
        count = self.generations(db)
        while count < generations:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
            count = self.generations(db)
        return count


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOCALFAIR_WORKSPACE", raising=False)
    monkeypatch.delenv("LOCALFAIR_WEIGHTS", raising=False)
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")
    return Desk(tmp_path, capsys)


def seats(*teachers: str) -> tuple[str, ...]:
    """`--student student --teacher ...` for the desk's scripts."""
    options = ["--student", "student.script.toml"]
    for name in teachers:
        options += ["--teacher", f"{name}.script.toml"]
    return tuple(options)


def review(*more: object, teachers: tuple[str, ...] = ("anna", "bert")) -> tuple[object, ...]:
    """A small FAIR up to its reviews: 2 test and 4 train questions, 6 answers, at least 8 reviews."""
    small = ("--task", "arithmetic-1", "--train-limit", 4, "--test-limit", 2)
    return ("review", "fair", *seats(*teachers), *small, *more)
