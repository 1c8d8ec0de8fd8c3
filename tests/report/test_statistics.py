"""Intervals and paired tests, on numbers that can be checked by hand or in a table."""

import pytest

from localfair.report.statistics import mcnemar, mean_interval, paired, wilson


def answers(*grades):
    """Answers to q0, q1, ... with these grades."""
    return [{"question": f"q{n}", "grade": grade} for n, grade in enumerate(grades)]


def test_wilson_gives_the_interval_of_the_formula():
    # (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) at p = 8/10, z = 1.959964
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178))


def test_wilson_of_none_and_of_all_stays_within_zero_and_one():
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == 1


def test_the_change_counts_what_was_gained_and_lost_on_shared_questions():
    before = answers("right", "wrong", "unreadable", "wrong")
    after = answers("wrong", "right", "right")
    change = paired(before, after)
    assert (change["questions"], change["gained"], change["lost"]) == (3, 2, 1)
    assert change["difference"] == pytest.approx(1 / 3)
    low, high = change["interval"]
    assert low <= change["difference"] <= high


def test_exams_without_a_common_question_have_no_change():
    assert paired(answers("right"), []) is None


def test_mcnemar_is_the_exact_binomial_test_of_the_changed_questions():
    assert mcnemar(5, 0) == pytest.approx(2 * 0.5**5)
    assert mcnemar(3, 3) == 1.0
    assert mcnemar(0, 0) == 1.0


def test_the_interval_of_equal_values_is_a_point():
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def test_the_interval_of_a_mean_holds_the_mean_and_is_the_same_again():
    values = [0.0, 1.0, 1.0, 0.0, 1.0]
    low, high = mean_interval(values)
    assert 0 <= low <= 0.6 <= high <= 1
    assert mean_interval(values) == (low, high)
