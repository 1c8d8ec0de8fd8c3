"""The gate is a mean above its threshold; nobody reviews what they wrote themselves."""

import json
import math
import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.committee.ask import Call
from localfair.committee.seating import Member
from localfair.engines.scripted import SPEC
from localfair.recipe.fences import marks_in
from localfair.recipe.schema import Accept
from localfair.record.made import Reply
from localfair.record.nouns import EngineIdentity, Grade, Request, Seat
from localfair.record.store import Store
from localfair.stages.review import (
    REASONS_THEN_SCORE,
    accepted,
    expected_score,
    failed_check,
    judge,
    review_from,
    settled,
)
from tests.lab import Lab, always, echo, teacher
from tests.stages.explained import written


@pytest.fixture
def lab(tmp_path):
    """A laboratory whose scripted student gets each of the 8 train questions wrong."""
    return Lab(tmp_path, Path(always(tmp_path, "student", "The answer is 1.")))


RATIONALE = written()


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
    chances = (0.1, 0.1, 0.1, 0.1, 0.6)
    assert expected_score([math.log(chance) for chance in chances]) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"finish": "length"}, "cut off before its end"),
        ({"text": "  "}, "empty"),
        ({"text": "", "unanswered": "never left its thinking"}, "never left its thinking"),
        (
            {"text": "So bcdf is 7.", "marks": frozenset({"bcdf"})},
            "repeats a mark around quoted text of its prompt",
        ),
        ({"text": "So it is 7.", "marks": frozenset({"bcdf"})}, None),
        ({"text": "So it is 7.", "thinking": "bcdf", "marks": frozenset({"bcdf"})}, None),
        ({}, None),
    ],
)
def test_what_the_checks_reject_needs_no_review(change, reason):
    assert failed_check(Accept(), replace(RATIONALE, **change)) == reason


@pytest.mark.parametrize("grade", [Grade.WRONG, Grade.UNREADABLE])
def test_a_rationale_that_does_not_come_to_the_gold_is_not_reviewed(grade):
    assert failed_check(Accept(), written(grade=grade)) == f"answer check: {grade}"
    assert failed_check(Accept(answer_check=False), written(grade=grade)) is None


def test_a_feedback_has_no_answer_to_check():
    assert failed_check(Accept(), written(kind="feedback", grade=None)) is None


def test_every_verdict_says_why():
    assert judge(Accept(), RATIONALE, [5, 4], True) == (True, "mean 4.50 above 3")
    assert judge(Accept(), RATIONALE, [3, 3], True) == (False, "mean 3.00 is not above 3")
    assert judge(Accept(), RATIONALE, [], True) == (False, "0 valid of at least 1 reviews")
    assert judge(Accept(), RATIONALE, [], False) == (True, "checks passed; not reviewed")
    assert judge(Accept(answer_check=False), written(grade=Grade.WRONG), [5], True)[0]


def review_of(text, finish="stop", constraint=None):
    """The score of a review whose reply is this text."""
    seat = Seat(role="reviewer", index=0, model="m", fingerprint="f", adapter="", run_seed=0)
    identity = EngineIdentity(model="m", fingerprint="f", chat_template="t", engine="scripted")
    member = Member(seat, identity, SPEC, model=None, adapter=None, seating=None)
    call = Call(member, Request(messages=(), constraint=constraint), RATIONALE)
    reply = Reply(
        id="g",
        action="generate",
        text=text,
        finish=finish,
        constrained=constraint is not None,
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.1,
        logprobs=(),
    )
    return review_from(call, reply).score


@pytest.mark.parametrize(
    "text",
    ["It holds. [4]", "[4] because the steps", "Score: 4, the", "<think>A [2]?</think> [4] since"],
)
def test_a_review_that_was_cut_off_has_no_score(text):
    assert review_of(text) == 4
    assert review_of(text, finish="length") is None


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("text", ["<think>\nA [2]? A [4]", "[4] <think>But", "<thinking>[4]"])
def test_a_review_that_never_left_its_thinking_has_no_score(text, finish):
    assert review_of(text, finish) is None


def test_a_constrained_review_that_is_complete_has_its_score_however_it_ended():
    assert review_of("It holds. [4]", "length", REASONS_THEN_SCORE) == 4
    assert review_of("It holds. [4", "length", REASONS_THEN_SCORE) is None
    assert review_of("It holds and", "length", REASONS_THEN_SCORE) is None


