"""select: accepted explanations, and the student's own right answers, become lessons.

Which ones is drawn with the run's seed, or the student's own probabilities say it. What is dropped
is a row with its reason.

Reads explanations, verdicts, answers and questions; writes lessons and the rows each came from, and
generations where the student is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from localfair.recipe.schema import Select, Take
from localfair.record.nouns import Grade, Kind, Message, Question
from localfair.record.tables import LESSONS
from localfair.stages.candidates import Inputs, inputs_of, questions_of
from localfair.stages.drafts import REPEATED, Draft, drop_beyond, drop_repeats
from localfair.stages.likely import likelihoods
from localfair.stages.rows import (
    Candidate,
    OwnAnswer,
    Written,
    by_question,
    draw_written,
    why_unfit,
)
from localfair.stages.step import Work
from localfair.tasks.leakage import HeldOut, completion_reason, held_out, question_reason

__all__ = ["Draft", "drop_repeats", "select"]

KINDS: tuple[Kind, ...] = ("feedback", "rationale", "answer")
# what per_question takes of candidates; teachers' come first, so that an own answer that says the
# same is the one that repeats
Source = Literal["feedback", "rationale", "own"]
SOURCES: tuple[Source, ...] = ("feedback", "rationale", "own")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The candidates of one question and source.

    asked: somebody was asked for it. clean: those that may be learned. dropped: those that nobody
    may learn, with the reason.
    """

    question: Question
    source: Source
    asked: bool
    clean: list[Candidate]
    dropped: list[Draft]

    @property
    def purpose(self) -> str:
        """What its draw is for."""
        return f"lesson:{self.source}:{self.question.id}"


def select(work: Work, step: Select) -> dict[str, Any]:
    """Per question, as many lessons of each kind as the recipe takes.

    The outcome counts kept and dropped.
    """
    inputs = inputs_of(work, step)
    drafting = Drafting(work, step, inputs)
    pools = drafting.pools(questions_of(work, step, inputs))
    likely: Mapping[str, float] = {}
    if step.prefer == "likely":
        likely = likelihoods(work, step, drafting.to_choose_from(pools))
    drafts: list[Draft] = []
    for question, of_question in pools.items():
        drafts += drafting.lessons_of(question, of_question, likely)
    if step.unique:
        drafts = drop_repeats(drafts, step.distinct)
    if step.at_most:
        drafts = drop_beyond(work.seed, step.at_most, drafts)
    lessons = [draft.lesson() for draft in drafts]
    work.rows.made(LESSONS, work.store.add_lessons(lessons))
    return _outcome(step, drafts)


def _outcome(step: Select, drafts: list[Draft]) -> dict[str, Any]:
    kept = [draft for draft in drafts if draft.kept]
    kinds = [draft.kind for draft in kept]
    outcome = {"lessons": len(kept)}
    for kind in KINDS:
        if kind in kinds:
            outcome[kind] = kinds.count(kind)
    if step.per_question.own:
        outcome["own"] = sum(draft.own for draft in kept)
    return {
        **outcome,
        "questions": len({draft.question.id for draft in kept}),
        "dropped": len(drafts) - len(kept),
        "contaminated": sum(draft.contaminated for draft in drafts),
    }


