"""select: accepted explanations become lessons, drawn with the run's seed.

What is dropped is a row with its reason.

Reads explanations, verdicts and questions; writes lessons and the rows each came from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localfair.recipe.schema import PerQuestion, Select, Take
from localfair.record.made import Lesson
from localfair.record.nouns import Kind, Message, Question
from localfair.record.tables import EXPLANATIONS, LESSONS, VERDICTS
from localfair.stages.rows import (
    Written,
    by_question,
    draw,
    draw_written,
    why_unfit,
    with_texts,
)
from localfair.stages.step import Work, of_stage
from localfair.tasks.leakage import HeldOut, completion_reason, held_out, question_reason

KINDS: tuple[Kind, ...] = ("feedback", "rationale", "answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A lesson before it is stored.

    sources: (noun, id) of every row it came from. dropped:
    why nobody learns it, or None. contaminated: it shares text with dev or test.
    """

    question: Question
    kind: Kind
    teacher: int | None
    prompt: tuple[Message, ...]
    completion: str
    sources: tuple[tuple[str, str], ...]
    dropped: str | None = None
    contaminated: bool = False

    @property
    def kept(self) -> bool:
        return self.dropped is None

    def drop(self, reason: str) -> Draft:
        """The draft with the reason why it is dropped; an earlier reason stays."""
        return replace(self, dropped=self.dropped or reason)

    def taint(self, reason: str) -> Draft:
        """The draft, dropped because it shares text with dev or test."""
        return replace(self, dropped=reason, contaminated=True)

    def lesson(self) -> Lesson:
        """The draft as the record keeps it."""
        return Lesson(
            question=self.question.id,
            split=self.question.split,
            kind=self.kind,
            teacher=self.teacher,
            prompt=self.prompt,
            completion=self.completion,
            weight=1.0,
            dropped=self.dropped,
            sources=self.sources,
        )


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the select step reads: explanations, those that may be learned, and the verdicts that
    accepted them.
    """

    written: list[Written]
    learnable: frozenset[str]
    verdicts: dict[str, str]  # explanation -> the verdict that accepted it


def select(work: Work, step: Select) -> dict[str, Any]:
    """Per question, as many lessons of each kind as the recipe takes.

    The outcome counts kept and dropped.
    """
    inputs = _inputs(work, step)
    drafting = Drafting(work, step, inputs)
    written_about = by_question(inputs.written)
    drafts: list[Draft] = []
    for question in _questions(work, step, inputs):
        drafts += drafting.lessons_of(question, written_about.get(question.id, []))
    if step.unique:
        drafts = drop_repeats(drafts)
    if step.at_most:
        drafts = _drop_beyond(work, step.at_most, drafts)
    lessons = [draft.lesson() for draft in drafts]
    work.rows.made(LESSONS, work.store.add_lessons(lessons))
    return _outcome(drafts)


def _outcome(drafts: list[Draft]) -> dict[str, Any]:
    kept = [draft for draft in drafts if draft.kept]
    kinds = [draft.kind for draft in kept]
    outcome = {"lessons": len(kept)}
    for kind in KINDS:
        if kind in kinds:
            outcome[kind] = kinds.count(kind)
    return {
        **outcome,
        "questions": len({draft.question.id for draft in kept}),
        "dropped": len(drafts) - len(kept),
        "contaminated": sum(draft.contaminated for draft in drafts),
    }


def _inputs(work: Work, step: Select) -> Inputs:
    """The explanations of the steps that are read.

    Of an input that was never reviewed all may be learned.
    """
    done = work.rows.earlier(step, ("review", "inquire"))
    reviewed = of_stage(done, "review")
    inquired = of_stage(done, "inquire")
    verdicts = work.rows.of(VERDICTS, reviewed)
    accepted = {verdict.explanation: verdict.id for verdict in verdicts if verdict.accepted}
    judged = [verdict.explanation for verdict in verdicts]
    explanations = work.store.get(EXPLANATIONS, judged)
    learnable = set(accepted)
    for explanation in work.rows.of(EXPLANATIONS, inquired):
        explanations[explanation.id] = explanation
        learnable.add(explanation.id)
    in_order = [explanations[explanation_id] for explanation_id in sorted(explanations)]
    written = with_texts(work.store, in_order)
    return Inputs(written, frozenset(learnable), accepted)


def _questions(work: Work, step: Select, inputs: Inputs) -> list[Question]:
    """Those with an explanation to learn and, where gold answers are lessons too, every train
    question.
    """
    if step.per_question.answer:
        return work.questions("train")
    ids = [each.question for each in inputs.written if each.id in inputs.learnable]
    return sorted(work.store.questions_by_id(ids).values(), key=lambda question: question.id)


class Drafting:
    """Makes the lessons of a select step, question by question."""

    def __init__(self, work: Work, step: Select, inputs: Inputs) -> None:
        self._work = work
        self._step = step
        self._inputs = inputs
        self._held_out = _held_out(work, step)

    def lessons_of(self, question: Question, written: list[Written]) -> list[Draft]:
        """One question's lessons; those that nobody may learn are dropped, with the reason.

        With `complete`, every kind that was written about the question has to be there. Where
        nobody was asked for feedback (an unreadable answer that is a format lesson, a question that
        is no mistake), none is missed.
        """
        leak = question_reason(question, self._held_out) if self._held_out else None
        drafts: list[Draft] = []
        missing: list[str] = []
        for kind in _kinds(self._step.per_question):
            if kind == "answer":
                drafts.append(self._answer(question))
                continue
            of_kind = [each for each in written if each.kind == kind]
            learnable = [each for each in of_kind if each.id in self._inputs.learnable]
            # where the question itself leaks, every lesson of it goes, and no text needs a look
            dropped = {} if leak else self._dropped(question, learnable)
            clean = [each for each in learnable if each.id not in dropped]
            picked = self._take(question, kind, clean)
            if of_kind and not picked:
                missing.append(f"no accepted {kind}")
            drafts += [self._explained(question, each) for each in picked]
            drafts += dropped.values()
        if leak:
            drafts = [draft.taint(leak) for draft in drafts]
        if missing and self._step.complete:
            drafts = [draft.drop(" and ".join(missing)) for draft in drafts]
        return drafts

    def _dropped(self, question: Question, written: list[Written]) -> dict[str, Draft]:
        """Those that nobody may learn, by id: unfit for a lesson, or sharing text with dev or test."""
        dropped: dict[str, Draft] = {}
        for each in written:
            completion = self._completion(each)
            unfit = why_unfit(each, completion)
            if unfit:
                dropped[each.id] = self._explained(question, each).drop(unfit)
                continue
            leak = completion_reason(completion, self._held_out) if self._held_out else None
            if leak:
                dropped[each.id] = self._explained(question, each).taint(leak)
        return dropped

    def _completion(self, written: Written) -> str:
        """What the student learns to reply, with its author's thinking where the recipe keeps it."""
        keeps_thinking = self._step.thinking == "keep"
        return written.with_thinking() if keeps_thinking else written.text

    def _take(self, question: Question, kind: Kind, written: list[Written]) -> list[Written]:
        """As many of the explanations as the recipe takes of a kind, drawn with the run's seed."""
        seed = self._work.seed
        purpose = f"lesson:{kind}:{question.id}"
        count: Take = getattr(self._step.per_question, kind)
        if count == "all":
            return draw_written(seed, purpose, written, len(written))
        if count != "each-teacher":
            return draw_written(seed, purpose, written, count)
        taken: list[Written] = []
        for teacher in sorted({each.author.index for each in written}):
            by_teacher = [each for each in written if each.author.index == teacher]
            taken += draw_written(seed, purpose, by_teacher, 1)
        return taken

    def _answer(self, question: Question) -> Draft:
        """The gold answer as a lesson."""
        return Draft(
            question=question,
            kind="answer",
            teacher=None,
            prompt=self._prompt(question, "answer", teacher=None),
            completion=question.gold,
            sources=(("question", question.id),),
        )

    def _explained(self, question: Question, written: Written) -> Draft:
        """An explanation as a lesson; the prompt of a rationale is the exam's own."""
        teacher = written.author.index
        if written.kind == "feedback":
            prompt = self._prompt(question, "feedback", teacher=teacher, mistake=written.mistake)
        else:
            prompt = self._prompt(question, written.kind, teacher=teacher)
        explanation = written.explanation
        sources = [
            ("question", question.id),
            ("explanation", explanation.id),
            ("generation", explanation.generation),
        ]
        if explanation.answer:
            sources.append(("answer", explanation.answer))
        if explanation.id in self._inputs.verdicts:
            sources.append(("verdict", self._inputs.verdicts[explanation.id]))
        return Draft(
            question=question,
            kind=written.kind,
            teacher=teacher,
            prompt=prompt,
            completion=self._completion(written),
            sources=tuple(sources),
        )

    def _prompt(self, question: Question, kind: Kind, **values: object) -> tuple[Message, ...]:
        wording = self._work.wording
        return wording.prompts.render(f"ask-{kind}", **wording.values(question), **values)


