"""For each rationale lesson of a run, another right rationale of its question and one of the student's own mistakes.

Reads a run's explanations, verdicts and answers; writes nothing. Knows nothing of tokens or losses. Source: tailored
learning, arXiv 2310.13332 (self-reflection); which of several is drawn with the run's seed (ours).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localfair.recipe.schema import Exam
from localfair.record.nouns import Grade
from localfair.record.store import Row
from localfair.stages.rows import draw, grouped, with_texts
from localfair.stages.step import Work


@dataclass(frozen=True, slots=True)
class Pair:
    """What stands beside a lesson's rationale: ids of an explanation and of an answer, and what they say."""

    explanation: str
    positive: str
    answer: str
    negative: str


def pairs(work: Work, lessons: Iterable[Row]) -> dict[str, Pair]:
    """By lesson's id; a lesson that lacks either half is left out, and so has no triplet."""
    right, wrong = grouped(_right(work), "question"), grouped(_mistakes(work), "question")
    found: dict[str, Pair] = {}
    for lesson in lessons:
        if lesson["kind"] != "rationale":
            continue
        others = [
            e
            for e in right.get(lesson["question"], [])
            if not _same(e["text"], lesson["completion"])
        ]
        positive = draw(work.seed, f"positive:{lesson['id']}", others, 1)
        negative = draw(work.seed, f"negative:{lesson['id']}", wrong.get(lesson["question"], []), 1)
        if positive and negative:
            (e,), (a,) = positive, negative
            found[lesson["id"]] = Pair(e["id"], e["text"], a["id"], a["text"])
    return found


def _right(work: Work) -> list[Row]:
    """Rationales of this run, of every round so far, that reach the gold answer, and whom neither a review rejected
    nor a select dropped (what must not be a lesson is no model of one).
    """
    stage = {name: [d for d in work.done if d.step.stage == name] for name in ("inquire", "review")}
    verdicts = work.rows("verdicts", "verdict", stage["review"])
    rejected = {v["explanation"] for v in verdicts} - {
        v["explanation"] for v in verdicts if v["accepted"]
    }
    dropped = work.store.rows(
        "SELECT s.row FROM run_rows r JOIN lessons l ON l.id = r.row JOIN lesson_sources s ON s.lesson = l.id "
        "WHERE r.run = ? AND r.noun = 'lesson' AND l.dropped IS NOT NULL AND s.noun = 'explanation'",
        work.run,
    )
    left_out = rejected | {row["row"] for row in dropped}
    written = work.rows("explanations", "explanation", stage["inquire"])
    rationales = [e for e in written if e["kind"] == "rationale" and e["grade"] == Grade.RIGHT]
    return with_texts(work, [e for e in rationales if e["id"] not in left_out])


def _mistakes(work: Work) -> list[Row]:
    """The student's answers in its latest exam on train that are not right and say something."""
    exams = [
        d
        for d in work.done
        if isinstance(d.step, Exam) and (d.step.role, d.step.split) == ("student", "train")
    ]
    answers = [a for a in work.rows("answers", "answer", exams[-1:]) if a["grade"] != Grade.RIGHT]
    texts = work.store.recorded(a["generation"] for a in answers)
    return [a | {"text": text} for a in answers if (text := texts[a["generation"]]["text"].strip())]


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