def test_a_feedback_that_repeats_a_mark_is_not_reviewed_and_the_verdict_says_why(lab):
    echoes = echo(lab.folder)
    lab.run(teachers=(echoes,) * 2, until="select")
    verdicts = lab.tuples(
        "SELECT e.kind, v.accepted, v.reason, v.valid FROM verdicts v "
        "JOIN explanations e ON e.id = v.explanation"
    )
    reason = "repeats a mark around quoted text of its prompt"
    assert set(verdicts) == {("feedback", 0, reason, 0), ("rationale", 1, "mean 5.00 above 3", 1)}
    assert lab.column("SELECT DISTINCT kind FROM lessons") == ["rationale"]


def test_no_author_has_read_the_mark_under_which_it_is_judged(lab):
    lab.run(until="review")
    marks = {}
    for noun in ("explanations", "reviews"):
        prompts = lab.column(
            f"SELECT g.messages FROM {noun} n JOIN generations g ON g.id = n.generation"
        )
        marks[noun] = set()
        for messages in prompts:
            marks[noun] |= marks_in(content for _, content in json.loads(messages))
    assert marks["explanations"] and marks["reviews"]
    assert marks["explanations"].isdisjoint(marks["reviews"])


def test_the_record_refuses_an_author_as_the_reviewer(lab):
    lab.run(until="inquire")
    explanation = lab.rows("SELECT * FROM explanations LIMIT 1")[0]
    author = explanation["seat"]
    review = {
        "id": "r",
        "explanation": explanation["id"],
        "author": author,
        "seat": author,
        "generation": explanation["generation"],
        "score": 5,
        "same_weights": 1,
    }
    with Store.open(lab.db, create=True) as store, pytest.raises(sqlite3.IntegrityError):
        store.ensure("reviews", [review])


def test_one_model_in_three_seats_reviews_itself_and_the_record_says_so(lab):
    lab.run(teachers=(lab.teachers[0],) * 3, until="review")
    reviews = lab.tuples("SELECT same_weights, seat <> author FROM reviews")
    assert reviews
    assert set(reviews) == {(1, 1)}


def test_direct_reviews_score_by_one_forward_pass_and_keep_their_log_probabilities(lab):
    found = lab.run(settings=("review.mode=direct",), until="review")
    reviews = lab.tuples(
        "SELECT g.action, r.score FROM reviews r JOIN generations g ON g.id = r.generation"
    )
    assert found["reviews"] == 96
    assert reviews == [("score", pytest.approx(3.0))] * 96
    assert found["accepted"] == 0  # an expectation of 3 is not above 3


def verdicts(lab, run):
    return dict(
        lab.tuples(
            "SELECT v.explanation, v.accepted FROM verdicts v "
            'JOIN run_rows r ON r."row" = v.id WHERE r.run = ?',
            run,
        )
    )


# one engine's seats are asked together
@pytest.mark.parametrize("seated", ["t0 t1 harsh", "t0 harsh t0"])
def test_an_explanation_whose_verdict_is_settled_is_not_sent_to_the_rest(lab, seated):
    teacher(lab.folder, "harsh", score=1)
    seats = tuple(str(lab.folder / f"{name}.script.toml") for name in seated.split())
    spared = lab.run(teachers=seats, until="review")
    exhaustive = lab.run(teachers=seats, settings=("review.exhaustive=true",), until="review")
    assert spared["reviews"] + spared["steps"][-1]["outcome"]["spared"] == 48 * 2
    assert exhaustive["reviews"] == 48 * 2
    assert spared["reviews"] < 48 * 2
    assert verdicts(lab, spared["run"]) == verdicts(lab, exhaustive["run"])
    assert len(verdicts(lab, spared["run"])) == 48


def test_a_rationale_that_fails_the_answer_check_is_reviewed_by_nobody_unless_asked(lab):
    seats = (*lab.teachers[:2], teacher(lab.folder, "wrong", answer="0"))
    rejected = (
        "SELECT COUNT(*) AS n FROM reviews r JOIN explanations e ON e.id = r.explanation "
        "WHERE e.grade <> 'right'"
    )
    lab.run(teachers=seats, until="review")
    assert lab.column(rejected) == [0]
    lab.run(teachers=seats, settings=("review.exhaustive=true",), until="review")
    assert lab.column(rejected) > [0]


def loads(found):
    return {step["step"]: step["loads"] for step in found["steps"]}


def test_a_stage_loads_each_model_once_at_most_and_the_reviews_begin_with_who_wrote_last(lab):
    seats = tuple(teacher(lab.folder, f"s{score}", score=score) for score in (3, 4, 5))
    found = lab.run(teachers=seats, until="review")
    assert loads(found) == {"before": 1, "exam": 0, "inquire": 3, "review": 2}


