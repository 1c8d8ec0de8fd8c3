"""exam: a role answers the questions of a split, and every answer is graded right, wrong or unreadable.

Reads questions; writes generations and answers. A mistake is a view over answers, not a thing made here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from localfair.committee.ask import Call
from localfair.recipe.schema import Exam
from localfair.record.nouns import Grade, Question, content_id
from localfair.record.store import Row
from localfair.stages.step import Work, exam_request


def exam(work: Work, step: Exam) -> dict[str, Any]:
    """Ask every question of the split `samples` times; the outcome counts grades."""
    questions = work.questions(step.split)
    calls = (
        Call(
            member, exam_request(work, step.ask, step.sampling, member, question, sample), question
        )
        for member in work.committee.of(step.role)
        for question in questions
        for sample in range(step.samples)
    )
    rows = (answer_row(work, call, row) for call, row in work.committee.ask(calls, f"{step.id}:"))
    grades = Counter(row["grade"] for row in work.keep("answers", "answer", rows))
    work.made("question", [q.id for q in questions])
    return {
        "questions": len(questions),
        "answers": grades.total(),
        **{g.value: grades[g.value] for g in Grade},
    }


def answer_row(work: Work, call: Call, generation: Row) -> Row:
    """An answer with its grade."""
    question: Question = call.tag
    graded = work.task.grade(question, generation["text"])
    parts = {"question": question.id, "seat": call.member.seat.id, "generation": generation["id"]}
    return {
        "id": content_id("answer", **parts), "split": question.split, **parts,
        "grade": graded.grade.value, "read": graded.read,
    }  # fmt: skip
