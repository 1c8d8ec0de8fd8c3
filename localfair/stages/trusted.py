"""review with a calibrated gate: what votes are worth is found first, and nobody else is asked.

Label reviews, then a fit, then the rest of the reviews by the seats that have a vote, then verdicts.
Reads explanations; writes generations, reviews, fits and verdicts. Labels are the rationales about
the first train questions in task order: those of a longer run are the same. Where the answer check
decides, votes reject nothing; they judge soundness within right answers where the task can say it,
and feedback by the trust that was earned on rationales, which is an assumption. Ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from localfair.committee.ask import Call
from localfair.committee.seating import Member
from localfair.recipe.schema import Accept
from localfair.recipe.schema import Review as ReviewStep
from localfair.record.fits import FITS, Fit, PlantReview
from localfair.record.made import Review, Verdict
from localfair.record.nouns import Grade, canonical_json
from localfair.record.tables import EXPLANATIONS, REPLIES, REVIEWS, VERDICTS
from localfair.report.fitting import fallen_for, fitted, judged
from localfair.report.plants import forged, planted
from localfair.report.trust import Judgement
from localfair.stages.review import (
    ReviewPrompts,
    by_explanation,
    failed_check,
    judge,
    made_verdict,
    may_review,
    review_by_mean,
    review_from,
    score_of,
)
from localfair.stages.rows import Written, why_unfit, with_texts
from localfair.stages.soundness import with_steps
from localfair.stages.step import Work

NOBODY = "nobody is there to review: a seat does not review what it wrote"
ASSUMED = "feedback is judged by trust earned on rationales"


def review(work: Work, step: ReviewStep) -> dict[str, Any]:
    """Send what is to be reviewed to whom it concerns, then judge by the step's gate."""
    if not step.is_calibrated:
        return review_by_mean(work, step)
    panel = Panel.of(work, step)
    reviews = panel.ask(panel.label_calls())
    plants = panel.ask_plants()
    fits = panel.fits(reviews, plants)
    work.rows.made(FITS, work.store.add(FITS, fits.all))
    reviews += panel.ask(panel.voters_calls(fits))
    reviews_of = by_explanation(reviews)
    verdicts = [panel.verdict(fits, each, reviews_of.get(each.id, [])) for each in panel.written]
    work.rows.made(VERDICTS, work.store.add(VERDICTS, verdicts))
    spared = panel.pairs() - len(reviews)
    outcome = {
        "explanations": len(panel.written),
        "reviews": len(reviews),
        "spared": spared,
        "unreadable": sum(review.score is None for review in reviews),
        "accepted": sum(verdict.accepted for verdict in verdicts),
        "labels": len(fits.answer.labels),
        "plants": len({plant.explanation for plant in plants}),
        "voters": len(fits.answer.voters),
    }
    return outcome | panel.words(fits, spared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a calibrated review may ask: for its labels, and beside them of whoever may have a vote.

    explanations: how many are judged.
    """

    labels: list[Call]
    rest: list[Call]
    explanations: int


def bound(work: Work, step: ReviewStep, *, is_whole: bool) -> Bound:
    """The most that a calibrated review asks about the explanations there are.

    is_whole: no other explanation may come, and so no other label.
    """
    panel = Panel.of(work, step)
    return Bound(
        labels=[*panel.label_calls(), *panel.plant_calls()],
        rest=panel.most_calls(is_whole),
        explanations=len(panel.written),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """What votes are worth about answers and, where the task can say it, about soundness."""

    answer: Fit
    sound: Fit | None

    @property
    def all(self) -> list[Fit]:
        """Those that there are."""
        return [self.answer] if self.sound is None else [self.answer, self.sound]

    def judging(self, accept: Accept, written: Written) -> Fit | None:
        """The fit that judges an explanation; None where the answer check decides."""
        if written.kind == "rationale" and accept.answer_check:
            return self.sound
        return self.answer


class Panel:
    """The explanations of one review step: which carry labels, and who is asked about which."""

    def __init__(self, work: Work, step: ReviewStep, written: list[Written]) -> None:
        self._work = work
        self._step = step
        self._members = work.committee.reviewers()
        self._prompts = ReviewPrompts(work, step, written)
        self.written = written
        questions = work.questions("train")[: step.accept.labels]
        self._questions = {question.id: question for question in questions}
        self.labelled = [each for each in written if self._has_label(each)]

    @classmethod
    def of(cls, work: Work, step: ReviewStep) -> Panel:
        """What the step is handed."""
        inquiries = work.rows.earlier(step, ("inquire",))
        written = with_texts(work.store, work.rows.of(EXPLANATIONS, inquiries))
        if step.accept.steps:
            written = with_steps(work.store, work.task, written)
        return cls(work, step, written)

    def _has_label(self, written: Written) -> bool:
        """A whole rationale about one of the first questions: its answer was checked."""
        is_cut = self._step.accept.finished and written.finish == "length"
        return (
            written.kind == "rationale"
            and written.question in self._questions
            and not is_cut
            and why_unfit(written, written.text) is None
        )

    # -- asking -----------------------------------------------------------------------------------

    def label_calls(self) -> list[Call]:
        """Every seat but the author's, about every explanation with a label."""
        return self._calls(self._members, self.labelled)

    def plant_calls(self) -> list[Call]:
        """Every seat but the author's, about the first wrong rationales with a forged verdict."""
        calls = []
        for number, wrong in enumerate(self._to_plant()):
            text = planted(wrong.text, number)
            name, _ = forged(number)
            for call in self._calls(self._members, [replace(wrong, text=text)]):
                calls.append(replace(call, tag=(name, wrong)))
        return calls

    def _to_plant(self) -> list[Written]:
        wrong = [each for each in self.labelled if each.explanation.grade == Grade.WRONG]
        wrong.sort(key=lambda each: (each.question, each.id))
        return wrong[: self._step.accept.plants]

    def voters_calls(self, fits: Fits) -> list[Call]:
        """The reviews that can change a verdict, beside those of the labels.

        In an exhaustive step all that are left.
        """
        if self._step.exhaustive:
            return self.calls_beyond(self._members, self.written)
        checked = self.checked()
        calls: list[Call] = []
        for fit in fits.all:
            voters = [member for member in self._members if member.seat.id in fit.voters]
            judged_by = [each for each in checked if fits.judging(self._step.accept, each) is fit]
            calls += self.calls_beyond(voters, judged_by)
        return calls

    def most_calls(self, is_whole: bool) -> list[Call]:
        """The reviews that may be asked beside those of the labels, whoever has a vote.

        When the labels are whole, none where they are all of one sort.
        """
        reviewed = self.written if self._step.exhaustive else self.checked()
        if is_whole and not self._step.exhaustive:
            sorts_of_answers = set(self._answers().values())
            sorts_of_steps = set(self._soundness().values())
            votes_on = {
                "feedback": len(sorts_of_answers) == 2,
                "rationale": len(sorts_of_steps) == 2,
            }
            if not self._step.accept.answer_check:
                votes_on["rationale"] = votes_on["feedback"]
            reviewed = [each for each in reviewed if votes_on[each.kind]]
        return self.calls_beyond(self._members, reviewed)

    def checked(self) -> list[Written]:
        """What the step reviews and no check rejects."""
        accept = self._step.accept
        return [
            each
            for each in self.written
            if each.kind in self._step.of and failed_check(accept, each) is None
        ]

    def calls_beyond(self, members: Sequence[Member], written: Iterable[Written]) -> list[Call]:
        """Those members, about what the step reviews and no label review is about."""
        labelled = {each.id for each in self.labelled}
        of_step = [each for each in written if each.kind in self._step.of]
        return self._calls(members, [each for each in of_step if each.id not in labelled])

    def _calls(self, members: Sequence[Member], written: Sequence[Written]) -> list[Call]:
        """Member by member and kind by kind, so that the same beginnings stand together."""
        calls = []
        for member in members:
            for each in sorted(written, key=lambda each: each.kind):
                if may_review(member, each):
                    calls.append(Call(member, self._prompts.request(member, each), each))
        return calls

    def _can_review(self, written: Iterable[Written]) -> bool:
        """Whether one of them has a seat to review it."""
        return any(may_review(member, each) for each in written for member in self._members)

    def pairs(self) -> int:
        """The reviews there could be: every seat but the author's about everything."""
        labelled = {each.id for each in self.labelled}
        pairs = 0
        for each in self.written:
            if each.kind in self._step.of or each.id in labelled:
                pairs += sum(may_review(member, each) for member in self._members)
        return pairs

    def ask(self, calls: Sequence[Call]) -> list[Review]:
        """Ask for reviews; they are kept."""
        replies = self._work.committee.ask(calls, f"{self._step.id}:")
        new = (review_from(call, reply) for call, reply in replies)
        return list(self._work.rows.keep(REVIEWS, new))

    def ask_plants(self) -> list[PlantReview]:
        """Ask for reviews of planted texts, which are reviews of no explanation."""
        reviews = []
        for call, reply in self._work.committee.ask(self.plant_calls(), f"{self._step.id}:"):
            name, wrong = call.tag
            reviews.append(
                PlantReview(
                    plant=name,
                    explanation=wrong.id,
                    seat=call.member.seat.id,
                    generation=reply.id,
                    score=score_of(reply),
                )
            )
        self._work.rows.made(REPLIES, [review.generation for review in reviews])
        return reviews

    # -- judging ----------------------------------------------------------------------------------

    def fits(self, reviews: Sequence[Review], plants: Sequence[PlantReview]) -> Fits:
        """What the label reviews show votes to be worth."""
        precision = self._step.accept.precision
        reviews_of = by_explanation(reviews)
        judgements = self._judgements(self._answers(), reviews_of)
        fallen = fallen_for(plants, judgements)
        answer = fitted(
            judgements,
            "answer",
            precision,
            reviews=[review.id for review in reviews],
            plants=plants,
            fallen=fallen,
        )
        if self.labelled and not self._can_review(self.labelled):
            answer = replace(answer, reason=NOBODY)
        soundness = self._soundness()
        if not soundness:
            return Fits(answer=answer, sound=None)
        about_right = [review.id for review in reviews if review.explanation in soundness]
        sound = fitted(
            self._judgements(soundness, reviews_of),
            "sound",
            precision,
            reviews=about_right,
            fallen=fallen,
        )
        return Fits(answer=answer, sound=sound)

    def _answers(self) -> dict[str, bool]:
        """Whether the answers of the labelled are right."""
        return {each.id: each.explanation.grade == Grade.RIGHT for each in self.labelled}

    def _soundness(self) -> dict[str, bool]:
        """Of the labelled whose answer is right, whether it was reached by sound steps.

        Empty where the task cannot tell, or where the answer check decides nothing.
        """
        soundness: dict[str, bool] = {}
        if not self._step.accept.answer_check:
            return soundness
        for each in self.labelled:
            if failed_check(self._step.accept, each) is not None:
                continue
            is_sound = self._work.task.sound(self._questions[each.question], each.text)
            if is_sound is not None:
                soundness[each.id] = is_sound
        return soundness

    def _judgements(
        self, labels: Mapping[str, bool], reviews_of: Mapping[str, list[Review]]
    ) -> list[Judgement]:
        judgements = []
        for each in self.labelled:
            if each.id in labels:
                scores = scores_by_seat(reviews_of.get(each.id, []))
                judgements.append(judgement_of(each, scores, labels[each.id]))
        return judgements

    def verdict(self, fits: Fits, written: Written, reviews: list[Review]) -> Verdict:
        """A verdict, keyed by its inputs, its policy and the fit that it is judged by."""
        step = self._step
        fit = fits.judging(step.accept, written)
        if fit is None or written.kind not in step.of:
            fit = None
            reviews = []  # those that gave labels decide nothing here
            is_accepted, reason = judge(step.accept, written, [], reviewed=False)
        else:
            scores_of = scores_by_seat(reviews)
            is_accepted, reason = judge_by(fit, step.accept, written, scores_of)
        return made_verdict(written, reviews, _policy(step, fit), is_accepted, reason)

    def words(self, fits: Fits, spared: int) -> dict[str, str]:
        """What the fits say, for whoever reads the outcome."""
        words = {"trust": f"{fits.answer.reason}; {spared} spared"}
        feedback = [each for each in self.checked() if each.kind == "feedback"]
        if feedback and fits.answer.decides != "checks":
            words["trust"] += f"; {ASSUMED}"
        if fits.sound is not None:
            words["soundness"] = fits.sound.reason
        return words


def judgement_of(
    written: Written, scores: Mapping[str, float], right: bool | None = None
) -> Judgement:
    """An explanation with its scores by seat."""
    return Judgement(
        explanation=written.id,
        question=written.question,
        author=written.explanation.seat,
        scores=scores,
        right=right,
    )


def scores_by_seat(reviews: Iterable[Review]) -> dict[str, float]:
    """The scores that could be read, by the reviewer's seat."""
    return {review.seat: review.score for review in reviews if review.score is not None}


def judge_by(
    fit: Fit, accept: Accept, written: Written, scores: Mapping[str, float]
) -> tuple[bool, str]:
    """Accepted or rejected, and why: the mechanical check first, then the fit."""
    failed = failed_check(accept, written)
    if failed:
        return False, failed
    return judged(fit, judgement_of(written, scores))


def _policy(step: ReviewStep, fit: Fit | None) -> str:
    """What a verdict follows from; without a fit the checks decide."""
    policy: dict[str, Any] = {
        "accept": step.accept.policy(),
        "mode": step.mode,
        "reviewed": fit is not None,
    }
    if fit is not None:
        policy["fit"] = fit.id
    return canonical_json(policy)
