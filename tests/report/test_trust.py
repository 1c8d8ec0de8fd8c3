"""What votes are worth: the fit, its gate and its discrimination, on reviewers whose worth is
known.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from localfair.report.trust import (
    FEWEST_LABELS,
    Judgement,
    Trust,
    fit,
    fold_of,
    out_of_fold,
)

SKILLS = {"ann": 0.8, "ben": 0.55, "cem": 0.4}  # how often an author is right


@dataclass(frozen=True)
class Reviewer:
    """A simulated reviewer: what a right explanation raises its score by, and its strictness."""

    sees: float
    strictness: float


# the authors review one another; the other two only review
REVIEWERS = {
    "ann": Reviewer(0.7, 0.0),
    "ben": Reviewer(0.5, 1.0),
    "cem": Reviewer(0.4, -0.8),
    "inverted": Reviewer(-0.55, 0.3),
    "chance": Reviewer(0.0, -0.5),
}


def judgements(draw: random.Random, questions: int) -> list[Judgement]:
    """Every author on every question, scored by everybody but himself."""
    drawn = []
    for number in range(questions):
        difficulty = draw.gauss(0, 0.15)
        for author, skill in SKILLS.items():
            right = draw.random() < skill + difficulty
            scores = {}
            for name, reviewer in REVIEWERS.items():
                if name != author:
                    scores[name] = score(draw, reviewer, right)
            drawn.append(
                Judgement(
                    explanation=f"{number:04d}-{author}",
                    question=f"question {number}",
                    author=author,
                    scores=scores,
                    right=right,
                )
            )
    return drawn


def score(draw: random.Random, reviewer: Reviewer, right: bool) -> float:
    leaning = reviewer.sees if right else -reviewer.sees
    exact = 3 - reviewer.strictness + leaning + draw.gauss(0, 1)
    return float(min(5, max(1, round(exact))))


def unlabelled(drawn: Sequence[Judgement]) -> list[Judgement]:
    return [replace(judgement, right=None) for judgement in drawn]


def share_right(accepted: Sequence[Judgement], truth: dict[str, bool | None]) -> float:
    return sum(truth[judgement.explanation] is True for judgement in accepted) / len(accepted)


def mean_score(judgement: Judgement) -> float:
    return sum(judgement.scores.values()) / len(judgement.scores)


@dataclass
class Draws:
    """What came out of the simulated draws."""

    precision: list[float]
    above_the_mean: list[float]
    dropped_chance: list[bool]
    inverted_counts_negative: list[bool]


@pytest.fixture(scope="module")
def draws() -> Draws:
    """200 labels, a gate of 0.85, and 900 explanations that the fit never saw, 200 times."""
    draws = Draws([], [], [], [])
    for seed in range(200):
        drawn = judgements(random.Random(seed), 367)
        labelled, unseen = drawn[:200], drawn[200:]
        truth = {judgement.explanation: judgement.right for judgement in unseen}
        trust = fit([*labelled, *unlabelled(unseen)], 0.85)
        accepted = [judgement for judgement in unseen if trust.accepts(judgement)]
        by_mean = sorted(unseen, key=mean_score, reverse=True)[: len(accepted)]
        draws.precision.append(share_right(accepted, truth))
        draws.above_the_mean.append(draws.precision[-1] - share_right(by_mean, truth))
        draws.dropped_chance.append("chance" not in trust.voters)
        inverted = trust.votes["inverted"]
        draws.inverted_counts_negative.append(inverted.counts and inverted.weight < 0)
    return draws


def average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def test_the_gate_is_as_precise_as_was_asked(draws: Draws) -> None:
    assert average(draws.precision) == pytest.approx(0.85, abs=0.03)


def test_the_gate_is_more_precise_than_the_plain_mean_that_accepts_as_many(draws: Draws) -> None:
    assert average(draws.above_the_mean) > -0.01


def test_a_reviewer_at_chance_has_no_vote(draws: Draws) -> None:
    assert average(draws.dropped_chance) >= 0.95


def test_a_reviewer_who_is_reliably_wrong_has_a_negative_vote(draws: Draws) -> None:
    assert average(draws.inverted_counts_negative) >= 0.95


def test_the_order_of_judgements_changes_nothing() -> None:
    drawn = judgements(random.Random(1), 80)
    shuffled = list(drawn)
    random.Random(2).shuffle(shuffled)
    assert fit(drawn, 0.8) == fit(shuffled, 0.8)


def test_an_authors_own_seat_needs_no_score_of_its_own() -> None:
    drawn = judgements(random.Random(3), 80)
    trust = fit(drawn, 0.8)
    unreviewed = replace(drawn[0], scores={})
    assert 0 < trust.probability(unreviewed) < 1


def test_too_few_labels_leave_centred_votes() -> None:
    drawn = judgements(random.Random(4), 60)
    labelled = drawn[: FEWEST_LABELS - 1]
    trust = fit([*labelled, *unlabelled(drawn[FEWEST_LABELS - 1 :])], 0.9)
    assert not trust.calibrated
    above = {name: vote.mean + 1 for name, vote in trust.votes.items()}
    below = {name: vote.mean - 1 for name, vote in trust.votes.items()}
    assert trust.accepts(replace(drawn[-1], scores=above))
    assert not trust.accepts(replace(drawn[-1], scores=below))


def test_labels_of_one_sort_are_nothing_to_fit_on() -> None:
    drawn = judgements(random.Random(5), 30)
    all_right = [replace(judgement, right=True) for judgement in drawn]
    assert not fit(all_right, 0.9).calibrated


def test_without_judgements_nothing_is_accepted() -> None:
    trust = fit([], 0.9)
    nobody = Judgement(explanation="e", question="q", author="ann", scores={})
    assert trust == Trust(calibrated=False, labels=0, precision=0.9)
    assert not trust.accepts(nobody)


def test_a_precision_out_of_reach_accepts_nothing() -> None:
    draw = random.Random(6)
    drawn = []
    for number in range(120):
        drawn.append(
            Judgement(
                explanation=f"{number:03d}",
                question=f"question {number}",
                author="ann",
                scores={"ben": float(draw.randint(1, 5))},
                right=draw.random() < 0.5,
            )
        )
    trust = fit(drawn, 0.99)
    assert trust.threshold is None
    assert not any(trust.accepts(judgement) for judgement in drawn)


def test_a_reviewer_who_always_gives_the_same_score_has_no_vote() -> None:
    drawn = []
    for judgement in judgements(random.Random(7), 80):
        drawn.append(replace(judgement, scores={**judgement.scores, "constant": 4.0}))
    assert "constant" not in fit(drawn, 0.8).voters


def test_of_two_that_say_the_same_at_least_one_keeps_its_vote() -> None:
    drawn = []
    for judgement in judgements(random.Random(9), 12):
        sure = 5.0 if judgement.right else 1.0
        drawn.append(replace(judgement, scores={"one": sure, "two": sure, "chance": 3.0}))
    trust = fit(drawn, 0.8)
    assert set(trust.voters) & {"one", "two"}
    assert "chance" not in trust.voters


def test_a_label_is_judged_by_a_fit_that_did_not_see_its_question() -> None:
    drawn = judgements(random.Random(8), 60)
    trust = fit(drawn, 0.8)
    likely = out_of_fold(drawn, trust)
    assert set(likely) == {judgement.explanation for judgement in drawn}
    # another label changes nothing for the questions of its own fold
    changed = drawn[0]
    others = [replace(changed, right=not changed.right), *drawn[1:]]
    again = out_of_fold(others, trust)
    same_fold = fold_of(changed.question)
    for judgement in drawn:
        is_same = again[judgement.explanation] == likely[judgement.explanation]
        assert is_same == (fold_of(judgement.question) == same_fold)
