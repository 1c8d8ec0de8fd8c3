"""What stands in for teachers and data at toy size: scripted seats, a few questions, few tokens.

Writes into the toy workspace.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.gpu.setting import Setting

# It reviews, explains a mistake, or answers; of a question of `svamp_file` it knows the answer.
TEACHER = r"""
context = 20000
[[rule]]
when = "(score in square brackets|Do the two agree)"
replies = ["It holds. Score: [5]"]
[[rule]]
when = "a student who got a question wrong.*had (\\d+) pens"
replies = ["Nothing was lost, so the number stays at \\1."]
[[rule]]
when = ".*had (\\d+) pens"
replies = ["He lost none, so he has \\1. The answer is \\1."]
[[rule]]
when = ""
replies = ["Count both numbers together. The answer is 7."]
"""
LIMITS = ("--train-limit", "4", "--test-limit", "4")
TRAINING = ("train.epochs=1", "train.max_length=2000", "train.adapter.rank=4")
LEARNING = ("learn.epochs=1", "learn.max_length=2000", "learn.adapter.rank=4")
EXAMS = ("before.sampling.max_tokens=4", "after.sampling.max_tokens=4")
# what `--set` makes small, by recipe; no answer check where nobody knows the answer
SMALL = {
    "quickstart": (
        *TRAINING,
        *EXAMS,
        *LEARNING,
        "exam.sampling.max_tokens=4",
        "check.accept.answer_check=false",
        "check.accept.shows_steps=false",
        "check.demonstrations=1",
        "teach.write.rationale.demonstrations=1",
        "teach.write.rationale.samples=1",
    ),
    "fair": (*TRAINING, *EXAMS, "exam.sampling.max_tokens=4", "train.accumulation=1"),
    "committee": (
        *TRAINING,
        *EXAMS,
        "train.accumulation=1",
        "train.epochs=2",
        "train.best_epoch.epochs=[1,2]",
        "train.best_epoch.sampling.max_tokens=4",
        *LEARNING,
        "learn.accumulation=1",
        "attempts.sampling.max_tokens=4",
        "attempts.beyond=0",
        "exam.sampling.max_tokens=4",
        "exam.beyond=0",
        "teach.order_on=2",
        "check.accept.shows_steps=false",
        "check.accept.labels=2",
    ),
}


def small(recipe: str) -> list[str]:
    """Options of the command line that make a recipe small enough for a tiny student."""
    options = [*LIMITS]
    for setting in SMALL[recipe]:
        options += ["--set", setting]
    return options


def seats(setting: Setting, count: int) -> list[str]:
    """So many scripted teachers, as options of the command line."""
    options = []
    for number in range(count):
        path = setting.workspace / f"teacher-{number}.script.toml"
        path.write_text(TEACHER)
        options += ["--teacher", str(path)]
    return options


def svamp_file(setting: Setting) -> Path:
    """A file in SVAMP's layout: thirty questions of one step."""
    folder = setting.workspace / "svamp"
    folder.mkdir(exist_ok=True)
    problems = []
    for number in range(1, 31):
        problems.append(
            {
                "ID": f"toy-{number}",
                "Body": f"Tom had {number} pens and lost none",
                "Question": "How many pens does he have?",
                "Equation": f"( {number}.0 - 0.0 )",
                "Answer": float(number),
            }
        )
    path = folder / "SVAMP.json"
    path.write_text(json.dumps(problems))
    return path
