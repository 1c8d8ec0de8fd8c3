"""A run rehearsed: every step over the record, with a committee that answers from the
record and asks nobody.

Reads the record; what it writes over it is gone at the end. What cannot be known before something is asked is bounded
from above: an answer not given yet may be a mistake, an explanation not written yet may be reviewed
by everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from localfair.committee.ask import Call, Committee
from localfair.committee.seating import Member
from localfair.pipeline.orders import Order
from localfair.pipeline.prepared import prepare, quiet, store_questions
from localfair.pipeline.runs import STAGES, begun, do
from localfair.recipe.schema import Exam, Inquire, RecipeStep, Review, Select, Soften, Train
from localfair.record.adapters import loss_summary
from localfair.record.made import Adapter, Reply
from localfair.record.nouns import EngineIdentity
from localfair.record.overlay import Overlay
from localfair.record.steps import answered_by
from localfair.record.tables import REPLIES
from localfair.stages import trusted
from localfair.stages.authors import assignments
from localfair.stages.candidates import inputs_of
from localfair.stages.step import Done, Work
from localfair.stages.subjects import subjects_of
from localfair.stages.train import trained_before
from localfair.stages.train_plan import Plan
from localfair.stages.train_plan import plan as plan_training

ASKED_FOR = {"exam": "answer", "inquire": "explanation", "review": "review"}


@dataclass(slots=True)
class Share:
    """What one step wants of one engine.

    calls: one for each request that the record does not answer. repeats: those that wait for the
    same replies. more: calls that may be added by what is not known yet. loads: how often its model
    may have to be loaded.
    """

    member: Member
    recorded: int = 0
    calls: list[Call] = field(default_factory=list)
    repeats: list[Call] = field(default_factory=list)
    more: int = 0
    loads: int = 1


@dataclass(slots=True)
class Rehearsed:
    """One step: its shares by engine.

    For a train step the lessons known and those that may be added.

    trained: the very same adapter is in the record. unknown: rows (answers, explanations, lessons)
    that the step may yet make, beside those it finds. unknown_of: of an inquire step, by the id of
    the seat that may write them.
    """

    step: RecipeStep
    round: int
    shares: dict[EngineIdentity, Share] = field(default_factory=dict)
    lessons: int = 0
    more_lessons: int = 0
    trained: bool = False
    unknown: int = 0
    unknown_of: Counter[str] = field(default_factory=Counter)

    def share(self, member: Member) -> Share:
        """The share of a member's engine."""
        return self.shares.setdefault(member.identity, Share(member))

    def unanswered(self) -> list[Call]:
        """The calls that the record does not answer."""
        return [call for share in self.shares.values() for call in share.calls]

    def waiting(self) -> list[Call]:
        """All calls whose reply is unknown: each of them may make a row, also where one reply is
        for several.
        """
        repeats = [call for share in self.shares.values() for call in share.repeats]
        return self.unanswered() + repeats


class Silent(Committee):
    """A committee that yields what the record holds and notes what it does not.

    It opens no engine.
    """

    step: Rehearsed  # what is rehearsed now

    def knows(self, calls: Iterable[Call]) -> bool:
        """Whether the record answers all of them."""
        waiting = self._waiting(calls)
        return len(self.store.get(REPLIES, waiting)) == len(waiting)

    def ask(self, calls: Iterable[Call], label: str = "") -> Iterator[tuple[Call, Reply]]:
        waiting = self._waiting(calls)
        for same in waiting.values():
            self.step.share(same[0].member).recorded += 1
        yield from self._recorded(waiting)
        for same in waiting.values():
            share = self.step.share(same[0].member)
            share.recorded -= 1
            share.calls.append(same[0])
            share.repeats += same[1:]


def rehearse(order: Order, until: str | None = None) -> list[Rehearsed]:
    """Every step of the run that `order` would make.

    Raises what `pipeline.run` raises for bad input.
    """
    rehearsal = Rehearsal()
    prepared = prepare(order, until)
    with Overlay.open(order.db) as store:
        store_questions(store, prepared)
        committee = Silent(store, prepared.members)
        with begun(prepared, store, committee, quiet) as this:
            for work, step in this.steps():
                outcome = this.taken_over(work, step)
                if outcome is None:
                    outcome = do(work, step, rehearsal.stage, quiet)
                else:
                    rehearsal.take_over(work, step)
                # what is unknown may go on improving: no round is left out
                open_exam = isinstance(step, Exam) and bool(rehearsal.now.unanswered())
                this.did(work, step, outcome, improves=open_exam)
    return rehearsal.steps


