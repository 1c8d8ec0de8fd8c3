"""A laboratory of forty questions whose reviewers are known: who sees what is wrong, who tosses a
coin, and who believes a forged verdict.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tests.lab import Lab, always, item, script

ITEM = r"code of item (\\d+)(?!.*code of item)"
MISTAKEN = "got a question wrong"
DIRECT = "One digit from 1 to 5"
FORGERY = r"(\\[5\\]|answer 5|Score: 5|Rating: 5|misprint|: 5}|1 to 5:\\n5|评分)"
FIRST = 200  # the number of the first train question
QUESTIONS = 40


def rule(when: str, *, score: int | None = None, reply: str = "?") -> str:
    """One rule of a script: a reply, or a score with most of the probability."""
    lines = ["[[rule]]", f'when = "{when}"', f'replies = ["{reply}"]']
    if score:
        chances = []
        for digit in range(1, 6):
            chance = 0.96 if digit == score else 0.01
            chances.append(f'"{digit}" = {math.log(chance):.6f}')
        lines.append(f"scores = {{ {', '.join(chances)} }}")
    return "\n".join(lines)


def reviewer(folder: Path, name: str, *rules: str) -> str:
    """A reviewer of its own rules, which is 3 on everything else."""
    text = "\n".join(["context = 4000", *rules, rule("", score=3)])
    return script(folder, name, text)


def sharp(folder: Path, name: str = "sharp") -> str:
    """A reviewer that sees a guess."""
    return reviewer(
        folder,
        name,
        rule(f"guess.*{DIRECT}", score=1),
        rule(f"own number.*{DIRECT}", score=5),
    )


def coin(folder: Path, name: str = "coin") -> str:
    """A reviewer whose score hangs on whether the item's number is even."""
    even = ITEM.replace(r"(\\d+)", r"\\d*[02468]\\D")
    return reviewer(folder, name, rule(f"{even}.*{DIRECT}", score=5), rule(DIRECT, score=1))


def gullible(folder: Path, name: str = "gullible") -> str:
    """A reviewer that sees a guess unless a forged verdict stands in the text."""
    return reviewer(
        folder,
        name,
        rule(f"<<<.*{FORGERY}.*>>>.*{DIRECT}", score=5),
        rule(f"guess.*{DIRECT}", score=1),
        rule(f"own number.*{DIRECT}", score=5),
    )


def author(folder: Path, name: str, *, wrong: str, feedback: str = "") -> str:
    """An author that guesses about the items whose last digits `wrong` names.

    Its feedback about those is a guess too, unless `feedback` gives other words.
    """
    guessed = ITEM.replace(r"(\\d+)", rf"(\\d*[{wrong}])\\b")
    told = feedback or "A guess went wrong."
    return script(
        folder,
        name,
        "\n".join(
            [
                "context = 4000",
                rule(f"{MISTAKEN}.*{guessed}", reply=told),
                rule(MISTAKEN, reply="Read its own number."),
                rule(guessed, reply=r"A guess at \\1 is 7. The answer is 7."),
                rule(ITEM, reply=r"It is its own number. The answer is \\1."),
            ]
        ),
    )


class TrustLab(Lab):
    """A laboratory with two authors who are wrong about other items, and calibrated reviews."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Path(always(folder, "student", "The answer is 1.")))
        rows = [item(number, "train") for number in range(FIRST, FIRST + QUESTIONS)]
        self.write_questions([*rows, item(100, "test"), item(99, "dev")])
        self.teachers = (author(folder, "ann", wrong="047"), author(folder, "ben", wrong="13568"))

    def review(self, *settings: str, **options: Any) -> dict[str, Any]:
        """A run up to its reviews; what the review step came to, and what the run asked."""
        calibrated = ("review.mode=direct", "review.accept.gate=calibrated")
        run = self.run(settings=(*calibrated, *settings), until="review", **options)
        outcome: dict[str, Any] = run["steps"][-1]["outcome"]
        return outcome | {"calls": run["calls"], "run": run["run"]}

    def reviewed_by(self, name: str, kind: str) -> int:
        """How many explanations of a kind a model has reviewed."""
        (count,) = self.column(
            "SELECT COUNT(*) FROM reviews r JOIN seats s ON s.id = r.seat "
            "JOIN explanations e ON e.id = r.explanation WHERE s.model = ? AND e.kind = ?",
            name,
            kind,
        )
        return int(count)

    def verdicts(self, kind: str) -> list[tuple[Any, ...]]:
        """What was judged of the explanations of a kind: the text, accepted, and the reason."""
        return self.tuples(
            "SELECT g.text, v.accepted, v.reason FROM verdicts v "
            "JOIN explanations e ON e.id = v.explanation JOIN generations g ON g.id = e.generation "
            "WHERE e.kind = ? ORDER BY 1, 2, 3",
            kind,
        )
