"""What commands cost on a record ten times as large, and a finished run that is given again.

Reads nothing; writes records below the working folder, each by one scripted run up to its lessons.
Every command is measured as a process of its own: its CPU time, its peak memory and what it adds to
the file. What the same command costs on a tiny record is its start, and is taken off before sizes
are compared.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from localfair.pipeline.imports import source_hash
from tests.benchmarks.pairs import Journal, Measure, Result, Target, counted, result
from tests.benchmarks.setting import Setting, used_by

MIB = 2**20
SIZES = (10_000, 100_000)  # generations, about
SMALL_SIZES = (200, 2_000)
TINY = 10
NOISE = 0.1  # seconds by which two starts of one command may differ
A_QUESTION = 10  # generations that a question leads to, here
WORDS = " ".join(["reasoning"] * 60)
TEACHER = r"""
context = 4000
[[rule]]
when = "score in square brackets.*"
replies = ["It holds. [5]", "It is vague, and so is this. [2]", "Good enough. [4]"]
[[rule]]
when = "a student who got a question wrong.*code of item (\\d+)"
replies = ["{words} Read the item's own number: it is \\1."]
[[rule]]
when = "code of item (\\d+)"
replies = ["{words} Item \\1 has code \\1. The answer is \\1.", "{words} The answer is 7."]
"""
STUDENT = """
[[rule]]
when = ""
replies = ["{words} The answer is 1.", "I see. The answer is 2."]
"""
READING = {
    "report": ("report", "--json"),
    "reviewers": ("reviewers", "--json"),
    "db verify": ("db", "verify"),
}
REBUILT = "run again, everything rebuilt"
AGAIN = "run again"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A folder with the record of a finished run and everything that the run was given."""

    folder: Path

    @property
    def db(self) -> Path:
        """The record."""
        return self.folder / "r.db"

    def order(self, db: Path) -> list[str]:
        """What names the run at the command line, but the command."""
        teachers = []
        for seat in range(3):
            teachers += ["--teacher", str(self.folder / f"t{seat}.script.toml")]
        return [
            *("fair", "--task", "table", "--data", str(self.folder / "items.jsonl")),
            *("--student", str(self.folder / "s.script.toml"), *teachers, "--db", str(db)),
        ]


def scale(setting: Setting) -> Iterator[Result]:
    """A row for each command: its time on the large record over ten times the small one's."""
    sizes = SMALL_SIZES if setting.small else SIZES
    journal = Journal(setting.work, "scale", sizes=sizes)
    rounds = []
    for number in range(setting.pairs or 1):
        measured = {}
        for size in (TINY, *sizes):
            recorded = _recorded(setting, size)
            for name, measure in _commands(setting, recorded).items():
                measured[f"{name} {size}"] = journal.once(f"{number} {name} {size}", measure)
        rounds.append(measured)
    names = list(_commands(setting, _recorded(setting, TINY)))
    for name in names:
        yield _growth(name, rounds, sizes)
    yield _again(rounds, sizes[-1])


def _growth(name: str, rounds: list[dict[str, Measure]], sizes: tuple[int, int]) -> Result:
    small, large = sizes
    growth = []
    for measured in rounds:
        start = measured[f"{name} {TINY}"]["cpu_seconds"]
        less = measured[f"{name} {small}"]["cpu_seconds"] - start
        more = measured[f"{name} {large}"]["cpu_seconds"] - start
        growth.append(more / max(less, NOISE))
    details = {}
    for size in sizes:
        last = rounds[-1][f"{name} {size}"]
        details[f"at_{size}"] = {key: round(value, 3) for key, value in last.items()}
    target = Target("at most", 12.0)
    row = result(
        f"scale, {name}",
        growth,
        target,
        f"CPU time of `{name}` on a record of {large:,} generations over {small:,}, its start "
        "taken off",
        details=details,
    )
    return counted(row, growth, target)