class Rehearsal:
    """The steps rehearsed so far; the last one is rehearsed now."""

    def __init__(self) -> None:
        self.steps: list[Rehearsed] = []

    @property
    def now(self) -> Rehearsed:
        """The step that is rehearsed now."""
        return self.steps[-1]

    def stage(self, work: Work, step: RecipeStep) -> dict[str, Any]:
        """Rehearse a step: do it over the record, and bound from above what it may ask beyond that."""
        assert isinstance(work.committee, Silent)
        self.steps.append(Rehearsed(step, work.round))
        work.committee.step = self.now
        if isinstance(step, Train):
            return self._training(work, step)
        if isinstance(step, Soften):
            return self._softening(work, step)
        if isinstance(step, Review) and step.is_calibrated and not self._knows_votes(work, step):
            return self._trusting(work, step)
        outcome = STAGES[step.stage](work, step)
        if isinstance(step, Inquire):
            self._bound_inquire(work, step, outcome)
            return outcome
        waiting = self.now.waiting()
        rows = len(waiting)
        if isinstance(step, Review):
            # several reviews make one verdict
            rows = len({call.tag.id for call in waiting})
        self.now.unknown = rows + self._bound(work, step)
        return outcome

    def take_over(self, work: Work, step: RecipeStep) -> None:
        """Rehearse a step that an earlier run did from the same inputs: everything is recorded."""
        self.steps.append(Rehearsed(step, work.round))
        store = work.store
        run = work.rows.run
        position = work.rows.position
        if isinstance(step, Select) and step.prefer == "likely":
            # the only replies that a select step links are its student's scores
            scores = store.linked(run, [position], "generation")
            self.now.share(work.committee.of("student")[0]).recorded = len(scores)
        noun = ASKED_FOR.get(step.stage)
        answered = answered_by(store, run, position, noun) if noun else {}
        for member in work.committee.members:
            seat = member.seat
            # members of one engine share what it said
            count = answered.pop((seat.model, seat.fingerprint, seat.adapter), 0)
            if count:
                self.now.share(member).recorded = count
        if isinstance(step, Train | Soften):
            self.now.lessons = len(store.linked(run, [position], "lesson"))
            self.now.trained = isinstance(step, Train) and self.now.lessons > 0

    def _unknown_before(self, work: Work, stages: tuple[str, ...], split: str | None = None) -> int:
        """Rows that the steps read by this one may yet make."""
        read = self._rehearsed(work.rows.earlier(self.now.step, stages, split=split))
        return sum(each.unknown for each in read)

    def _rehearsed(self, done: Iterable[Done]) -> list[Rehearsed]:
        """Steps before this one, as they were rehearsed."""
        names = {(each.round, each.step.id) for each in done}
        return [each for each in self.steps[:-1] if (each.round, each.step.id) in names]

    def _bound(self, work: Work, step: RecipeStep) -> int:
        """Give the step's engines what the unknown may add; how many rows that may make."""
        if isinstance(step, Review) and step.mode != "none":
            return self._bound_review(work)
        if isinstance(step, Select):
            return self._bound_select(work, step)
        if isinstance(step, Exam):
            return 0
        return self._unknown_before(work, ("review", "inquire"))

    def _bound_select(self, work: Work, step: Select) -> int:
        """Each candidate that may come is a lesson, but of a question's own answers so many as the
        step takes; the student may have to score all of them.
        """
        explanations = self._unknown_before(work, ("review", "inquire"))
        own = self._unknown_own(work, step) if step.per_question.own else []
        unknown = explanations + sum(answers for answers, _ in own)
        if step.prefer == "likely" and unknown:
            share = self.now.share(work.committee.of("student")[0])
            # those that are known and need no choice yet may need one then
            known = inputs_of(work, step).candidates - share.recorded - len(share.calls)
            share.more += unknown + max(0, known)
        return explanations + sum(lessons for _, lessons in own)

    def _unknown_own(self, work: Work, step: Select) -> list[tuple[int, int]]:
        """By exam that gives own answers: how many may come, and how many lessons they may make."""
        takes = step.per_question.own
        bounds: list[tuple[int, int]] = []
        for exam in self._rehearsed(work.rows.students_exams(step)):
            assert isinstance(exam.step, Exam)
            questions = len(work.questions("train", exam.step.beyond))
            most = exam.unknown if takes == "all" else takes * questions
            bounds.append((exam.unknown, min(exam.unknown, most)))
        return bounds

    def _bound_inquire(self, work: Work, step: Inquire, outcome: dict[str, object]) -> None:
        """Every author writes all it is asked for about each mistake that may come.

        In turn, each may also be asked what it was spared here, where the order is not known yet.
        """
        now = self.now
        unknown = self._unknown_before(work, ("exam",), split="train")
        may_come = unknown if step.about == "mistakes" else 0
        if step.about == "unsolved":
            # one attempt a question, however many answers it may get
            may_come = min(
                unknown,
                step.first or unknown,
                step.at_most or unknown,
                len(work.questions("train")),
            )
        each = sum(write.samples for _, write in step.write if write is not None)
        asked = Counter(call.member.seat.id for call in now.waiting())
        members = work.committee.of(step.role)
        is_known = "order" in outcome and not unknown
        for member in members:
            more = may_come * each
            if step.turns and len(members) > 1:
                # another engine may be asked between two seats of this one, and between two places
                loads = sum(other.identity == member.identity for other in members)
                if step.nearest:
                    loads *= len(members)
                if not is_known:
                    loads += 1  # to find the order
                    more += self._spared(work, step, member)
                now.share(member).loads = loads
            now.share(member).more += more
            asked[member.seat.id] += more
        now.unknown_of = asked
        now.unknown = asked.total()

    def _spared(self, work: Work, step: Inquire, member: Member) -> int:
        """What another order would ask a member beyond what this rehearsal did."""
        subjects = subjects_of(work, step)
        wanted = {question.id for question in work.questions("train")[: step.order_on]}
        wanted |= {subject.question.id for subject in subjects.unsolved()}
        about = [subject for subject in subjects.all if subject.question.id in wanted]
        most = sum(1 for _ in assignments(step, about))
        # members of one engine have one share: each counts as if the others wrote nothing
        share = self.now.share(member)
        members = sum(other.identity == member.identity for other in work.committee.of(step.role))
        asked = share.recorded + len(share.calls) + len(share.repeats)
        return max(0, most * members - asked)

    def _bound_review(self, work: Work) -> int:
        """Every explanation that may come goes to every seat but its author's."""
        unknown: Counter[str] = Counter()
        for each in self._rehearsed(work.rows.earlier(self.now.step, ("inquire",))):
            unknown += each.unknown_of
        for member in work.committee.reviewers():
            others = unknown.total() - unknown[member.seat.id]
            self.now.share(member).more += others
        return unknown.total()

    def _knows_votes(self, work: Work, step: Review) -> bool:
        """Whether the record holds every label review: then it says who has a vote."""
        assert isinstance(work.committee, Silent)
        if self._unknown_before(work, ("inquire",)):
            return False
        return work.committee.knows(trusted.bound(work, step, is_whole=True).labels)

    def _trusting(self, work: Work, step: Review) -> dict[str, Any]:
        """A calibrated review whose votes are not known: everybody may have one."""
        unwritten = self._unknown_before(work, ("inquire",))
        bound = trusted.bound(work, step, is_whole=not unwritten)
        for _ in work.committee.ask([*bound.labels, *bound.rest]):
            pass
        if unwritten:
            self._bound_review(work)
            for member in work.committee.reviewers():
                self.now.share(member).more += step.accept.plants
        self.now.unknown = bound.explanations + unwritten
        return {"explanations": bound.explanations}

    def _softening(self, work: Work, step: Soften) -> dict[str, Any]:
        """One pass over each lesson.

        Which of them are softened already is known only with their tokens.
        """
        self.now.lessons = len(work.rows.lessons(step))
        self.now.more_lessons = self._unknown_before(work, ("select",))
        return {"lessons": self.now.lessons, "softened": 0}

    def _training(self, work: Work, step: Train) -> dict[str, Any]:
        """Seat the adapter that the record holds.

        Else one that nobody has, so that nothing it will say is found.
        """
        planned = plan_training(work, step)
        now = self.now
        now.lessons = len(planned.lessons)
        now.more_lessons = self._unknown_before(work, ("select",))
        known = self._known_adapter(work, planned)
        now.trained = known is not None
        learns = bool(planned.lessons or now.more_lessons)
        if step.best_epoch and not now.trained and learns:
            sat = len(step.best_epoch.epochs) or step.most_epochs
            now.share(planned.member).more += sat * len(work.questions("dev"))
        if learns:
            coming = f"to be trained in round {work.round} by {step.id}"
            adapter = planned.id if now.trained else coming
            work.committee.seat_adapter(step.role, adapter, work.store.path.parent)
        if known is None:
            trained = now.lessons + now.more_lessons
            return {"lessons": now.lessons, "trained": trained, "steps": 0}
        learned = loss_summary(work.store, known.id).lessons
        return {"lessons": now.lessons, "trained": learned, "steps": known.steps}

    def _known_adapter(self, work: Work, planned: Plan) -> Adapter | None:
        """The adapter, where the record holds it and no lesson may be added."""
        if self.now.more_lessons or not planned.lessons:
            return None
        return trained_before(work, planned.id)
