"""Union coverage: what anybody solves beyond the best one, and whether it can be told from nothing."""

from __future__ import annotations

import pytest

from localfair.report.coverage import union_interval


def solved(**teachers: str):
    """Who solved which question: `1` right, `0` not."""
    found = {}
    for who, marks in teachers.items():
        found[who] = {str(place): mark == "1" for place, mark in enumerate(marks)}
    return found


def test_specialists_of_two_fields_add_what_each_does_not_know():
    fields = solved(sums="1" * 40 + "0" * 60, letters="0" * 60 + "1" * 40)
    low, high = union_interval(fields, "sums")
    # 40 of 100: as of any proportion, 0.4 -+ 1.96 * sqrt(0.4 * 0.6 / 100)
    assert (low, high) == pytest.approx((0.304, 0.496), abs=0.01)
    assert union_interval(fields, "letters") == pytest.approx((low, high), abs=0.02)


@pytest.mark.parametrize(("more", "holds_0"), [(1, True), (2, True), (3, True), (4, False)])
def test_three_questions_more_in_thirty_two_are_not_told_from_none(more, holds_0):
    best = "1" * 22 + "0" * 10
    other = "0" * 22 + "1" * more + "0" * (10 - more)
    low, high = union_interval(solved(best=best, other=other), "best")
    assert (low == 0) is holds_0
    assert more / 32 < high < 0.3


def test_who_adds_nothing_leaves_an_interval_from_zero_that_has_a_width():
    nested = solved(best="1" * 28 + "0" * 4, other="1" * 8 + "0" * 24)
    low, high = union_interval(nested, "best")
    assert low == 0
    assert 0.05 < high < 0.15  # Tango's, of none gained among 32


def test_only_questions_that_all_answered_are_compared():
    first = {"a": True, "b": False}
    second = {"b": True, "c": True}
    alone = union_interval({"first": {"b": False}, "second": {"b": True}}, "first")
    assert union_interval({"first": first, "second": second}, "first") == alone


def test_the_order_of_teachers_changes_nothing():
    two = solved(x="1100110", y="0011001")
    assert union_interval(two, "x") == union_interval(dict(reversed(two.items())), "x")
