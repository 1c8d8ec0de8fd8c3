"""Scores are read as FAIR's authors read them, the gate is strict, and nobody reviews their own text."""

import random
import sqlite3
from dataclasses import replace

import pytest

from localfair.errors import UsageError
from localfair.recipe.schema import Accept
from localfair.stages.review import (
    accepted,
    expected_score,
    failed_check,
    judge,
    read_score,
    settled,
)
from localfair.stages.rows import Written

RATIONALE = Written(
    id="e",
    kind="rationale",
    question="q",
    answer=None,
    mistake="",
    grade="right",
    seat="s",
    teacher=0,
    fingerprint="f",
    generation="g",
    text="So it is 7.",
    finish="stop",
)


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("Sound in every step. [5]", 5),
        ("[2] at first sight, but on reflection [4]", 4),
        ("[Score: 3]", 3),
        ("[4/5]", 4),
        ("[4 / 5]", 4),
        ("[4 out of 5]", 4),
        ("[between 2 and 3]", 3),
        ("Score 4", 4),
        ("I found 2 slips in 3 steps, so 2", 2),
        ("4/5", 4),
        ("[see above] it deserves 3", 3),
        ("[5] as [the hint] says", 5),
        ("[0]", None),
        ("[6]", None),
        ("[-3]", None),
        ("[10]", None),
        ("[4.5]", None),
        ("[4] but then [9]", None),
        ("no number at all", None),
        ("[]", None),
        ("", None),
    ],
)
def test_the_last_bracketed_number_is_the_score(reply, score):
    assert read_score(reply) == score


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ([], False),
        ([3], False),
        ([3, 3], False),
        ([3, 4], True),
        ([5], True),
        ([1, 5], False),
        ([2, 5], True),
    ],
)
def test_the_mean_must_be_above_three(scores, verdict):
    assert accepted(scores) is verdict


def test_a_gate_may_ask_for_more_reviews_and_a_higher_mean():
    assert not accepted([5], min_reviews=2)
    assert accepted([5, 4], mean_above=4, min_reviews=2)
    assert not accepted([4, 4], mean_above=4)
    assert not accepted([], min_reviews=0)


def test_a_direct_score_is_the_expectation_over_the_five_digits():
    import math

    assert expected_score([math.log(p) for p in (0.1, 0.1, 0.1, 0.1, 0.6)]) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"grade": "wrong"}, "answer check: wrong"),
        ({"grade": "unreadable"}, "answer check: unreadable"),
        ({"finish": "length"}, "cut off before its end"),
        ({"text": "  "}, "empty"),
        ({"kind": "feedback", "grade": None}, None),
        ({}, None),
    ],
)
def test_what_the_checks_reject_needs_no_review(change, reason):
    assert failed_check(Accept(), replace(RATIONALE, **change)) == reason


def test_every_verdict_says_why():
    assert judge(Accept(), RATIONALE, [5, 4], True) == (True, "mean 4.50 above 3")
    assert judge(Accept(), RATIONALE, [3, 3], True) == (False, "mean 3.00 is not above 3")
    assert judge(Accept(), RATIONALE, [], True) == (False, "0 valid of at least 1 reviews")
    assert judge(Accept(), RATIONALE, [], False) == (True, "checks passed; not reviewed")
    assert judge(Accept(answer_check=False), replace(RATIONALE, grade="wrong"), [5], True)[0]


def test_the_record_refuses_an_author_as_the_reviewer(lab):
    lab.run(until="inquire")
    explanation = lab.rows("SELECT * FROM explanations LIMIT 1")[0]
    from localfair.record.store import Store

    review = {
        "id": "r", "explanation": explanation["id"], "author": explanation["seat"], "seat": explanation["seat"],
        "generation": explanation["generation"], "score": 5, "same_weights": 1,
    }  # fmt: skip
    with Store.open(lab.db, create=True) as store, pytest.raises(sqlite3.IntegrityError):
        store.ensure("reviews", [review])


def test_one_model_in_three_seats_reviews_itself_and_the_record_says_so(lab):
    lab.run(teachers=(lab.teachers[0],) * 3, until="review")
    reviews = lab.rows("SELECT * FROM reviews")
    assert reviews and all(r["same_weights"] == 1 and r["seat"] != r["author"] for r in reviews)


def test_direct_reviews_score_by_one_forward_pass_and_keep_their_log_probabilities(lab):
    found = lab.run(settings=("review.mode=direct",), until="review")
    scores = lab.rows(
        "SELECT r.score, g.action, g.logprobs FROM reviews r JOIN generations g ON g.id = r.generation"
    )
    assert found["reviews"] == len(scores) == 96
    assert all(r["action"] == "score" and r["score"] == pytest.approx(3.0) for r in scores)
    assert found["accepted"] == 0  # an expectation of 3 is not above 3