def test_the_engine_of_several_seats_does_not_push_out_the_one_that_wrote_last(lab):
    seats = (lab.teachers[0], lab.teachers[1], lab.teachers[0])
    found = lab.run(teachers=seats, until="review")
    assert loads(found) == {"before": 1, "exam": 0, "inquire": 2, "review": 1}


def test_another_threshold_makes_other_verdicts_without_a_call(lab):
    lab.run(until="review")
    strict = lab.run(settings=("review.accept.mean_above=5",), until="review")
    assert strict["backend_calls"] == 0
    assert strict["accepted"] == 0
    counts = lab.tuples("SELECT accepted, COUNT(*) FROM verdicts GROUP BY 1 ORDER BY 1")
    assert counts == [(0, 48), (1, 48)]


def test_the_papers_way_reviews_rationales_only(lab):
    found = lab.run(settings=('review.of=["rationale"]',), until="select")
    kinds = lab.column(
        "SELECT DISTINCT e.kind FROM reviews r JOIN explanations e ON e.id = r.explanation"
    )
    assert kinds == ["rationale"]
    assert found["lessons"] == 16


def test_reviews_can_be_left_out_and_the_answer_check_stays(lab):
    wrong = teacher(lab.folder, "wrong", answer="0")
    found = lab.run(settings=("review.mode=none",), teachers=(wrong,), until="select")
    assert found["reviews"] == 0
    rejected = lab.column("SELECT reason FROM verdicts WHERE accepted = 0")
    assert rejected
    assert set(rejected) == {"answer check: wrong"}


# -- what is settled ------------------------------------------------------------------------------


def valid(scores):
    return [score for score in scores if score is not None]


def turn_by_turn(scores, sizes, gate):
    """What review does for one explanation: ask some reviewers at a time, until nothing can change.

    The verdict, and how many were asked.
    """
    asked = 0
    for size in sizes:
        if settled(valid(scores[:asked]), len(scores) - asked, *gate):
            break
        asked = min(len(scores), asked + size)
    return accepted(valid(scores[:asked]), *gate), asked


def random_case(draw):
    """The scores that reviewers would give, None for an unreadable one, and a gate."""
    count = draw.randint(1, 6)
    needed = draw.randint(1, 4)
    above = draw.choice([0, 1, 2.5, 3, 3.5, 4, 4.9, 5])
    scores = []
    for _ in range(count):
        scores.append(draw.choice([None, 1, 2, 3, 4, 5, draw.uniform(1, 5)]))
    return scores, (above, needed)


def test_verdicts_are_those_of_the_exhaustive_run_on_random_scores():
    draw = random.Random(0)
    sizes = random.Random(1)
    spared = 0
    spared_together = 0
    for _ in range(20_000):
        scores, gate = random_case(draw)
        expected = accepted(valid(scores), *gate)
        verdict, asked = turn_by_turn(scores, [1] * len(scores), gate)
        assert verdict == expected, (scores, gate)
        spared += len(scores) - asked
        together = sizes.choices([1, 2, 3], k=len(scores))
        verdict, asked = turn_by_turn(scores, together, gate)
        assert verdict == expected, (scores, gate)
        spared_together += len(scores) - asked
    assert spared > 20_000
    assert spared > spared_together > 5_000


def test_nothing_is_settled_while_one_review_can_turn_it():
    assert not settled([5], 1)
    assert not settled([2], 1)
    assert not settled([], 2)


def test_what_no_review_can_turn_is_settled():
    assert settled([1], 1)
    assert settled([5, 5], 1)
    assert settled([], 0)


def test_an_unreadable_review_is_kept_and_counts_for_nothing(lab):
    mute = teacher(lab.folder, "mute", score="none")
    found = lab.run(teachers=(*lab.teachers[:1], mute), until="review")
    outcome = found["steps"][-1]["outcome"]
    assert outcome["unreadable"] == 16  # of the other teacher's texts
    rejected = lab.tuples("SELECT valid, reason FROM verdicts WHERE accepted = 0")
    assert rejected == [(0, "0 valid of at least 1 reviews")] * 16


def test_named_reviewers_review_instead_of_the_teachers(lab):
    harsh = teacher(lab.folder, "harsh", score=1)
    found = lab.run(reviewers=(harsh,), until="review")
    assert (found["reviews"], found["accepted"]) == (48, 0)
    roles = lab.rows("SELECT DISTINCT s.role FROM reviews r JOIN seats s ON s.id = r.seat")
    assert roles == [{"role": "reviewer"}]
