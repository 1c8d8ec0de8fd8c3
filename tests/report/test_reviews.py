"""What the record says of a committee: leniency, AUC against the answer check, agreement, the gate."""

import json

import pytest

from localfair.errors import UsageError
from localfair.record.store import Store
from localfair.report.reviews import (
    agreement,
    auc,
    committee_auc,
    diagnose,
    difference,
    gate_table,
    suggest,
)
from tests.lab import teacher


def reviews(*scored, mode="reasoned", reviewer="r", place=0):
    return [
        {
            "explanation": f"e{i}",
            "score": score,
            "right": right,
            "mode": mode,
            "reviewer": reviewer,
            "seat": place,
        }
        for i, (score, right) in enumerate(scored)
    ]


def test_the_auc_is_the_share_of_pairs_in_order_with_ties_counted_half():
    found = auc(reviews((5, True), (3, True), (3, False), (1, False)))
    assert found["auc"] == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    low, high = found["auc_interval"]
    assert low <= found["auc"] <= high


def test_a_reviewer_that_saw_only_right_rationales_has_no_auc():
    assert auc(reviews((5, True), (4, True)))["auc"] is None


def test_the_modes_are_compared_on_the_same_rationales_drawn_again_together():
    direct = reviews((3, True), (2, True), (3, False), (1, False), mode="direct")
    reasoned = reviews((5, True), (4, True), (3, False), (1, False))
    found = difference(list(zip(direct, reasoned, strict=True)))
    assert found["difference"] == pytest.approx(1 - (0.5 + 1 + 0 + 1) / 4)
    low, high = found["interval"]
    assert 0 <= low <= found["difference"] <= high <= 1
    same = difference(list(zip(direct, direct, strict=True)))
    assert same == {"difference": 0, "interval": [0, 0]}
    assert difference(list(zip(direct[:2], reasoned[:2], strict=True)))["difference"] is None


def test_reviewers_that_differ_in_strictness_alone_make_a_mean_worse_than_any_of_them():
    # each puts right above wrong; the lenient one reads the weak author, the strict one the strong author
    lenient = reviews((4.2, True), (4.1, False), (4.1, False), reviewer="lenient")
    strict = [
        r | {"explanation": f"s{r['explanation']}"}
        for r in reviews((1.3, True), (1.3, True), (1.2, False))
    ]
    assert (auc(lenient)["auc"], auc(strict)["auc"]) == (1, 1)
    [found] = committee_auc([*lenient, *strict])
    assert (found["mode"], found["auc"]) == ("reasoned", pytest.approx((3 + 1 + 1) / 9))


def test_agreement_is_being_on_the_same_side_of_the_gate():
    one, other = (
        reviews((5, True), (4, True), (1, False)),
        reviews((4, True), (3, True), (2, False), place=1),
    )
    assert agreement([*one, *other]) == [
        {
            "mode": "reasoned",
            "one": "r#0",
            "other": "r#1",
            "common": 3,
            "agree": pytest.approx(2 / 3),
        }
    ]


def test_a_higher_gate_covers_less_and_the_suggestion_is_the_lowest_that_is_precise_enough():
    gate = gate_table(reviews(*[(5, True)] * 8, (4, False), (4, True), (2, False), (1, False)))
    coverage = [row["coverage"] for row in gate]
    assert coverage == sorted(coverage, reverse=True)
    assert {row["mean_above"]: row["precision"] for row in gate}[4.0] == 1.0
    assert "mean_above=4 " in suggest(gate, 0.95) and "100.0%" in suggest(gate, 0.95)
    assert "no threshold reaches" in suggest(
        gate_table(reviews((5, False), (5, True), (1, False))), 0.9
    )


def test_a_record_with_a_wrong_author_tells_reviewers_apart(lab):
    seats = (*lab.teachers[:2], teacher(lab.folder, "wrong", answer="0"))
    lab.run(teachers=seats, settings=("review.exhaustive=true",), until="review")
    lab.run(
        teachers=seats, settings=("review.exhaustive=true", "review.mode=direct"), until="review"
    )
    with Store.open(lab.db) as store:
        found = diagnose(store)
    assert {(r["reviewer"], r["mode"]) for r in found["modes"]} == {
        (name, mode) for name in ("t0", "t1", "wrong") for mode in ("direct", "reasoned")
    }
    assert {r["auc"] for r in found["modes"]} == {
        0.5,
        None,
    }  # scripts score alike; who saw one kind alone has no AUC
    assert all(r["written_tokens"] == 0 for r in found["modes"] if r["mode"] == "direct")
    assert json.dumps(found)


def test_without_wrong_rationales_nothing_is_suggested(lab):
    lab.run(until="review")
    with Store.open(lab.db) as store:
        assert diagnose(store)["suggestion"].startswith("no suggestion")


def test_a_record_without_reviews_says_so(lab):
    lab.run(until="exam")
    with Store.open(lab.db) as store, pytest.raises(UsageError, match="no review"):
        diagnose(store)
