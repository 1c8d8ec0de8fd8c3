"""For each rationale lesson of a run, another right rationale of its question and one of the
student's own mistakes.

Reads a run's explanations, verdicts and answers; writes nothing. Knows nothing of tokens or losses.
Source: tailored learning, arXiv 2310.13332 (self-reflection); which of several is drawn with the
run's seed (ours).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localfair.recipe.schema import Exam
from localfair.record.made import Lesson
from localfair.record.nouns import Grade
from localfair.record.tables import ANSWERS, EXPLANATIONS, REPLIES, VERDICTS
from localfair.stages.rows import (
    Written,
    answer_text,
    by_question,
    draw,
    draw_written,
    with_texts,
)
from localfair.stages.step import Work, of_stage


@dataclass(frozen=True, slots=True)
class Pair:
    """What stands beside a lesson's rationale: ids of an explanation and of an answer, and what
    they say.
    """

    explanation: str
    positive: str
    answer: str
    negative: str


def pairs(work: Work, lessons: Iterable[Lesson]) -> dict[str, Pair]:
    """By lesson's id; a lesson that lacks either half is left out, and so has no triplet."""
    right = by_question(_right(work))
    wrong = _mistakes(work)
    pairs: dict[str, Pair] = {}
    for lesson in lessons:
        if lesson.kind != "rationale":
            continue
        others = []
        for written in right.get(lesson.question, []):
            if not _same_words(written.text, lesson.completion):
                others.append(written)
        mistakes = wrong.get(lesson.question, {})
        positive = draw_written(work.seed, f"positive:{lesson.id}", others, 1)
        negative = draw(work.seed, f"negative:{lesson.id}", mistakes, 1)
        if positive and negative:
            answer = negative[0]
            pairs[lesson.id] = Pair(positive[0].id, positive[0].text, answer, mistakes[answer])
    return pairs


def _right(work: Work) -> list[Written]:
    """The right rationales of this run, of every round so far, that may be a model of a lesson.

    Those are left out that a review rejected, and those that a select step dropped: what must not
    be a lesson is no model of one.
    """
    inquiries = of_stage(work.rows.done, "inquire")
    reviews = of_stage(work.rows.done, "review")
    verdicts = work.rows.of(VERDICTS, reviews)
    accepted = {verdict.explanation for verdict in verdicts if verdict.accepted}
    rejected = {verdict.explanation for verdict in verdicts} - accepted
    left_out = rejected | work.store.dropped_explanations(work.rows.run)
    rationales = []
    for explanation in work.rows.of(EXPLANATIONS, inquiries):
        is_right = explanation.kind == "rationale" and explanation.grade == Grade.RIGHT
        if is_right and explanation.id not in left_out:
            rationales.append(explanation)
    return with_texts(work.store, rationales)


def _mistakes(work: Work) -> dict[str, dict[str, str]]:
    """By question, the student's answers in its latest exam on train that are not right and say
    something.

    Each question has the texts by the answers' ids.
    """
    exams = []
    for done in work.rows.done:
        step = done.step
        if isinstance(step, Exam) and step.role == "student" and step.split == "train":
            exams.append(done)
    latest = work.rows.of(ANSWERS, exams[-1:])
    answers = [answer for answer in latest if answer.grade != Grade.RIGHT]
    replies = work.store.get(REPLIES, [answer.generation for answer in answers])
    mistakes: dict[str, dict[str, str]] = {}
    for answer in answers:
        text = answer_text(replies[answer.generation])
        if text:
            mistakes.setdefault(answer.question, {})[answer.id] = text
    return mistakes


def _same_words(one: str, other: str) -> bool:
    return one.split() == other.split()
