"""What is frozen: every recipe on disk and some variants, in a laboratory where no draw matters.

Ids may change, and with them every draw: which questions a limit takes, which reply a script
chooses by its seed, which of several explanations becomes the lesson, which solved questions are
shown as examples. So there is no limit, and one reply a rule. Of the explanations of one question
and kind that a recipe draws from, the committee accepts those of one author alone. Two questions
have a solution to show: each of them is shown the other one.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localfair.cli import main
from tests.frozen import dump
from tests.frozen.dump import SHOWN
from tests.lab import Lab
from tests.pipeline.test_recipes_run import NAMES, small

FIXTURES = Path(__file__).parent

QUESTIONS = [  # split, text, and a solution with its answer or the answer alone
    ("train", SHOWN, "Read it. #### 4011"),
    ("train", "What is the code of item 4012?", "Read it. #### 4012"),
    ("train", "What is the code of item 4014?", "4014"),
    ("train", "What is the code of item 60?", "60"),  # as the student says
    ("dev", "What is the code of item 99?", "99"),
    ("test", "What is the code of item 4013?", "4013"),
    ("test", "What is the code of box 60?", "60"),
]

# -- the scripts ----------------------------------------------------------------------------------

LAST = r"(?!.*code of item)"  # an example may stand before the question
ITEM = rf"code of item (\\d+){LAST}"
MISTAKEN = "(?:got (?:a|this) question wrong|wrong answer)"
MISTAKE = f"{MISTAKEN}.*{ITEM}"
REVIEW = r"^(?=.*(?:score in square brackets|One digit from 1 to 5|Do the two agree))"


def rule(when: str, reply: str, score: int | None = None) -> str:
    """Writes one rule of a script; a direct review finds six tenths of its mass on `score`."""
    lines = ["[[rule]]", f'when = "{when}"', f'replies = ["{reply}"]']
    if score:
        scores = []
        for digit in range(1, 6):
            chance = 0.6 if digit == score else 0.1
            scores.append(f'"{digit}" = {dump.log(chance)}')
        lines.append(f"scores = {{ {', '.join(scores)} }}")
    return "\n".join(lines) + "\n"


def review_rules(own_number: int, guess: int, again: str) -> list[str]:
    """Writes how a teacher reviews: by a word that stands in what is reviewed."""
    return [
        rule(f"{REVIEW}.*Hm", "I cannot say."),
        rule(f"{REVIEW}.*own number", f"It holds. [{own_number}]", own_number),
        rule(f"{REVIEW}.*guess", f"A guess holds nothing. Score: [{guess}]", guess),
        rule(f"{REVIEW}.*again", again, 3),
        rule(f"{REVIEW}.*", "It says nothing. [1]", 1),
    ]


# every teacher reviews first, then explains a mistake, then answers a question
CAREFUL = [
    *review_rules(5, 2, "Vague. [3]"),
    rule(MISTAKE, r"Read the item's own number: it is \\1."),
    rule(ITEM, r"Item \\1 has its own number for a code. The answer is \\1."),
]
HASTY = [  # its rationales are right about some items and wrong about others
    *review_rules(4, 2, "Vague, without a score."),
    rule(MISTAKE, r"You made a wrong guess about \\1."),
    rule(
        rf"code of item (401[12]){LAST}",
        r"A guess at item \\1 is 7. The answer is 7.",
    ),
    rule(ITEM, r"A guess at item \\1. The answer is \\1."),
]
VAGUE = [
    *review_rules(5, 4, "Good. [4]"),
    rule(f"{MISTAKEN}.*code of item 4011{LAST}", "Look once more."),
    rule(f"{MISTAKEN}.*code of item 4014{LAST}", "Hm, I do not see it."),
    rule(MISTAKE, r"Think again about \\1."),
    rule(ITEM, "Think again, it has a code."),
]
LEAKY = [  # quotes a question of the test split in one feedback
    *review_rules(5, 2, "Vague. [3]"),
    rule(
        f"{MISTAKEN}.*code of item 4012{LAST}",
        "Its own number says it. What is the code of item 4013? Ask that too.",
    ),
    *CAREFUL[5:],
]
STUDENT = [  # for runs that end before a training: every grade, whatever its seed
    rule("code of item 4011", "I count 1. The answer is 1."),
    rule("code of item 4012", "I do not know."),
    rule(ITEM, r"The answer is \\1."),
    rule("", "The answer is 61."),
]
SCRIPTS = {
    "careful": CAREFUL,
    "hasty": HASTY,
    "vague": VAGUE,
    "leaky": LEAKY,
    "student": STUDENT,
}

# -- the laboratory -------------------------------------------------------------------------------


class FrozenLab(Lab):
    """A laboratory of four train questions and scripts that answer by what they read alone."""

    def __init__(self, folder: Path, student: Path) -> None:
        super().__init__(folder, student)
        rows = []
        for split, question, answer in QUESTIONS:
            rows.append({"split": split, "question": question, "answer": answer})
        self.write_questions(rows)
        for name, rules in SCRIPTS.items():
            Path(self.script(name)).write_text("context = 4000\n" + "\n".join(rules))
        self.teachers = self.seats("careful", "hasty", "vague")

    def script(self, name: str) -> str:
        """Names the file of a script."""
        return str(self.folder / f"{name}.script.toml")

    def seats(self, *names: str) -> tuple[str, ...]:
        """Names the files of several scripts."""
        return tuple(self.script(name) for name in names)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One run of a recipe: with which settings, how far, and with whom."""

    recipe: str
    settings: tuple[str, ...] = ()
    until: str | None = None
    student: str = ""
    teachers: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()

    def __call__(self, lab: FrozenLab) -> dict[str, Any]:
        """Runs it and dumps what the run left."""
        options: dict[str, Any] = {"reviewers": lab.seats(*self.reviewers), "engine": None}
        if self.student:
            options["student"] = lab.script(self.student)
        if self.teachers:
            options["teachers"] = lab.seats(*self.teachers)
        if self.recipe == "mentor-kd":
            options["mentor"] = lab.student
        usual = (*small(self.recipe, lab.folder, tokens=16), *FEW.get(self.recipe, ()))
        settings = (*usual, *self.settings)
        found = lab.run(self.recipe, settings=settings, until=self.until, **options)
        mask = dump.Mask(lab.folder, Path(lab.student))
        return {
            **dump.record(lab.db, mask),
            "report": dump.report(found, mask),
            "said": dump.said(lab.lines, mask),
        }


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """One run by the command line, with a scripted student: what it prints."""

    arguments: tuple[str, ...]
    teachers: tuple[str, ...] = field(default=("careful", "hasty"))

    def __call__(self, lab: FrozenLab) -> dict[str, Any]:
        """Runs it in this process and dumps what it wrote to stdout and to stderr."""
        line = [*self.arguments, "--student", lab.script("student")]
        for name in lab.seats(*self.teachers):
            line += ["--teacher", name]
        line += ["--task", "table", "--data", str(lab.data), "--db", str(lab.db), "--json"]
        out = io.StringIO()
        err = io.StringIO()
        code: Any = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(line)
            except SystemExit as ended:
                code = ended.code
        mask = dump.Mask(lab.folder, Path(lab.student))
        return {
            "exit code": code,
            "report": dump.report(json.loads(out.getvalue()), mask),
            "said": dump.said(notes(err.getvalue()), mask),
        }