def verdicts(lab):
    return {
        v["explanation"]: v["accepted"]
        for v in lab.rows("SELECT explanation, accepted FROM verdicts")
    }


@pytest.mark.parametrize(
    "seated", ["t0 t1 harsh", "t0 harsh t0"]
)  # one engine's seats are asked together
def test_an_explanation_whose_verdict_is_settled_is_not_sent_to_the_rest(lab, tmp_path, seated):
    from tests.lab import Lab, teacher

    known = {
        "t0": lab.teachers[0],
        "t1": lab.teachers[1],
        "harsh": teacher(lab.folder, "harsh", score=1),
    }
    seats = tuple(known[name] for name in seated.split())
    spared = lab.run(teachers=seats, until="review")
    other = Lab(tmp_path, lab.student)
    exhaustive = other.run(teachers=seats, settings=("review.exhaustive=true",), until="review")
    assert spared["reviews"] + spared["steps"][-1]["outcome"]["spared"] == 48 * 2
    assert exhaustive["reviews"] == 48 * 2 and spared["reviews"] < 48 * 2
    assert verdicts(lab) == verdicts(other)


def test_a_rationale_that_fails_the_answer_check_is_reviewed_by_nobody_unless_asked(lab):
    from tests.lab import teacher

    seats = (*lab.teachers[:2], teacher(lab.folder, "wrong", answer="0"))
    rejected = (
        "SELECT COUNT(*) AS n FROM reviews r JOIN explanations e ON e.id = r.explanation "
        "WHERE e.grade <> 'right'"
    )
    lab.run(teachers=seats, until="review")
    assert lab.rows(rejected)[0]["n"] == 0
    lab.run(teachers=seats, settings=("review.exhaustive=true",), until="review")
    assert lab.rows(rejected)[0]["n"] > 0


def test_a_stage_loads_each_model_once_at_most_and_the_reviews_begin_with_who_wrote_last(lab):
    from tests.lab import teacher

    seats = tuple(teacher(lab.folder, f"s{score}", score=score) for score in (3, 4, 5))
    found = lab.run(teachers=seats, until="review")
    loads = {s["step"]: s["loads"] for s in found["steps"]}
    assert loads["inquire"] == 3 and loads["review"] == 2


def test_the_engine_of_several_seats_does_not_push_out_the_one_that_wrote_last(lab):
    found = lab.run(teachers=(lab.teachers[0], lab.teachers[1], lab.teachers[0]), until="review")
    loads = {s["step"]: s["loads"] for s in found["steps"]}
    assert loads["inquire"] == 2 and loads["review"] == 1


def test_bound_replies_need_an_engine_that_can(lab):
    with pytest.raises(UsageError, match="scripted engine of t0 cannot constrain"):
        lab.run(settings=("review.constrained=true",))


def turn_by_turn(scores, sizes, above, needed):
    """What review does for one explanation: ask on, some reviewers at a time, until nothing can change; the
    verdict and how many were asked."""
    known = []
    for size in sizes:
        if settled([s for s in known if s is not None], len(scores) - len(known), above, needed):
            break
        known += scores[len(known) :][:size]
    return accepted([s for s in known if s is not None], above, needed), len(known)


def test_verdicts_are_those_of_the_exhaustive_run_on_random_scores():
    draw, sizes, spared, spared_together = random.Random(0), random.Random(1), 0, 0
    for _ in range(20_000):
        count, needed, above = (
            draw.randint(1, 6),
            draw.randint(1, 4),
            draw.choice([0, 1, 2.5, 3, 3.5, 4, 4.9, 5]),
        )
        scores = [draw.choice([None, 1, 2, 3, 4, 5, draw.uniform(1, 5)]) for _ in range(count)]
        expected = accepted([s for s in scores if s is not None], above, needed)
        verdict, asked = turn_by_turn(scores, [1] * count, above, needed)
        assert verdict == expected, (scores, above, needed)
        spared += count - asked
        verdict, asked = turn_by_turn(scores, sizes.choices([1, 2, 3], k=count), above, needed)
        assert verdict == expected, (scores, above, needed)
        spared_together += count - asked
    assert spared > 20_000 and spared > spared_together > 5_000


def test_nothing_is_settled_while_one_review_can_turn_it():
    assert not settled([5], 1) and not settled([2], 1) and not settled([], 2)
    assert settled([1], 1) and settled([5, 5], 1) and settled([], 0)
