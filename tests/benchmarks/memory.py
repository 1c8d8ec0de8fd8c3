"""The recording process stays the same size from 100 to 10,000 recorded generations.

Reads SVAMP; writes a record below the working folder. A scripted student sits an exam through
the whole pipeline: real questions, real requests, every generation durable on disk. Run as a
module it is the measured process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.pairs import Journal, Measure, Result, Target, result
from tests.benchmarks.setting import Setting, child

MARKS = (100, 1_000, 10_000)
SMALL_MARKS = (10, 20, 40)
WORDS = 96  # of a student's reply
SCRIPT = """
context = 4096
[[rule]]
when = ""
replies = ["{words} The answer is 7."]
"""


def memory(setting: Setting) -> Iterator[Result]:
    """Resident size at each mark within one long run, and the size of a short run's end beside the
    long one's.
    """
    marks = SMALL_MARKS if setting.small else MARKS
    journal = Journal(setting.work, "memory", marks=marks)
    rounds = journal.side_by_side(
        setting.count(3),
        ours=lambda: _process(setting, marks),
        theirs=lambda: _process(setting, marks[:1]),
    )
    within = [r["ours"][str(marks[-1])] / r["ours"][str(marks[0])] for r in rounds]
    slopes = [
        (r["ours"][str(marks[-1])] - r["ours"][str(marks[0])]) / (marks[-1] - marks[0])
        for r in rounds
    ]
    sizes = {f"mib_at_{m}": round(rounds[-1]["ours"][str(m)] / 2**20, 1) for m in marks}
    yield result(
        "memory, one run",
        within,
        Target("at most", 1.05),
        f"resident size of the process after {marks[-1]:,} recorded generations over that after {marks[0]:,}, in one "
        "scripted exam on SVAMP through the pipeline (flat: within 5 %)",
        details={"bytes_a_generation": round(sum(slopes) / len(slopes)), **sizes},
    )
    across = [r["ours"][str(marks[-1])] / r["theirs"][str(marks[0])] for r in rounds]
    yield result(
        "memory, long over short run",
        across,
        None,
        f"resident size at the end of a run of {marks[-1]:,} generations over that at the end of a run of {marks[0]:,}",
    )


def _process(setting: Setting, marks: tuple[int, ...]) -> Measure:
    data = setting.published("svamp")
    measured: Measure = json.loads(
        child(None, "tests.benchmarks.memory", data, setting.work, *marks)
    )
    return measured


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(data: Path, work: Path, marks: tuple[int, ...]) -> None:
    """One exam of as many answers as the last mark; prints the resident size at each mark."""
    from localfair.pipeline import runs as pipeline

    script = work / "student.script.toml"
    script.write_text(SCRIPT.format(words=" ".join(["reasoning"] * WORDS)))
    db = work / "memory.db"
    for old in work.glob("memory.db*"):
        old.unlink()
    questions = min(500, marks[-1])
    order = pipeline.order(
        recipe="fair",
        workspace=work,
        task="svamp",
        student=str(script),
        db=db,
        limit=questions,
        data=data / "SVAMP.json" if data.is_dir() else data,
        settings=("before.enabled=false", f"exam.samples={-(-marks[-1] // questions)}"),
    )
    sizes: dict[str, int] = {}

    def progress(done: int, *_: Any) -> None:
        if done in marks:
            sizes[str(done)] = resident()

    pipeline.run(
        order, until="exam", say=lambda line: print(line, file=sys.stderr), progress=progress
    )
    print(json.dumps(sizes))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), tuple(int(m) for m in sys.argv[3:]))
