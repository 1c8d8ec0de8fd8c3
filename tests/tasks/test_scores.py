"""A score is read only where a review gives one; FAIR's own reading is kept beside it."""

from __future__ import annotations

import pytest

from localfair.stages import review
from localfair.tasks.scores import read_score
from tests.tasks.hostile import seconds


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("Sound in every step. [5]", 5),
        ("[2] at first sight, but on reflection [4]", 4),
        ("[Score: 3]", 3),
        ("[4/5]", 4),
        ("[4 / 5]", 4),
        ("[4 out of 5]", 4),
        ("[4]/5", 4),
        ("[4] / [5]", 4),
        ("[4.0]", 4),
        ("[**4**]", 4),
        ("【4】", 4),
        ("[5] as [the hint] says", 5),
        ("The answer is right. [5]", 5),
        ("The answer is correct: [5]", 5),
        ("Step [2] is wrong. [1]", 1),
        ("[5] The right answer is [12].", 5),
        ("[3] [1-5]", 3),
        ("[0]", None),
        ("[6]", None),
        ("[-3]", None),
        ("[10]", None),
        ("[4.5]", None),
        ("[4/10]", None),
        ("[4]/10", None),
        ("[4] but then [9]", None),
        ("[]", None),
    ],
)
def test_the_last_bracketed_mark_is_the_score(reply, score):
    assert read_score(reply) == score


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("Score 4", 4),
        ("Score: 4 of 5", 4),
        ("Score: 2 (out of 5)", 2),
        ("**Score:** 4/5", 4),
        ("Score:\n\n4", 4),
        ("Score (1-5): 4", 4),
        ("Score: four", 4),
        ("Score: \\boxed{4}", 4),
        ("Score - 4", 4),
        ("Rating: 4 out of 5 stars", 4),
        ("Score: 5\n\nThe answer 12 is correct.", 5),
        ("Score: 5. The steps 1, 2 and 3 are sound.", 5),
        ("My score is 2 because step 3 is wrong.", 2),
        ("I'd give it a 4.", 4),
        ("[see above] it deserves 3", 3),
        ("I rate this a 2 on a scale from 1 to 5.", 2),
        ("On a scale of 1 to 5, I would rate this a 3.", 3),
        ("2.0/5", 2),
        ("4 out of 5", 4),
        ('{"score": 2, "max": 5}', 2),
        ('{"reason": "ok", "rating": "4/5"}', 4),
        ("★★★★☆", 4),
        ("⭐⭐⭐⭐", 4),
        ("4\n\nThe feedback is good.", 4),
        ("The feedback is good.\n\n4", 4),
    ],
)
def test_without_brackets_a_stated_score_or_scale_is_read(reply, score):
    assert read_score(reply) == score


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "no number at all",
        "The right answer is 5. The feedback speaks of something else.",
        "The right answer is [5].",
        "The right answer is\n5",
        "The solution is wrong: 2+2=4",
        "So the result is 3.",
        "I found 2 slips in 3 steps, so 2",
        "I mark step 3 as the wrong one",
        "He ate 4 out of 5 apples",
        "The student's score of 5 apples",
        "1. The step is wrong\n2. So is this",
        "Score: −4",
        "Score: 4.5",
        "Score: 4/10",
        "Score: 80%",
        '{"score": 4, "max_score": 10}',
    ],
)
def test_a_number_that_is_no_mark_from_1_to_5_gives_no_score(reply):
    assert read_score(reply) is None


@pytest.mark.parametrize(
    "reply", ["[1-5]", "[between 2 and 3]", "[2 or 3]", "Score: 1-5", "Score: 3 or 4", "3 to 4"]
)
def test_a_range_gives_no_score(reply):
    assert read_score(reply) is None


def test_a_legend_gives_no_score_and_hides_none():
    legend = "[1] wrong, [2] mostly wrong, [3] unclear, [4] right with a flaw, [5] right."
    assert read_score(legend) is None
    assert read_score(f"Score: [2]\n\n{legend}") == 2
    assert read_score(f"{legend}\nI give [4]") == 4
    assert read_score("Score: 2\n1 = wrong, 2 = mostly wrong, 3 = unclear, 5 = right") == 2


def test_thinking_and_the_next_question_give_no_score():
    assert read_score("<think>Maybe [2]?</think> [4]") == 4
    assert read_score("Maybe [2]?</think> Sound.") is None
    assert read_score("<think>The list says [1] wrong. Maybe a [4], let me") is None
    assert read_score("[4]\n\nQuestion: Is this sound?\n[1]") == 4


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("[2] at first sight, but on reflection [4]", 4),
        ("[4/5]", 4),
        ("[between 2 and 3]", 3),
        ("I found 2 slips in 3 steps, so 2", 2),
        ("4/5", 4),
        ("[see above] it deserves 3", 3),
        ("The right answer is 5.", 5),
        ("[4] but then [9]", None),
        ("[4.5]", None),
        ("", None),
    ],
)
def test_the_papers_reading_takes_the_last_integer_in_brackets_or_of_the_reply(reply, score):
    assert read_score(reply, as_paper=True) == score


def test_reviews_use_this_reading():
    assert review.read_score is read_score


@pytest.mark.parametrize("piece", ["[", "[4 ", "score ", "score\n", "I give ", "4 out of ", "★ "])
def test_a_hostile_review_takes_no_longer_than_its_length_says(piece):
    # ten times the text: about ten times the work, where a quadratic reader does a hundred times
    assert seconds(read_score, piece * 20_000) < 40 * seconds(read_score, piece * 2_000)


@pytest.mark.parametrize("as_paper", [False, True])
@pytest.mark.parametrize(
    "reply", ["{}", "[{}]", "Score: {}", "Score: 4/{}", "{}/5", '{{"score": {}}}']
)
def test_a_number_of_any_length_is_no_score_and_no_error(reply, as_paper):
    digits = "7" * 20_000
    score = read_score(reply.format(digits), as_paper=as_paper)
    assert score in ((None, 4) if as_paper else (None,))


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("<score>2</score> Scale: [5] is best.", 2),
        ("Bewertung: 2", 2),
        ("评分：2分", 2),
        ("2 von 5", 2),
        ("Score (1-5): 2", 2),
        ("On a 1-5 scale: 2", 2),
        ("2 stars", 2),
        ("2.0 out of 5.0", 2),
        ('{"scale": "1-5", "score": 2}', 2),
        ("[2] To get a [5], name the step.", 2),
        ("Score: 2\nTo reach a score of 5, name the step.", 2),
        ("[2]. Source [12].", 2),
        ("[2]\n\nLegend: [1] poor, [3] fair, [5] good", 2),
        ("I would not give it a 5.", None),
        ("This is not a [5].", None),
        ("[2] or [3]", None),
        ("Score: 2 (or 3)", None),
        ("★★½", None),
        ("He ate 2 out of 5.", None),
        ("2/5 = 0.4", None),
        ("4 stars are on the flag.", None),
    ],
)
def test_more_ways_to_give_a_score_and_to_speak_of_one(reply, score):
    assert read_score(reply) == score
