"""review: seats score one another's explanations from 1 to 5, and a verdict follows from the gate.

Reads explanations; writes generations, reviews and verdicts. Reviewers go one engine after another,
and an explanation whose verdict the remaining ones cannot change is not sent to them. `accepted` and
`settled` are pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import Any

from localfair.committee.ask import Call, request_seed
from localfair.committee.seating import Member
from localfair.recipe.schema import Accept
from localfair.recipe.schema import Review as ReviewStep
from localfair.record.made import Reply, Review, Verdict
from localfair.record.nouns import (
    Constraint,
    EngineIdentity,
    Grade,
    Message,
    Question,
    Request,
    canonical_json,
)
from localfair.record.tables import EXPLANATIONS, REVIEWS, VERDICTS
from localfair.stages.rows import Demonstrations, Written, why_unfit, with_texts
from localfair.stages.soundness import with_steps
from localfair.stages.step import Work, about
from localfair.tasks.grading import READER_VERSION
from localfair.tasks.scores import read_score
from localfair.tasks.steps import shows_steps

SCORES = ("1", "2", "3", "4", "5")
# reasons without a bracket, then the score in brackets, and nothing after it (ours)
REASONS_THEN_SCORE = Constraint("gbnf", r'root ::= [^\[\]]+ "[" [1-5] "]"')
REASONED = re.compile(r"[^\[\]]+\[[1-5]\]")  # the same form


def accepted(scores: Sequence[float], mean_above: float = 3.0, min_reviews: int = 1) -> bool:
    """The gate: enough valid scores, and their mean strictly above (FAIR §3: > 3).

    No scores: False.
    """
    return len(scores) >= max(1, min_reviews) and fmean(scores) > mean_above


def settled(
    scores: Sequence[float], remaining: int, mean_above: float = 3.0, min_reviews: int = 1
) -> bool:
    """Whether no `remaining` further reviews, each unreadable or 1 to 5, can change the verdict
    (ours).

    The mean falls with every 1 and rises with every 5, so only the two ends need to be looked at.
    """
    if accepted(scores, mean_above, min_reviews):
        return accepted([*scores, *[1.0] * remaining], mean_above, min_reviews)
    return not accepted([*scores, *[5.0] * remaining], mean_above, min_reviews)


def review_by_mean(work: Work, step: ReviewStep) -> dict[str, Any]:
    """Send what is to be reviewed to every seat but its author's, then judge.

    The outcome counts both.
    """
    inquiries = work.rows.earlier(step, ("inquire",))
    written = with_texts(work.store, work.rows.of(EXPLANATIONS, inquiries))
    if step.accept.steps:
        written = with_steps(work.store, work.task, written)
    reviews, spared = _ask_reviews(work, step, written)
    reviews_of = by_explanation(reviews)
    verdicts = [verdict_on(step, each, reviews_of.get(each.id, [])) for each in written]
    work.rows.made(VERDICTS, work.store.add(VERDICTS, verdicts))
    return {
        "explanations": len(written),
        "reviews": len(reviews),
        "spared": spared,
        "unreadable": sum(review.score is None for review in reviews),
        "accepted": sum(verdict.accepted for verdict in verdicts),
    }


def _ask_reviews(work: Work, step: ReviewStep, written: list[Written]) -> tuple[list[Review], int]:
    """Every review that is needed, asked turn by turn, and how many were spared."""
    if step.mode == "none":
        return [], 0
    prompts = ReviewPrompts(work, step, written)
    turns = _turns(work.committee.reviewers(), step.exhaustive)
    reviews: list[Review] = []
    spared = 0
    for number, members in enumerate(turns):
        to_come = [member for turn in turns[number:] for member in turn]
        undecided = _undecided(step, written, reviews, to_come)
        calls = []
        for member, explanation in _pairs(step, members, written):
            if step.exhaustive or explanation.id in undecided:
                calls.append(Call(member, prompts.request(member, explanation), explanation))
            else:
                spared += 1
        replies = work.committee.ask(calls, f"{step.id}:")
        new = (review_from(call, reply) for call, reply in replies)
        reviews += work.rows.keep(REVIEWS, new)
    return reviews, spared


def _turns(members: list[Member], exhaustive: bool) -> list[list[Member]]:
    """Who is asked together: everybody, or members of one engine, which fill its batch and share
    what it reads.

    The engine that wrote last goes first: it is likely to be loaded still.
    """
    if exhaustive:
        return [members]
    turns: dict[EngineIdentity, list[Member]] = {}
    for member in members:
        turns.setdefault(member.identity, []).append(member)
    return list(turns.values())[::-1]


def _pairs(
    step: ReviewStep, members: list[Member], written: list[Written]
) -> Iterator[tuple[Member, Written]]:
    """Who may review what, kind by kind, so that requests with the same beginning stand
    together.
    """
    for member in members:
        for kind in step.of:
            for explanation in written:
                if explanation.kind == kind and may_review(member, explanation):
                    yield member, explanation


def may_review(member: Member, written: Written) -> bool:
    """Nobody reviews what his own seat wrote."""
    return member.seat.id != written.explanation.seat


def _undecided(
    step: ReviewStep, written: list[Written], reviews: list[Review], to_come: list[Member]
) -> set[str]:
    """The ids of explanations whose verdict the members to come can still change."""
    reviews_of = by_explanation(reviews)
    undecided = set()
    for explanation in written:
        if failed_check(step.accept, explanation):
            continue
        scores = valid_scores(reviews_of.get(explanation.id, []))
        remaining = sum(may_review(member, explanation) for member in to_come)
        if not settled(scores, remaining, step.accept.mean_above, step.accept.needed):
            undecided.add(explanation.id)
    return undecided


def by_explanation(reviews: Iterable[Review]) -> dict[str, list[Review]]:
    """Reviews by the id of what they review, in their order."""
    grouped: dict[str, list[Review]] = {}
    for each in reviews:
        grouped.setdefault(each.explanation, []).append(each)
    return grouped


def valid_scores(reviews: Iterable[Review]) -> list[float]:
    """The scores that could be read."""
    return [each.score for each in reviews if each.score is not None]


class ReviewPrompts:
    """What reviewers are asked, for one review step."""

    def __init__(self, work: Work, step: ReviewStep, written: list[Written]) -> None:
        self._work = work
        self._step = step
        self._demonstrations = Demonstrations(work)
        self._questions = work.store.questions_by_id(
            explanation.question for explanation in written
        )

    def request(self, member: Member, explanation: Written) -> Request:
        """A member's request to score an explanation: in words, or by the log-probabilities of
        five digits.
        """
        step = self._step
        question = self._questions[explanation.question]
        direct = step.mode == "direct"
        constrained = step.constrained and not direct
        return Request(
            messages=self._messages(question, explanation),
            sampling=step.sampling,
            seed=request_seed(member.seat, explanation=explanation.id, purpose="review"),
            action="score" if direct else "generate",
            continuations=SCORES if direct else (),
            constraint=REASONS_THEN_SCORE if constrained else None,
            about=about(question),
        )

    def _messages(self, question: Question, explanation: Written) -> tuple[Message, ...]:
        step = self._step
        wording = self._work.wording
        return wording.prompts.render(
            f"review-{explanation.kind}",
            **wording.values(question, hint=step.gold),
            gold=step.gold,
            text=explanation.text,
            mistake=explanation.mistake,
            demonstrations=self._demonstrations.values(question, step.demonstrations),
            mode=step.mode,
        )


def expected_score(logprobs: Sequence[float]) -> float:
    """The expectation over 1..5 from the log-probabilities of the five tokens, renormalised
    (ours).
    """
    highest = max(logprobs)
    weights = [math.exp(logprob - highest) for logprob in logprobs]
    weighted = sum(score * weight for score, weight in enumerate(weights, 1))
    return weighted / sum(weights)


def review_from(call: Call, reply: Reply) -> Review:
    """A review: who scored whom, the score that could be read, and whether both sit on the same
    weights.
    """
    written: Written = call.tag
    reviewer = call.member.seat
    return Review(
        explanation=written.id,
        author=written.author.id,
        seat=reviewer.id,
        generation=reply.id,
        score=score_of(reply),
        same_weights=written.author.fingerprint == reviewer.fingerprint,
        reader=READER_VERSION,
    )


def score_of(reply: Reply) -> float | None:
    """The score of a reviewer's reply, or None when it gives none.

    A reply that was cut off at its token limit had not come to its score, whatever stands in it. A
    constrained one that is complete ends with its score, and nothing could come after it. All that
    decides it stands in the record, so that it can be read again.
    """
    if reply.action == "score":
        return expected_score(reply.logprobs)
    is_complete = reply.constrained and REASONED.fullmatch(reply.text.strip())
    if reply.finish == "length" and not is_complete:
        return None
    return read_score(reply.text)


def failed_check(accept: Accept, written: Written) -> str | None:
    """The mechanical reason to reject an explanation, whatever its reviews say.

    None when there is none.
    """
    grade = written.explanation.grade
    if accept.answer_check and written.kind == "rationale" and grade != Grade.RIGHT:
        return f"answer check: {grade}"
    if accept.finished and written.finish == "length":
        return "cut off before its end"
    unfit = why_unfit(written, written.text)
    if unfit is None and written.kind == "rationale":
        return _step_problem(accept, written)
    return unfit


def _step_problem(accept: Accept, written: Written) -> str | None:
    """What is wrong with a rationale's steps, as far as the gate asks for them."""
    if accept.steps and written.false_step:
        return f"step check: {written.false_step}"
    if accept.shows_steps and not shows_steps(written.text):
        return "step check: an answer without a step"
    return None


