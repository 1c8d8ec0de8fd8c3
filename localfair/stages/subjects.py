"""What an inquire step asks about: the student's mistakes, every question, or those still unsolved.

Reads questions, answers and what earlier inquire steps of the run wrote; writes nothing and asks
nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from localfair.recipe.schema import Exam, Inquire
from localfair.record.made import Answer
from localfair.record.nouns import Grade, Question
from localfair.record.tables import ANSWERS, EXPLANATIONS, REPLIES
from localfair.stages.rows import answer_text, draw
from localfair.stages.step import Done, Work, of_stage


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
    """What an explanation is about: a question and, where there is one, a mistake in it."""

    question: Question
    mistake: Mistake | None = None

    @property
    def repairable(self) -> bool:
        """Whether there is an attempt of which steps could be kept: a format alone is none."""
        return self.mistake is not None and not self.mistake.format_only


@dataclass(frozen=True, slots=True)
class Subjects:
    """What a step may ask about, in order, and the ids of the questions that are solved already."""

    all: list[Subject]
    solved: frozenset[str] = field(default_factory=frozenset)

    def unsolved(self) -> list[Subject]:
        """Those of questions that are not solved."""
        return [subject for subject in self.all if subject.question.id not in self.solved]


def subjects_of(work: Work, step: Inquire) -> Subjects:
    """What a step may ask about, as its recipe says."""
    subjects = _subjects_of_all(work, step)
    in_order = [question.id for question in work.questions("train")[: step.first]]
    if step.at_most is not None:
        solved = [question for question in in_order if question in subjects.solved]
        left = [question for question in in_order if question not in subjects.solved]
        in_order = solved + left[: step.at_most]
    asked = set(in_order)
    about = [subject for subject in subjects.all if subject.question.id in asked]
    return Subjects(about, subjects.solved)


def _subjects_of_all(work: Work, step: Inquire) -> Subjects:
    """What a step may ask about of all train questions."""
    if step.about == "mistakes":
        return Subjects(mistakes(work, step))
    if step.about == "questions":
        return Subjects([Subject(question) for question in work.questions("train")])
    return _questions_with_attempts(work, step)


def mistakes(work: Work, step: Inquire) -> list[Subject]:
    """The distinct mistakes of the exams that the step reads: the same text twice is one
    mistake.
    """
    exams = _exams(work, step)
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


def _exams(work: Work, step: Inquire) -> list[Done]:
    return work.rows.earlier(step, ("exam",), split="train")


def _unreadable_is(exams: list[Done]) -> str:
    """What an unreadable answer counts as. Where exams differ in it, it counts as a mistake."""
    policies = {done.step.unreadable_is for done in exams if isinstance(done.step, Exam)}
    return policies.pop() if len(policies) == 1 else "mistake"


def _questions_with_attempts(work: Work, step: Inquire) -> Subjects:
    """Every train question, each with one of the student's mistakes in it where there is one.

    A question that the exam asked and got no answer to is left out: nobody knows yet whether it is
    solved. Without an exam on train no question has an answer, and all stay.
    """
    exams = _exams(work, step)
    answered: set[str] = set()
    solved = _solved_by_authors(work)
    for answer in work.rows.of(ANSWERS, exams):
        answered.add(answer.question)
        if answer.grade == Grade.RIGHT:
            solved.add(answer.question)
    attempts = _attempts(work, mistakes(work, step))
    subjects: list[Subject] = []
    for question in work.questions("train"):
        if not exams or question.id in answered:
            subjects.append(Subject(question, attempts.get(question.id)))
    return Subjects(subjects, frozenset(solved))


def _solved_by_authors(work: Work) -> set[str]:
    """The questions to which earlier inquire steps of the run have a right rationale."""
    inquiries = of_stage(work.rows.done, "inquire")
    explanations = work.rows.of(EXPLANATIONS, inquiries)
    return {each.question for each in explanations if each.grade == Grade.RIGHT}


def _attempts(work: Work, subjects: Iterable[Subject]) -> dict[str, Mistake]:
    """By question, one of its mistakes, drawn; one that can be repaired where there is any."""
    by_question: dict[str, list[Subject]] = {}
    for subject in subjects:
        by_question.setdefault(subject.question.id, []).append(subject)
    attempts: dict[str, Mistake] = {}
    for question, same in by_question.items():
        candidates = [each for each in same if each.repairable] or same
        by_answer = {each.mistake.answer: each.mistake for each in candidates if each.mistake}
        [drawn] = draw(work.seed, "attempt", by_answer, 1)
        attempts[question] = by_answer[drawn]
    return attempts
