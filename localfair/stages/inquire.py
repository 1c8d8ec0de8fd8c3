"""inquire: authors write feedback on a student's mistakes, and rationales that answer the question afresh.

Reads questions and answers; writes generations and explanations, each rationale with its mechanical grade.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localfair.committee.ask import Call, request_seed
from localfair.committee.seating import Member
from localfair.recipe.schema import Exam, Inquire, WriteFeedback, WriteRationale
from localfair.record.nouns import Grade, Kind, Question, Request, content_id
from localfair.record.store import Row
from localfair.stages.rows import demonstrations
from localfair.stages.step import Work


@dataclass(frozen=True, slots=True)
class Subject:
    """What an explanation is about: a question and, for a mistake, the student's answer with its text."""

    question: Question
    answer: Row | None = None


def inquire(work: Work, step: Inquire) -> dict[str, Any]:
    """Every author writes every kind the recipe asks for; the outcome counts them."""
    subjects = _mistakes(work, step) if step.about == "mistakes" else _questions(work)
    calls = (
        call
        for member in work.committee.of(step.role)
        for call in _calls(work, step, member, subjects)
    )
    rows = (
        explanation_row(work, call, row) for call, row in work.committee.ask(calls, f"{step.id}:")
    )
    made = Counter(
        (row["kind"], row["grade"]) for row in work.keep("explanations", "explanation", rows)
    )
    work.made("answer", [s.answer["id"] for s in subjects if s.answer])
    return {
        "mistakes" if step.about == "mistakes" else "questions": len(subjects),
        **{
            kind: sum(n for (k, _), n in made.items() if k == kind)
            for kind in ("feedback", "rationale")
        },
        "rationales_right": made["rationale", Grade.RIGHT],
    }


def _questions(work: Work) -> list[Subject]:
    return [Subject(q) for q in work.questions("train")]


def _mistakes(work: Work, step: Inquire) -> list[Subject]:
    """Distinct mistakes of the exam; what an unreadable answer counts as is the exam's to say."""
    exams = work.earlier(step, ("exam",), split="train")
    answers = [a for a in work.rows("answers", "answer", exams) if a["grade"] != Grade.RIGHT]
    policy = {d.step.unreadable_is for d in exams if isinstance(d.step, Exam)}
    if policy == {"nothing"}:
        answers = [a for a in answers if a["grade"] != Grade.UNREADABLE]
    format_only = policy == {"format"}
    questions = work.store.questions_by_id(a["question"] for a in answers)
    texts = work.store.recorded(a["generation"] for a in answers)
    subjects: dict[tuple[str, str], Subject] = {}
    for a in answers:
        mistake = {**a, "text": texts[a["generation"]]["text"]}
        mistake["format_only"] = format_only and a["grade"] == Grade.UNREADABLE
        subjects.setdefault(
            (a["question"], mistake["text"].strip()), Subject(questions[a["question"]], mistake)
        )
    return list(subjects.values())


def _calls(work: Work, step: Inquire, member: Member, subjects: list[Subject]) -> Iterator[Call]:
    """Kind by kind, so that requests with the same beginning stand together."""
    for kind, write in (("feedback", step.write.feedback), ("rationale", step.write.rationale)):
        if write is None:
            continue
        for subject in subjects:
            if kind == "feedback" and (subject.answer is None or subject.answer["format_only"]):
                continue
            for sample in range(write.samples):
                request = _request(work, step, member, subject, kind, write, sample)
                yield Call(member, request, (kind, subject))


def _request(
    work: Work,
    step: Inquire,
    member: Member,
    subject: Subject,
    kind: str,
    write: WriteFeedback | WriteRationale,
    sample: int,
) -> Request:
    question = subject.question
    shows_mistake = isinstance(write, WriteFeedback) or write.mistake
    values = work.values(question) | {
        "gold": write.gold,
        "mistake": subject.answer["text"].strip() if subject.answer and shows_mistake else None,
        "demonstrations": [
            work.values(d) | {"rationale": d.rationale}
            for d in demonstrations(work, question, write.demonstrations)
        ],
    }
    if not write.gold:
        values.pop("hint")
    return Request(
        messages=work.prompts.render(f"write-{kind}", **values),
        sampling=step.sampling,
        seed=request_seed(member.seat, question=question.id, kind=kind, sample=sample),
        sample=sample,
        about=f"question {question.key} of {question.task}",
    )


def explanation_row(work: Work, call: Call, generation: Row) -> Row:
    """An explanation; a rationale carries its answer check, a feedback the mistake it explains."""
    kind: Kind
    subject: Subject
    kind, subject = call.tag
    graded = work.task.grade(subject.question, generation["text"]) if kind == "rationale" else None
    parts = {
        "kind": kind,
        "question": subject.question.id,
        "answer": subject.answer["id"] if subject.answer else None,
        "seat": call.member.seat.id,
        "generation": generation["id"],
    }
    return {
        "id": content_id("explanation", **parts), "split": subject.question.split, **parts,
        "grade": graded.grade.value if graded else None, "read": graded.read if graded else None,
    }  # fmt: skip