def _again(rounds: list[dict[str, Measure]], size: int) -> Result:
    """The finished run given again, over the same run with every request built again."""
    over = []
    for measured in rounds:
        rebuilt = measured[f"{REBUILT} {size}"]["cpu_seconds"]
        over.append(measured[f"{AGAIN} {size}"]["cpu_seconds"] / rebuilt)
    target = Target("at most", 0.05)
    row = result(
        "scale, a finished run given again",
        over,
        target,
        f"CPU time of a finished run of {size:,} generations given again, over the same with every "
        "request built again",
    )
    return counted(row, over, target)


# -- commands -------------------------------------------------------------------------------------


def _commands(setting: Setting, recorded: Recorded) -> dict[str, partial[Measure]]:
    """What is measured on a record, by name; what writes, on a copy of it."""
    commands = {}
    for name, arguments in READING.items():
        commands[name] = partial(_process, recorded.db, [*arguments, "--db", str(recorded.db)])
    # a script is not trained
    untrained = ("--set", "train.enabled=false", "--set", "after.enabled=false")
    plan = ["plan", *recorded.order(recorded.db), *untrained]
    commands["plan"] = partial(_process, recorded.db, plan)
    commands["export lessons"] = partial(_on_copy, setting, recorded, "export lessons")
    commands["db gc"] = partial(_on_copy, setting, recorded, "db gc")
    commands[AGAIN] = partial(_on_copy, setting, recorded, AGAIN)
    commands[REBUILT] = partial(_on_copy, setting, recorded, REBUILT)
    return commands


def _on_copy(setting: Setting, recorded: Recorded, name: str) -> Measure:
    copy = setting.work / "scale-copy.db"
    for old in setting.work.glob("scale-copy.db*"):
        old.unlink()
    shutil.copyfile(recorded.db, copy)
    if name == REBUILT:
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute("DELETE FROM done_steps")
    if name == "db gc":
        return _process(copy, ["db", "gc", "--db", str(copy)])
    if name == "export lessons":
        out = setting.work / "scale-lessons"
        shutil.rmtree(out, ignore_errors=True)
        return _process(copy, ["export", "lessons", "--db", str(copy), "--out", str(out)])
    return _process(copy, ["select", *recorded.order(copy)])


def _process(db: Path, arguments: list[str]) -> Measure:
    """What one command costs, and what it adds to the record. Raises UsageError when it fails."""
    before = db.stat().st_size
    log = db.with_suffix(".log")
    command = [sys.executable, "-m", "localfair", *arguments]
    used = used_by(f"localfair {arguments[0]}", command, log)
    return {
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss * 1024 / MIB,
        "added_share": (db.stat().st_size - before) / max(before, 1),
    }


# -- records --------------------------------------------------------------------------------------


def _recorded(setting: Setting, size: int) -> Recorded:
    """The record of a finished run with about so many generations, made once."""
    recorded = Recorded(setting.work / f"scale-{size}")
    done = recorded.folder / "done"
    if done.exists() and done.read_text() == source_hash():
        return recorded
    if not done.exists():
        recorded.folder.mkdir(exist_ok=True)
        _write_inputs(recorded.folder, max(1, size // A_QUESTION))
        recorded.db.touch()
    # also where it was made by another localfair: no step of that is taken over
    _process(recorded.db, ["select", *recorded.order(recorded.db)])
    done.write_text(source_hash())
    return recorded


def _write_inputs(folder: Path, questions: int) -> None:
    for seat in range(3):
        script = TEACHER.replace("{words}", WORDS)
        (folder / f"t{seat}.script.toml").write_text(script)
    (folder / "s.script.toml").write_text(STUDENT.replace("{words}", WORDS))
    rows = []
    for number in range(questions):
        text = f"What is the code of item {100_000 + number}? It stands in a long list of items."
        rows.append({"question": text, "answer": str(100_000 + number), "split": "train"})
    for number in range(questions):
        text = f"What is the code of item {900_000 + number}?"
        rows.append({"question": text, "answer": str(900_000 + number), "split": "test"})
    rows.append({"question": "What is the code of item 99?", "answer": "99", "split": "dev"})
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "items.jsonl").write_text(lines)