def _held_out(work: Work, step: Select) -> HeldOut | None:
    """What dev and test of the task forbid; of the whole task, so that no limit changes it."""
    if not step.decontaminate:
        return None
    task = work.task.name
    exams = [*work.store.questions(task, "dev"), *work.store.questions(task, "test")]
    return held_out(exams, work.store.questions(task, "train"), step.decontaminate)


def _kinds(per_question: PerQuestion) -> list[Kind]:
    """The kinds that the recipe takes any lesson of."""
    return [kind for kind in KINDS if getattr(per_question, kind)]


def drop_repeats(drafts: list[Draft]) -> list[Draft]:
    """The drafts, those dropped that repeat the prompt and, up to white space, the completion of
    a kept one.
    """
    seen: set[tuple[Kind, tuple[Message, ...], str]] = set()
    unique: list[Draft] = []
    for draft in drafts:
        if not draft.kept:
            unique.append(draft)
            continue
        lesson = (draft.kind, draft.prompt, " ".join(draft.completion.split()))
        unique.append(draft.drop("repeats another lesson") if lesson in seen else draft)
        seen.add(lesson)
    return unique


def _drop_beyond(work: Work, count: int, drafts: list[Draft]) -> list[Draft]:
    """The drafts, those dropped that go beyond `count` lessons.

    Questions are drawn at random; one is taken, whole, when all of its lessons still fit.
    """
    lessons_of: dict[str, int] = {}
    for draft in drafts:
        if draft.kept:
            lessons_of[draft.question.id] = lessons_of.get(draft.question.id, 0) + 1
    taken: set[str] = set()
    left = count
    for question in draw(work.seed, "at_most", lessons_of):
        if lessons_of[question] <= left:
            taken.add(question)
            left -= lessons_of[question]
    beyond = f"beyond the {count} lessons wanted"
    return [draft if draft.question.id in taken else draft.drop(beyond) for draft in drafts]