def notes(err: str) -> list[str]:
    """The lines for people among the events that a run prints with --json."""
    lines = []
    for line in err.splitlines():
        event = json.loads(line)
        if event["event"] == "note":
            lines.append(event["text"])
    return lines


# one solved question is shown where a recipe shows more of them: the laboratory has two
FEW = {
    "quickstart": (
        "check.demonstrations=1",
        "teach.write.rationale.demonstrations=1",
        # greedy: what a trained student draws depends on the seed
        "exam.samples=2",
        "exam.sampling.temperature=0",
    ),
    "tinyllm": ("teach.write.rationale.demonstrations=1",),
    "tailored": ("exam.samples=2",),
    # greedy: what a trained student draws depends on the seed
    "single-teacher-own": ("exam.samples=2", "exam.sampling.temperature=0"),
}

VARIANTS: dict[str, Callable[[FrozenLab], dict[str, Any]]] = {
    "fair-direct": Scenario(recipe="fair", settings=("review.mode=direct",), until="select"),
    "fair-exhaustive": Scenario(
        recipe="fair",
        settings=("review.exhaustive=true",),
        until="select",
    ),
    "fair-reviewers": Scenario(recipe="fair", reviewers=("hasty", "careful"), until="select"),
    "fair-grades": Scenario(
        recipe="fair",
        settings=("exam.unreadable_is=format",),
        student="student",
        until="select",
    ),
    "fair-leak": Scenario(
        recipe="fair",
        settings=("select.decontaminate=7", "select.complete=true"),
        teachers=("leaky", "hasty", "vague"),
        until="select",
    ),
    "fair-best-epoch": Scenario(
        recipe="fair",
        settings=("train.epochs=2", "train.best_epoch={ sampling = { max_tokens = 16 } }"),
    ),
    "fair-short": Scenario(recipe="fair", settings=("train.max_length=162",)),
    "fair-rounds-2": Scenario(recipe="fair", settings=("rounds=2",)),
    "tailored-rounds-2": Scenario(
        recipe="tailored",
        settings=("rounds=2", "early_stop.patience=9"),
    ),
    "command-line": CommandLine(arguments=("review", "fair")),
}
SCENARIOS = {name: Scenario(recipe=name) for name in NAMES} | VARIANTS
