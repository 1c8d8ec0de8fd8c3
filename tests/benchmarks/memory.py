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
from statistics import fmean
from typing import Any

from tests.benchmarks.pairs import Journal, Measure, Result, Target, result
from tests.benchmarks.setting import Setting, child

MARKS = (100, 1_000, 10_000)
SMALL_MARKS = (10, 20, 40)
WORDS = 96  # of a student's reply
MIB = 2**20
SCRIPT = """
context = 4096
[[rule]]
when = ""
replies = ["{words} The answer is 7."]
"""


def memory(setting: Setting) -> Iterator[Result]:
    """Resident size at each mark within one long run, and at the end of a long and a short run."""
    marks = SMALL_MARKS if setting.small else MARKS
    journal = Journal(setting.work, "memory", marks=marks)
    rounds = journal.side_by_side(
        setting.count(3),
        ours=lambda: _process(setting, marks),
        theirs=lambda: _process(setting, marks[:1]),
    )
    first, *_, last = marks
    within = []
    across = []
    slopes = []
    for measures in rounds:
        begun = measures["ours"][str(first)]
        ended = measures["ours"][str(last)]
        within.append(ended / begun)
        across.append(ended / measures["theirs"][str(first)])
        slopes.append((ended - begun) / (last - first))
    details = {"bytes_a_generation": round(fmean(slopes))}
    for mark in marks:
        details[f"mib_at_{mark}"] = round(rounds[-1]["ours"][str(mark)] / MIB, 1)
    yield result(
        "memory, one run",
        within,
        Target("at most", 1.05),
        f"resident size of the process after {last:,} recorded generations over that after "
        f"{first:,}, in one scripted exam on SVAMP through the pipeline (flat: within 5 %)",
        details=details,
    )
    yield result(
        "memory, long over short run",
        across,
        None,
        f"resident size at the end of a run of {last:,} generations over that at the end of a run "
        f"of {first:,}",
    )


def _process(setting: Setting, marks: tuple[int, ...]) -> Measure:
    data = setting.published("svamp")
    printed = child(None, "tests.benchmarks.memory", data, setting.work, *marks)
    measured: Measure = json.loads(printed)
    return measured


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main(data: Path, work: Path, marks: tuple[int, ...]) -> None:
    """One exam of as many answers as the last mark; prints the resident size at each mark."""
    from localfair.pipeline.orders import RunOptions, order
    from localfair.pipeline.runs import run

    script = work / "student.script.toml"
    script.write_text(SCRIPT.format(words=" ".join(["reasoning"] * WORDS)))
    db = work / "memory.db"
    for old in work.glob("memory.db*"):
        old.unlink()
    questions = min(500, marks[-1])
    options = RunOptions(
        workspace=work,
        task="svamp",
        student=str(script),
        db=db,
        train_limit=questions,
        data=data / "SVAMP.json" if data.is_dir() else data,
        settings=("before.enabled=false", f"exam.samples={-(-marks[-1] // questions)}"),
    )
    sizes: dict[str, int] = {}

    def progress(done: int, *_: Any) -> None:
        if done in marks:
            sizes[str(done)] = resident()

    run(
        order("fair", options),
        until="exam",
        say=lambda line: print(line, file=sys.stderr),
        progress=progress,
    )
    print(json.dumps(sizes))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), tuple(int(m) for m in sys.argv[3:]))
