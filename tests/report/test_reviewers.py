"""What the record says of reviewers: leniency, AUC against the answer check, agreement, the gate."""

import json
from dataclasses import replace

import pytest
from scipy.stats import mannwhitneyu

from localfair.errors import UsageError
from localfair.record.store import Store
from localfair.report.reviewers import (
    agreement,
    auc,
    committee_auc,
    difference,
    reviewers,
    worth_of,
)
from tests.lab import teacher
from tests.report.reviewed import reviews

EXHAUSTIVE = "review.exhaustive=true"


def paired(direct, reasoned):
    return list(zip(direct, reasoned, strict=True))


def test_a_row_tells_leniency_cost_and_what_could_not_be_read():
    row = worth_of(reviews((5, True), (3, True), (1, False), (None, True)))
    assert (row.reviews, row.unreadable, row.mean) == (4, 1, 3)
    assert row.share_for == pytest.approx(1 / 3)
    assert (row.prompt_tokens, row.written_tokens) == (100, 10)


def test_a_reviewer_whose_scores_cannot_be_read_has_no_mean():
    row = worth_of(reviews((None, True), mode="direct"))
    assert (row.mean, row.share_for, row.area.auc, row.written_tokens) == (None, None, None, 0)


def test_feedbacks_count_for_leniency_and_not_for_the_auc():
    feedback, rationale = reviews((5, True), (3, False))
    row = worth_of([replace(feedback, kind="feedback"), rationale])
    assert (row.mean, row.area.right, row.area.wrong) == (4, 0, 1)


def test_the_auc_is_the_share_of_pairs_in_order_with_ties_counted_half():
    worth = auc([5, 3], [3, 1])
    assert worth.auc == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    low, high = worth.auc_interval
    assert low <= worth.auc <= high


def test_a_reviewer_that_saw_only_right_rationales_has_no_auc():
    assert auc([5, 4], []).auc is None


def test_the_auc_of_a_single_wrong_rationale_has_no_interval():
    worth = auc([5, 4], [1])
    assert (worth.auc, worth.auc_interval) == (1, None)


def test_the_modes_are_compared_on_the_same_rationales_drawn_again_together():
    direct = reviews((3, True), (2, True), (3, False), (1, False), mode="direct")
    reasoned = reviews((5, True), (4, True), (3, False), (1, False))
    change = difference(paired(direct, reasoned))
    assert change.difference == pytest.approx(1 - (0.5 + 1 + 0 + 1) / 4)
    low, high = change.interval
    assert 0 <= low <= change.difference <= high <= 1


def test_a_mode_does_not_differ_from_itself():
    direct = reviews((3, True), (2, True), (3, False), (1, False), mode="direct")
    change = difference(paired(direct, direct))
    low, high = change.interval
    # four rationales that did not move do not show that none would
    assert change.difference == 0
    assert low < -0.3 < 0.3 < high


def test_an_area_that_every_resample_has_is_not_sure():
    worth = auc([5] * 6, [1] * 6)
    low, high = worth.auc_interval
    assert worth.auc == high == 1
    assert low < 0.8


def test_the_area_is_mann_whitneys():
    right = [5, 4, 4, 3.5, 2]
    wrong = [4, 3.5, 1, 1]
    u = mannwhitneyu(right, wrong, method="asymptotic").statistic
    assert auc(right, wrong).auc == u / (len(right) * len(wrong))


def test_modes_that_saw_only_right_rationales_are_not_compared():
    right = reviews((3, True), (2, True))
    change = difference(paired(right, right))
    assert change.difference is change.interval is None


def test_reviewers_that_differ_in_strictness_alone_make_a_mean_worse_than_any_of_them():
    # each puts right above wrong; the lenient one reads the weak author, the strict one the strong
    # author
    lenient = reviews((4.2, True), (4.1, False), (4.1, False), reviewer="lenient")
    strict = []
    for review in reviews((1.3, True), (1.3, True), (1.2, False), reviewer="strict"):
        strict.append(replace(review, explanation=f"s{review.explanation}"))
    assert worth_of(lenient).area.auc == worth_of(strict).area.auc == 1
    [together] = committee_auc([*lenient, *strict])
    assert together.mode == "reasoned"
    assert together.area.auc == pytest.approx((3 + 1 + 1) / 9)


def test_agreement_is_being_on_the_same_side_of_the_gate():
    first = reviews((5, True), (4, True), (1, False))
    second = reviews((4, True), (3, True), (2, False), seat=1)
    [both] = agreement([*first, *second])
    assert (both.mode, both.one, both.other, both.common) == ("reasoned", "r#0", "r#1", 3)
    assert both.agree == pytest.approx(2 / 3)


def test_reviews_of_two_modes_do_not_agree_or_disagree():
    direct = reviews((5, True), mode="direct")
    reasoned = reviews((5, True), seat=1)
    assert agreement([*direct, *reasoned]) == []


def test_a_record_with_a_wrong_author_tells_reviewers_apart(lab):
    seats = (*lab.teachers[:2], teacher(lab.folder, "wrong", answer="0"))
    for mode in ("reasoned", "direct"):
        settings = (EXHAUSTIVE, f"review.mode={mode}")
        lab.run(teachers=seats, settings=settings, until="review")
    with Store.open(lab.db) as store:
        worth = reviewers(store)
    modes = worth.modes
    names = ("t0", "t1", "wrong")
    expected = {(name, mode) for name in names for mode in ("direct", "reasoned")}
    assert {(row.reviewer, row.mode) for row in modes} == expected
    # scripts score everything alike; who reviewed one grade alone has no AUC
    assert {row.area.auc for row in modes} == {0.5, None}
    assert all(row.written_tokens == 0 for row in modes if row.mode == "direct")
    data = json.loads(json.dumps(worth.data()))
    by_name = {row["reviewer"]: row for row in data["reviewers"]}
    assert by_name["t0"].keys() >= {"for", "auc", "auc_interval", "right", "wrong"}
    assert data["committee"][0].keys() == {"mode", "right", "wrong", "auc", "auc_interval"}


def test_one_run_or_one_task_can_be_looked_at(lab):
    first = lab.run(settings=(EXHAUSTIVE,), until="review")
    lab.run(settings=(EXHAUSTIVE, "review.mode=direct"), until="review")
    with Store.open(lab.db) as store:
        assert reviewers(store).reviews > reviewers(store, run=first["run"]).reviews > 0
        assert reviewers(store, task="table").reviews == reviewers(store).reviews
        with pytest.raises(UsageError, match="no review"):
            reviewers(store, task="another")


def test_without_wrong_rationales_nothing_is_suggested(lab):
    lab.run(until="review")
    with Store.open(lab.db) as store:
        assert reviewers(store).suggestion.startswith("no suggestion")


def test_a_record_without_reviews_says_so(lab):
    lab.run(until="exam")
    with Store.open(lab.db) as store, pytest.raises(UsageError, match="no review"):
        reviewers(store)
