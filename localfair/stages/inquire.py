"""inquire: authors write feedback on a student's mistakes, and rationales that answer the question
afresh.

Reads questions and answers; writes generations and explanations, each rationale with its answer
check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localfair.committee.ask import Call, request_seed
from localfair.committee.seating import Member
from localfair.recipe.schema import Exam, Inquire, WriteFeedback, WriteRationale
from localfair.record.made import Answer, Explanation, Reply
from localfair.record.nouns import Grade, Kind, Question, Request
from localfair.record.tables import ANSWERS, EXPLANATIONS, REPLIES
from localfair.stages.rows import Demonstrations, answer_text
from localfair.stages.step import Done, Work, about
from localfair.tasks.grading import READER_VERSION


@dataclass(frozen=True, slots=True)
class Mistake:
    """A student's answer that is not right.

    `text` is the answer without thinking and run-on. `format_only`: nothing could be read, and that
    is no mistake of reasoning; so is a reply that never came to an answer.
    """

    answer: str  # its id
    text: str
    format_only: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What an explanation is about: a question and, where it is about a mistake, that mistake."""

    question: Question
    mistake: Mistake | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One explanation to be written: of which kind, about what, and which sample of several it
    is.
    """

    kind: Kind
    subject: Subject
    sample: int


def inquire(work: Work, step: Inquire) -> dict[str, Any]:
    """Every author writes every kind that the recipe asks for; the outcome counts them."""
    if step.about == "mistakes":
        subjects = _mistakes(work, step)
    else:
        subjects = [Subject(question) for question in work.questions("train")]
    replies = work.committee.ask(_calls(work, step, subjects), f"{step.id}:")
    explanations = (explanation_from(work, call, reply) for call, reply in replies)
    kinds: Counter[Kind] = Counter()
    right = 0
    for explanation in work.rows.keep(EXPLANATIONS, explanations):
        kinds[explanation.kind] += 1
        right += explanation.grade == Grade.RIGHT
    work.rows.made(ANSWERS, [s.mistake.answer for s in subjects if s.mistake])
    return {
        "mistakes" if step.about == "mistakes" else "questions": len(subjects),
        "feedback": kinds["feedback"],
        "rationale": kinds["rationale"],
        "rationales_right": right,
    }


def _mistakes(work: Work, step: Inquire) -> list[Subject]:
    """The distinct mistakes of the exams that the step reads: the same text twice is one
    mistake.
    """
    exams = work.rows.earlier(step, ("exam",), split="train")
    unreadable_is = _unreadable_is(exams)
    answers: list[Answer] = []
    for answer in work.rows.of(ANSWERS, exams):
        ignored = unreadable_is == "nothing" and answer.grade == Grade.UNREADABLE
        if answer.grade != Grade.RIGHT and not ignored:
            answers.append(answer)
    questions = work.store.questions_by_id(answer.question for answer in answers)
    replies = work.store.get(REPLIES, [answer.generation for answer in answers])
    subjects: dict[tuple[str, str], Subject] = {}
    for answer in answers:
        text = answer_text(replies[answer.generation])
        is_format = unreadable_is == "format" and answer.grade == Grade.UNREADABLE
        mistake = Mistake(answer.id, text, format_only=is_format or not text)
        subject = Subject(questions[answer.question], mistake)
        subjects.setdefault((answer.question, text), subject)
    return list(subjects.values())


def _unreadable_is(exams: list[Done]) -> str:
    """What an unreadable answer counts as. Where exams differ in it, it counts as a mistake."""
    policies = {done.step.unreadable_is for done in exams if isinstance(done.step, Exam)}
    return policies.pop() if len(policies) == 1 else "mistake"


def _calls(work: Work, step: Inquire, subjects: list[Subject]) -> Iterator[Call]:
    demonstrations = Demonstrations(work)
    for member in work.committee.of(step.role):
        for assignment in _assignments(step, subjects):
            request = _request(work, step, member, assignment, demonstrations)
            yield Call(member, request, assignment)


def _assignments(step: Inquire, subjects: list[Subject]) -> Iterator[Assignment]:
    """Kind by kind, so that requests with the same beginning stand together."""
    if step.write.feedback is not None:
        for subject in subjects:
            # feedback explains a mistake of reasoning: there is nothing to explain in a format
            if subject.mistake is not None and not subject.mistake.format_only:
                for sample in range(step.write.feedback.samples):
                    yield Assignment("feedback", subject, sample)
    if step.write.rationale is not None:
        for subject in subjects:
            for sample in range(step.write.rationale.samples):
                yield Assignment("rationale", subject, sample)


def _request(
    work: Work,
    step: Inquire,
    member: Member,
    assignment: Assignment,
    demonstrations: Demonstrations,
) -> Request:
    question = assignment.subject.question
    mistake = assignment.subject.mistake
    write = _write_of(step, assignment.kind)
    shows_mistake = isinstance(write, WriteFeedback) or write.mistake
    messages = work.wording.prompts.render(
        f"write-{assignment.kind}",
        **work.wording.values(question, hint=write.gold),
        gold=write.gold,
        mistake=mistake.text if mistake and shows_mistake else None,
        demonstrations=demonstrations.values(question, write.demonstrations),
    )
    return Request(
        messages=messages,
        sampling=step.sampling,
        seed=request_seed(
            member.seat, question=question.id, kind=assignment.kind, sample=assignment.sample
        ),
        sample=assignment.sample,
        about=about(question),
    )


def _write_of(step: Inquire, kind: Kind) -> WriteFeedback | WriteRationale:
    write = step.write.feedback if kind == "feedback" else step.write.rationale
    assert write is not None, f"{step.id} asks for no {kind}"
    return write


def explanation_from(work: Work, call: Call, reply: Reply) -> Explanation:
    """An explanation; a rationale carries its answer check, a feedback the mistake it explains."""
    assignment: Assignment = call.tag
    subject = assignment.subject
    graded = None
    if assignment.kind == "rationale":
        graded = work.task.grade(subject.question, reply.text)
    return Explanation(
        kind=assignment.kind,
        question=subject.question.id,
        split=subject.question.split,
        answer=subject.mistake.answer if subject.mistake else None,
        seat=call.member.seat.id,
        generation=reply.id,
        grade=graded.grade if graded else None,
        read=graded.read if graded else None,
        reader=READER_VERSION,
    )