def verdict_on(step: ReviewStep, written: Written, reviews: list[Review]) -> Verdict:
    """A verdict, keyed by its inputs and policy: another threshold makes another one."""
    scores = valid_scores(reviews)
    reviewed = step.mode != "none" and written.kind in step.of
    is_accepted, reason = judge(step.accept, written, scores, reviewed)
    policy = {"accept": step.accept.policy(), "mode": step.mode, "reviewed": reviewed}
    return made_verdict(written, reviews, canonical_json(policy), is_accepted, reason)


def made_verdict(
    written: Written, reviews: list[Review], policy: str, is_accepted: bool, reason: str
) -> Verdict:
    """A verdict of this version's reader, under a policy as canonical JSON."""
    scores = valid_scores(reviews)
    return Verdict(
        explanation=written.id,
        policy=policy,
        reviews=tuple(sorted(each.id for each in reviews)),
        mean=fmean(scores) if scores else None,
        valid=len(scores),
        accepted=is_accepted,
        reason=reason,
        reader=READER_VERSION,
    )


def judge(
    accept: Accept, written: Written, scores: list[float], reviewed: bool
) -> tuple[bool, str]:
    """Accepted or rejected, and why: the mechanical check first, then the gate."""
    failed = failed_check(accept, written)
    if failed:
        return False, failed
    if not reviewed:
        return True, "checks passed; not reviewed"
    if len(scores) < accept.needed:
        return False, f"{len(scores)} valid of at least {accept.needed} reviews"
    mean = fmean(scores)
    if not accepted(scores, accept.mean_above, accept.min_reviews):
        return False, f"mean {mean:.2f} is not above {accept.mean_above:g}"
    return True, f"mean {mean:.2f} above {accept.mean_above:g}"
