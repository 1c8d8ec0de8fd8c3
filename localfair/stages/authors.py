"""Authors, asked to write about subjects: feedback, rationales, repairs.

A repair corrects the student's attempt from its first wrong step on. It is a rationale whose author
was shown that attempt: the record, the reviews and the lessons know it as a rationale about that
mistake, and it is answer-checked like one. Where there is nothing to repair (no attempt, or one in
which only the format is wrong) a rationale is asked for instead.

Reads demonstrations; writes generations and explanations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from localfair.committee.ask import Call, request_seed
from localfair.committee.seating import Member
from localfair.recipe.schema import Inquire
from localfair.recipe.writing import WriteFeedback, WriteRationale, WriteRepair
from localfair.record.made import Explanation, Reply
from localfair.record.nouns import Grade, Request
from localfair.record.tables import EXPLANATIONS
from localfair.stages.rows import Demonstrations, answer_text
from localfair.stages.step import Work, about
from localfair.stages.subjects import Subject
from localfair.tasks.grading import READER_VERSION
from localfair.tasks.steps import shows_steps

Form = Literal["feedback", "rationale", "repair"]  # what an author is asked for


@dataclass(frozen=True, slots=True)
class Assignment:
    """One text to be written: in which form, about what, and which sample of several it is."""

    form: Form
    subject: Subject
    sample: int


@dataclass(slots=True)
class Tally:
    """What one seat was asked for and wrote: requests, replies, right answers that show their steps,
    to which questions, and the tokens that it read and wrote.
    """

    requests: int = 0
    replies: int = 0
    right: int = 0
    tokens: int = 0
    solved: set[str] = field(default_factory=set)  # the ids of the questions


class Authors:
    """Asks members of the committee, and keeps and counts what they write in one step.

    solved: the ids of the questions that one of them answered right. explained: of these, the ones
    that were answered with their steps. mistakes: the ids of the
    student's answers that they were asked about.
    """

    def __init__(self, work: Work, step: Inquire) -> None:
        self._work = work
        self._step = step
        self._demonstrations = Demonstrations(work)
        self.written: Counter[Form] = Counter()
        self.right: Counter[Form] = Counter()
        self.solved: set[str] = set()
        self.explained: set[str] = set()
        self.mistakes: list[str] = []

    def ask(self, members: Iterable[Member], subjects: Sequence[Subject]) -> dict[str, Tally]:
        """Every member writes every form about every subject; a tally by seat's id."""
        self.mistakes += [each.mistake.answer for each in subjects if each.mistake]
        tallies: dict[str, Tally] = {}
        calls = list(self._calls(members, subjects))
        for call in calls:
            tallies.setdefault(call.member.seat.id, Tally()).requests += 1
        explanations = self._explanations(calls, tallies)
        for _ in self._work.rows.keep(EXPLANATIONS, explanations):
            pass  # each is counted before it is kept
        return tallies

    def counts(self) -> dict[str, Any]:
        """How much was written of each form, and how much of it was right."""
        counts = {
            "feedback": self.written["feedback"],
            "rationale": self.written["rationale"],
            "rationales_right": self.right["rationale"],
        }
        if self._step.write.repair is not None:
            counts["repair"] = self.written["repair"]
            counts["repairs_right"] = self.right["repair"]
        return counts

    def _calls(self, members: Iterable[Member], subjects: Sequence[Subject]) -> Iterator[Call]:
        for member in members:
            for assignment in assignments(self._step, subjects):
                yield Call(member, self._request(member, assignment), assignment)

    def _explanations(self, calls: list[Call], tallies: dict[str, Tally]) -> Iterator[Explanation]:
        for call, reply in self._work.committee.ask(calls, f"{self._step.id}:"):
            explanation = explanation_from(self._work, call, reply)
            form: Form = call.tag.form
            tally = tallies[call.member.seat.id]
            tally.replies += 1
            tally.tokens += reply.prompt_tokens + reply.completion_tokens
            self.written[form] += 1
            if explanation.grade == Grade.RIGHT:
                self.right[form] += 1
                self.solved.add(explanation.question)
                # an answer without a step teaches nothing, and earns no turn
                if shows_steps(answer_text(reply)):
                    tally.right += 1
                    tally.solved.add(explanation.question)
                    self.explained.add(explanation.question)
            yield explanation

    def _request(self, member: Member, assignment: Assignment) -> Request:
        work = self._work
        question = assignment.subject.question
        mistake = assignment.subject.mistake
        write = _write_of(self._step, assignment.form)
        shown = mistake.text if mistake and _shows_mistake(write, assignment.form) else None
        messages = work.wording.prompts.render(
            f"write-{assignment.form}",
            **work.wording.values(question, hint=write.gold),
            gold=write.gold,
            mistake=shown,
            demonstrations=self._demonstrations.values(question, write.demonstrations),
        )
        return Request(
            messages=messages,
            sampling=self._step.sampling,
            seed=request_seed(
                member.seat, question=question.id, kind=assignment.form, sample=assignment.sample
            ),
            sample=assignment.sample,
            about=about(question),
        )


def assignments(step: Inquire, subjects: Iterable[Subject]) -> Iterator[Assignment]:
    """Form by form, so that requests with the same beginning stand together."""
    subjects = list(subjects)
    write = step.write
    if write.feedback is not None:
        for subject in subjects:
            # feedback explains a mistake of reasoning: there is nothing to explain in a format
            if subject.repairable:
                yield from _samples("feedback", subject, write.feedback.samples)
    if write.rationale is not None:
        for subject in subjects:
            yield from _samples("rationale", subject, write.rationale.samples)
    if write.repair is None:
        return
    for subject in subjects:
        if subject.repairable:
            yield from _samples("repair", subject, write.repair.samples)
        elif write.rationale is None:
            yield from _samples("rationale", subject, write.repair.samples)


def _samples(form: Form, subject: Subject, count: int) -> Iterator[Assignment]:
    for sample in range(count):
        yield Assignment(form, subject, sample)


def _write_of(step: Inquire, form: Form) -> WriteFeedback | WriteRationale | WriteRepair:
    """The settings of a form; a rationale that is asked for in place of a repair has the repair's."""
    write: WriteFeedback | WriteRationale | WriteRepair | None = getattr(step.write, form)
    if form == "rationale" and write is None:
        write = step.write.repair
    assert write is not None, f"{step.id} asks for no {form}"
    return write


def _shows_mistake(write: WriteFeedback | WriteRationale | WriteRepair, form: Form) -> bool:
    """Whether the author sees the student's answer."""
    if form == "rationale":
        return isinstance(write, WriteRationale) and write.mistake
    return True


def explanation_from(work: Work, call: Call, reply: Reply) -> Explanation:
    """An explanation; a rationale carries its answer check, a feedback the mistake it explains."""
    assignment: Assignment = call.tag
    subject = assignment.subject
    graded = None
    if assignment.form != "feedback":
        graded = work.task.grade(subject.question, reply.text)
    return Explanation(
        kind="feedback" if assignment.form == "feedback" else "rationale",
        question=subject.question.id,
        split=subject.question.split,
        answer=subject.mistake.answer if subject.mistake else None,
        seat=call.member.seat.id,
        generation=reply.id,
        grade=graded.grade if graded else None,
        read=graded.read if graded else None,
        reader=READER_VERSION,
    )
