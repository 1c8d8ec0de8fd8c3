"""Intervals and paired tests, on numbers that can be checked by hand or in a table."""

import pytest

from localfair.report.statistics import (
    area_interval,
    mcnemar,
    mean_interval,
    paired,
    small_split,
    tango,
    wilson,
)

Z_90 = 1.6448536269514722


def answers(*grades):
    """Whether the answers to q0, q1, ... are right."""
    return {f"q{n}": grade == "right" for n, grade in enumerate(grades)}


def test_wilson_gives_the_interval_of_the_formula():
    # (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) at p = 8/10, z = 1.959964
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178))


@pytest.mark.parametrize("total", [1, 2, 7, 50, 137, 1319])
def test_wilson_is_scipys_to_the_last_bit(total):
    from scipy.stats import binomtest

    for right in range(0, total + 1, max(1, total // 20)):
        interval = binomtest(right, total).proportion_ci(method="wilson")
        assert wilson(right, total) == (interval.low, interval.high)


def test_wilson_of_none_and_of_all_stays_within_zero_and_one():
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == 1


# -- the change between two exams -----------------------------------------------------------------


def test_the_change_counts_what_was_gained_and_lost_on_shared_questions():
    before = answers("right", "wrong", "unreadable", "wrong")
    after = answers("wrong", "right", "right")
    change = paired(before, after)
    assert (change.questions, change.gained, change.lost) == (3, 2, 1)
    assert change.difference == pytest.approx(1 / 3)
    low, high = change.interval
    assert low <= change.difference <= high


def test_exams_without_a_common_question_have_no_change():
    assert paired(answers("right"), {}) is None


@pytest.mark.parametrize(
    ("gained", "lost", "questions", "z", "published"),
    [
        (9, 3, 32, 1.959964, (-0.027, 0.390)),  # Tango 1998: a cross-over trial, 95 %
        (0, 1, 44, Z_90, (-0.096, 0.037)),  # Tango 1998: lens solutions, 90 %
        (16, 8, 86, 1.959964, (-0.020, 0.207)),  # Agresti and Min 2005
        (
            1,
            7,
            21,
            1.959964,
            (-0.517, -0.026),
        ),  # Fagerland et al. 2014: before and after a transplant
    ],
)
def test_the_interval_of_a_change_is_the_published_one(gained, lost, questions, z, published):
    low, high = tango(gained, lost, questions, z)
    assert (round(low, 3), round(high, 3)) == published


def test_eight_questions_that_did_not_move_say_little():
    unmoved = paired(answers(*["right"] * 8), answers(*["right"] * 8))
    low, high = unmoved.interval
    # z² / (n + z²) on both sides of nothing
    assert (low, high) == (pytest.approx(-0.3244, abs=1e-4), pytest.approx(0.3244, abs=1e-4))
    assert unmoved.note.startswith("8 questions: only a change of 75 points")


@pytest.mark.parametrize("questions", [1, 2, 5, 30, 1000])
def test_no_interval_has_the_width_zero_or_leaves_its_range(questions):
    for gained in {0, 1, questions // 2, questions}:
        for lost in {0, 1, questions - gained}:
            if gained + lost > questions:
                continue
            low, high = tango(gained, lost, questions)
            assert -1 <= low <= (gained - lost) / questions <= high <= 1
            assert high - low > 1 / questions / 2


def test_the_interval_turned_round_is_that_of_the_change_turned_round():
    low, high = tango(7, 2, 40)
    assert tango(2, 7, 40) == (pytest.approx(-high), pytest.approx(-low))


def test_a_change_is_of_the_questions_that_both_exams_asked():
    change = paired({"a": True, "b": False, "c": True}, {"b": True, "c": True, "d": True})
    assert (change.questions, change.gained, change.lost) == (2, 1, 0)


def test_mcnemar_is_the_exact_binomial_test_of_the_changed_questions():
    assert mcnemar(5, 0) == pytest.approx(2 * 0.5**5)
    assert mcnemar(3, 3) == 1.0
    assert mcnemar(0, 0) == 1.0


def test_a_small_split_says_what_it_cannot_show_and_a_large_one_nothing():
    assert small_split(5) == "5 questions: no change could show"
    assert small_split(6) == "6 questions: only a change of 100 points or more could show"
    assert small_split(60) == "60 questions: only a change of 10 points or more could show"
    assert small_split(200) is None


# -- means and areas ------------------------------------------------------------------------------


def test_equal_changes_have_the_interval_of_as_many_questions():
    assert mean_interval([0.0] * 8) == tango(0, 0, 8)
    low, high = mean_interval([0.5, 0.5, 0.5])
    assert -1 <= low < 0.5 < high <= 1


def test_the_interval_of_a_mean_holds_the_mean_and_is_the_same_again():
    values = [0.0, 1.0, 1.0, 0.0, 1.0]
    low, high = mean_interval(values)
    assert 0 <= low <= 0.6 <= high <= 1
    assert mean_interval(values) == (low, high)


def test_an_area_of_one_is_the_less_sure_the_fewer_it_rests_on():
    few, _ = area_interval(1.0, 3, 3)
    many, high = area_interval(1.0, 300, 300)
    assert few < many < high == 1


def test_the_interval_of_an_area_turns_round_with_it():
    low, high = area_interval(0.8, 20, 30)
    assert area_interval(1 - 0.8, 30, 20) == (pytest.approx(1 - high), pytest.approx(1 - low))
    assert 0 < low < 0.8 < high < 1
