"""exam: a role answers the questions of a split, and every answer is graded right, wrong or
unreadable.

Reads questions; writes generations and answers. A mistake is a view over answers, not a thing made
here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from localfair.committee.ask import Call
from localfair.recipe.schema import Exam
from localfair.record.made import Answer, Reply
from localfair.record.nouns import Grade, Question
from localfair.record.tables import ANSWERS, QUESTIONS
from localfair.stages.step import Work
from localfair.tasks.grading import READER_VERSION


def exam(work: Work, step: Exam) -> dict[str, Any]:
    """Ask every question of the split, and those beyond, `samples` times; the outcome counts
    grades.
    """
    questions = work.questions(step.split, step.beyond)
    replies = work.committee.ask(_calls(work, step, questions), f"{step.id}:")
    answers = (answer_from(work, call, reply) for call, reply in replies)
    grades = Counter(answer.grade for answer in work.rows.keep(ANSWERS, answers))
    work.rows.made(QUESTIONS, [question.id for question in questions])
    outcome: dict[str, Any] = {"questions": len(questions), "answers": grades.total()}
    for grade in Grade:
        outcome[grade.value] = grades[grade]
    return outcome


def _calls(work: Work, step: Exam, questions: list[Question]) -> Iterator[Call]:
    for member in work.committee.of(step.role):
        for question in questions:
            for sample in range(step.samples):
                request = work.wording.exam_request(
                    member, question, step.ask, step.sampling, sample
                )
                yield Call(member, request, question)


def answer_from(work: Work, call: Call, reply: Reply) -> Answer:
    """An answer with its grade."""
    question: Question = call.tag
    graded = work.task.grade(question, reply.text)
    return Answer(
        question=question.id,
        split=question.split,
        seat=call.member.seat.id,
        generation=reply.id,
        grade=graded.grade,
        read=graded.read,
        reader=READER_VERSION,
    )
