"""From labels to the row that verdicts follow from: what is a ground for a fit, and what is not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from localfair.record.fits import PlantReview, fit_of, fit_row
from localfair.report.discrimination import Discrimination
from localfair.report.fitting import fallen_for, fitted, judged, told_nothing, trust_of
from localfair.report.trust import Judgement, fit
from tests.report.test_trust import judgements


def drawn(seed: int, count: int) -> list[Judgement]:
    return judgements(random.Random(seed), 100)[:count]


def test_a_fit_says_what_the_arithmetic_says() -> None:
    labelled = drawn(1, 240)
    row = fitted(labelled, "answer", 0.85)
    trust = fit(labelled, 0.85)
    assert row.decides == "probability"
    assert row.voters == trust.voters
    assert row.intercept == pytest.approx(trust.intercept, rel=1e-8)
    assert row.threshold == pytest.approx(trust.threshold, rel=1e-8)
    assert row.reason == f"{len(trust.voters)} of 5 reviewers have a vote"


def test_the_order_of_labels_and_reviews_changes_nothing() -> None:
    labelled = drawn(2, 120)
    shuffled = random.Random(3).sample(labelled, len(labelled))
    one = fitted(labelled, "answer", 0.8, reviews=["b", "a"])
    assert fitted(shuffled, "answer", 0.8, reviews=["a", "b"]).id == one.id


def test_verdicts_from_the_row_are_those_from_the_fit() -> None:
    labelled = drawn(4, 200)
    row = fitted(labelled, "answer", 0.85)
    again = fit_of({**fit_row(row), "seal": None})
    trust = fit(labelled, 0.85)
    same = [judged(again, each)[0] == trust.accepts(each) for each in labelled]
    assert all(same)
    assert trust_of(again).voters == trust.voters


def test_a_seat_without_a_vote_moves_no_verdict() -> None:
    labelled = drawn(5, 240)
    row = fitted(labelled, "answer", 0.85)
    assert "chance" in row.dropped
    for judgement in labelled:
        without = {seat: score for seat, score in judgement.scores.items() if seat != "chance"}
        assert judged(row, replace(judgement, scores=without)) == judged(row, judgement)


def labelled_as(right: Sequence[bool], seats: int = 2) -> list[Judgement]:
    """Labels with scores that say nothing."""
    given = []
    for number, is_right in enumerate(right):
        scores = {f"s{seat}": float(1 + (number + seat) % 5) for seat in range(seats)}
        given.append(
            Judgement(
                explanation=f"e{number:03d}",
                question=f"q{number}",
                author="a",
                scores=scores,
                right=is_right,
            )
        )
    return given


@pytest.mark.parametrize(
    ("labelled", "reason"),
    [
        ([], "no rationale to take labels from"),
        (labelled_as([True, False] * 20, seats=0), "no reviewer gave a score that can be read"),
        (labelled_as([True] * 40), "all of 40 labels are right answers: nothing to fit on"),
        (labelled_as([False] * 40), "none of 40 labels are right answers: nothing to fit on"),
        (
            labelled_as([True, False], seats=3),
            "2 labels are fewer than the 3 seats that review",
        ),
    ],
)
def test_without_a_ground_the_checks_decide(labelled: list[Judgement], reason: str) -> None:
    row = fitted(labelled, "answer", 0.8)
    assert (row.decides, row.reason, row.voters) == ("checks", reason, [])
    nobody = Judgement(explanation="e", question="q", author="a", scores={"s0": 1.0})
    assert judged(row, nobody) == (True, "checks passed; no review has a vote")


def test_right_answers_that_are_mostly_sound_need_no_review() -> None:
    labelled = drawn(8, 240)
    share = sum(bool(each.right) for each in labelled) / len(labelled)
    asked_for_less = fitted(labelled, "sound", share - 0.01)
    assert (asked_for_less.decides, asked_for_less.voters) == ("checks", [])
    assert asked_for_less.reason.endswith("needs no review")
    assert fitted(labelled, "sound", share + 0.1).decides == "probability"
    # what is right of rationales says nothing of feedback
    assert fitted(labelled, "answer", share - 0.01).decides == "probability"


def test_reviewers_that_say_nothing_are_told_to_have_said_nothing() -> None:
    draw = random.Random(6)
    labelled = labelled_as([draw.random() < 0.5 for _ in range(100)])
    row = fitted(labelled, "answer", 0.8)
    assert row.decides == "checks"
    assert row.reason.startswith("reviews told nothing apart: within-author AUC 0.")
    assert set(row.dropped) == {"s0", "s1"}


def test_what_so_few_labels_could_have_shown_is_told() -> None:
    shown = Discrimination(auc=0.51, interval=(0.43, 0.58), smallest=0.68, pairs=9)
    words = "reviews told nothing apart: within-author AUC 0.51 [0.43, 0.58]"
    assert told_nothing(shown) == f"{words}, the smallest they could have shown is 0.68"
    few = replace(shown, smallest=None)
    assert told_nothing(few) == f"{words}, and so few labels could have shown nothing"
    none = Discrimination(auc=None, interval=None, smallest=None, pairs=0)
    assert told_nothing(none).endswith("no author wrote both right and wrong ones")


def test_who_fell_for_plants_has_no_vote_however_well_it_tells_right_from_wrong() -> None:
    labelled = drawn(7, 240)
    wrong = [each for each in labelled if not each.right and "ann" in each.scores][:4]
    plants = [
        PlantReview(plant="p", explanation=each.explanation, seat="ann", generation="g", score=5.0)
        for each in wrong
    ]
    fallen = fallen_for(plants, labelled)
    assert set(fallen) == {"ann"}
    row = fitted(labelled, "answer", 0.8, plants=plants, fallen=fallen)
    assert "ann" not in row.voters
    assert row.dropped["ann"].endswith("of 4 plants")
    assert "ann" in fitted(labelled, "answer", 0.8).voters