class Drafting:
    """Makes the lessons of a select step, question by question."""

    def __init__(self, work: Work, step: Select, inputs: Inputs) -> None:
        self._work = work
        self._step = step
        self._inputs = inputs
        self._held_out = _held_out(work, step)
        self._written = by_question(inputs.written)
        self._own = by_question(inputs.own)

    def pools(self, questions: list[Question]) -> dict[Question, list[Pool]]:
        """The candidates of each question, one pool for each source that the recipe takes."""
        pools: dict[Question, list[Pool]] = {}
        for question in questions:
            pools[question] = [self._pool(question, source) for source in self._sources()]
        return pools

    def to_choose_from(self, pools: Mapping[Question, list[Pool]]) -> dict[str, Draft]:
        """The drafts of all candidates that more are of than are taken, by the candidate's id."""
        drafts: dict[str, Draft] = {}
        for of_question in pools.values():
            for pool in of_question:
                for candidates, count in self._shares(pool):
                    if 0 < count < len(candidates):
                        for each in candidates:
                            drafts[each.id] = self._draft(pool.question, each)
        return drafts

    def lessons_of(
        self, question: Question, pools: Sequence[Pool], likely: Mapping[str, float]
    ) -> list[Draft]:
        """One question's lessons; those that nobody may learn are dropped, with the reason.

        With `complete`, every kind that was written about the question has to be there. Where
        nobody was asked for feedback (an unreadable answer that is a format lesson, a question that
        is no mistake), none is missed. The student's own answer to a question is a rationale of it,
        and is learned whatever else is missing.
        """
        leak = self._leak(question)
        drafts: list[Draft] = []
        missing: list[str] = []
        for pool in pools:
            picked = self._pick(pool, likely, drafts)
            has_kept = any(draft.kept for draft in picked)
            if pool.source == "own":
                if has_kept and "rationale" in missing:
                    missing.remove("rationale")
            elif pool.asked and not has_kept:
                missing.append(pool.source)
            drafts += picked
            drafts += pool.dropped
        if self._step.per_question.answer:
            drafts.append(self._answer(question))
        if self._step.per_question.gold:
            drafts += self._gold(question)
        if leak:
            drafts = [draft.taint(leak) for draft in drafts]
        if missing and self._step.complete:
            reason = " and ".join(f"no accepted {kind}" for kind in missing)
            drafts = [draft if draft.own else draft.drop(reason) for draft in drafts]
        return drafts

    def _sources(self) -> list[Source]:
        """What the recipe takes any candidates of."""
        per_question = self._step.per_question
        return [source for source in SOURCES if getattr(per_question, source)]

    def _leak(self, question: Question) -> str | None:
        """Why no lesson of a question may be learned: the question itself leaks."""
        return question_reason(question, self._held_out) if self._held_out else None

    def _pool(self, question: Question, source: Source) -> Pool:
        candidates: list[Candidate] = []
        if source == "own":
            candidates += self._own.get(question.id, [])
            asked = bool(candidates)
        else:
            written = [each for each in self._written.get(question.id, []) if each.kind == source]
            candidates += [each for each in written if each.id in self._inputs.learnable]
            asked = bool(written)
        dropped: dict[str, Draft] = {}
        if not self._leak(question):
            # where the question itself leaks, every lesson of it goes, and no text needs a look
            dropped = self._dropped(question, candidates)
        clean = [each for each in candidates if each.id not in dropped]
        return Pool(
            question=question,
            source=source,
            asked=asked,
            clean=clean,
            dropped=list(dropped.values()),
        )

    def _dropped(self, question: Question, candidates: list[Candidate]) -> dict[str, Draft]:
        """Those that nobody may learn, by id: unfit for a lesson, or sharing text with dev or test."""
        dropped: dict[str, Draft] = {}
        for each in candidates:
            completion = self._completion(each)
            unfit = why_unfit(each, completion)
            if unfit:
                dropped[each.id] = self._draft(question, each).drop(unfit)
                continue
            leak = completion_reason(completion, self._held_out) if self._held_out else None
            if leak:
                dropped[each.id] = self._draft(question, each).taint(leak)
        return dropped

    def _completion(self, candidate: Candidate) -> str:
        """What the student learns to reply, with the thinking before it where the recipe keeps it."""
        keeps_thinking = self._step.thinking == "keep"
        return candidate.with_thinking() if keeps_thinking else candidate.text

    def _shares(self, pool: Pool) -> Iterator[tuple[list[Candidate], int]]:
        """Candidates among which one choice is made, and how many of them are taken."""
        count: Take = getattr(self._step.per_question, pool.source)
        if count == "all":
            yield pool.clean, len(pool.clean)
        elif count != "each-teacher":
            yield pool.clean, count
        else:
            written = [each for each in pool.clean if isinstance(each, Written)]
            for teacher in sorted({each.author.index for each in written}):
                yield [each for each in written if each.author.index == teacher], 1

    def _pick(
        self, pool: Pool, likely: Mapping[str, float], earlier: Sequence[Draft]
    ) -> list[Draft]:
        """As many of the candidates as the recipe takes, in the order of its preference.

        Own answers, and rationales that are told apart by their equations, are counted without
        those that repeat another; these are dropped. Other explanations are counted with their
        repeats, as the papers do.
        """
        distinct = self._step.distinct
        passes_repeats = self._step.unique and (pool.source == "own" or distinct == "equations")
        contents = {draft.content(distinct) for draft in earlier if draft.kept}
        picked: list[Draft] = []
        for candidates, count in self._shares(pool):
            left = count
            for candidate in self._in_order(pool, candidates, likely):
                if not left:
                    break
                draft = self._draft(pool.question, candidate)
                content = draft.content(distinct)
                if passes_repeats and content in contents:
                    picked.append(draft.drop(REPEATED))
                    continue
                contents.add(content)
                picked.append(draft)
                left -= 1
        return picked

    def _in_order(
        self, pool: Pool, candidates: list[Candidate], likely: Mapping[str, float]
    ) -> list[Candidate]:
        """The likeliest first, ties and all others in the order of a draw with the run's seed."""
        drawn = draw_written(self._work.seed, pool.purpose, candidates)
        # stable; one whose score is missing comes last
        return sorted(drawn, key=lambda each: -likely.get(each.id, float("-inf")))

    def _draft(self, question: Question, candidate: Candidate) -> Draft:
        if isinstance(candidate, OwnAnswer):
            return self._answered(question, candidate)
        return self._explained(question, candidate)

    def _answered(self, question: Question, candidate: OwnAnswer) -> Draft:
        """The student's own answer as a lesson, to the very prompt of its exam."""
        answer = candidate.answer
        return Draft(
            question=question,
            kind="rationale",
            teacher=None,
            prompt=candidate.prompt,
            completion=self._completion(candidate),
            sources=(
                ("question", question.id),
                ("generation", answer.generation),
                ("answer", answer.id),
            ),
            own=True,
        )

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

    def _gold(self, question: Question) -> list[Draft]:
        """The data set's own solution as a rationale; none for a question without one.

        One that does not reach the gold answer by true steps is dropped, with the reason.
        """
        if not question.rationale:
            return []
        draft = Draft(
            question=question,
            kind="rationale",
            teacher=None,
            prompt=self._prompt(question, "rationale", teacher=None),
            completion=question.rationale,
            sources=(("question", question.id),),
        )
        task = self._work.task
        if task.grade(question, question.rationale).grade is not Grade.RIGHT:
            return [draft.drop("the gold rationale does not reach the gold answer")]
        if task.sound(question, question.rationale) is False:
            return [draft.drop("a step of the gold rationale does not hold")]
        leak = completion_reason(question.rationale, self._held_out) if self._held_out else None
        return [draft.taint(leak) if leak else draft]

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
