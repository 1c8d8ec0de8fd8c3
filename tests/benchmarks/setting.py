"""Where a benchmark runs: models, data, a folder to work in, sizes, and records to start from.

Reads weights and published data; writes below `--work` alone.
"""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import UsageError
from localfair.machine.versions import versions
from localfair.machine.workspace import packaged_dir
from localfair.models.requantise import requantise
from localfair.pipeline import runs as pipeline
from localfair.pipeline.orders import Order, RunOptions, order

ROOT = Path(__file__).resolve().parents[2]
SMOL = "smollm2-135m-instruct"
QWEN = "qwen2.5-coder-0.5b-instruct"
QWEN_LARGE = "qwen2.5-coder-1.5b-instruct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the command line gave.

    `small` sizes only show that a benchmark runs: its numbers mean nothing.
    """

    models: Path
    data: Path
    work: Path
    reply_tokens: int
    pairs: int | None = None
    small: bool = False
    type: str | None = None
    distilabel_python: str | None = None
    curator_python: str | None = None
    trl_python: str | None = None

    def size(self, full: int, small: int) -> int:
        """One of two sizes."""
        return small if self.small else full

    def count(self, full: int) -> int:
        """How many pairs."""
        return self.pairs or self.size(full, 2)

    @property
    def cap(self) -> int:
        """Tokens of every reply in the committee's benchmarks."""
        return self.size(96, 8)

    @property
    def workspace(self) -> Path:
        """A workspace of the benchmarks' own: nothing they make enters the user's."""
        folder = self.work / "workspace"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def seats(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The models of a committee, requantised for both sides where `--type` names a type."""
        if self.type is None:
            return names
        return tuple(requantise(name, self.type, self.workspace).name for name in names)

    def published(self, name: str) -> Path:
        """A data set's file or folder in `--data`. Raises UsageError."""
        for path in (self.data / name, self.data / f"{name.upper()}.json"):
            if path.exists():
                return path
        raise UsageError(
            f"no {name} in {self.data}", "name the folder of the published data with --data"
        )


def committee_order(
    setting: Setting,
    db: Path,
    teachers: tuple[str, ...],
    settings: tuple[str, ...],
    limit: int,
    **options: Any,
) -> Order:
    """FAIR on SVAMP with SmolLM2 as the student, every reply capped; no exam on test before it."""
    caps = tuple(
        f"{step}.sampling.max_tokens={setting.cap}" for step in ("exam", "inquire", "review")
    )
    chosen = RunOptions(
        settings=("before.enabled=false", *caps, *settings),
        workspace=setting.workspace,
        task="svamp",
        data=_svamp(setting),
        student=SMOL,
        teachers=teachers,
        db=db,
        train_limit=limit,
        **options,
    )
    return order(str(packaged_dir("recipes") / "fair"), chosen)


def _svamp(setting: Setting) -> Path:
    path = setting.published("svamp")
    return path / "SVAMP.json" if path.is_dir() else path


def run(ordered: Order, until: str) -> str:
    """Run an order up to a step without a word; the id of the run."""
    return pipeline.run(ordered, until=until, say=quiet, progress=quiet)


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


def exam_record(setting: Setting, limit: int) -> Path:
    """A record of the student's answers to `limit` real questions and nothing more, made once."""
    path = setting.work / f"exam-{limit}-{setting.cap}.db"
    done = path.with_suffix(".done")
    if not done.exists():
        run(committee_order(setting, path, (), (), limit), "exam")
        done.touch()
    return path


def copied(source: Path, target: Path) -> Path:
    """A record's copy, in the place of whatever stood there."""
    for old in target.parent.glob(target.name + "*"):
        old.unlink()
    with closing(sqlite3.connect(source)) as old_db, closing(sqlite3.connect(target)) as new_db:
        old_db.backup(new_db)
    return target


def child(python: str | None, module: str, *arguments: object, **environment: str) -> str:
    """What one of this package's modules prints, run in a process of its own.

    Raises UsageError when it fails.
    """
    inherited = os.environ.get("PYTHONPATH")
    path = f"{ROOT}{os.pathsep}{inherited}" if inherited else str(ROOT)
    done = subprocess.run(
        [python or sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path} | environment,
    )
    if done.returncode:
        end = done.stderr.strip()[-2000:]
        raise UsageError(f"{module} failed: {end}", "run it by itself to see more")
    return done.stdout


def used_by(
    name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> resource.struct_rusage:
    """What a process, and the children that it waited for, took; its output goes to `log`.

    Raises UsageError, by its `name`, when it fails.
    """
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = log.read_text()[-1500:].strip()
        raise UsageError(f"{name} failed: {end}", f"see {log}")
    return used


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "versions": versions(),
    }


def _processor() -> str:
    """The processor's name, as Linux has it where there is one."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
