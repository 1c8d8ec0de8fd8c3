"""A calibrated review is planned from above, and its labels take a tenth of a budget at most."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.pipeline.budget import Budget, teacher_tokens, with_budget
from localfair.pipeline.plan import plan
from localfair.recipe.schema import Review
from localfair.record.costs import costs_of, label_costs_of
from localfair.record.store import Store
from tests.lab import quiet
from tests.stages.committee import QUESTIONS, TrustLab, author, coin, gullible, sharp

SETTINGS = (
    "review.mode=direct",
    "review.accept.gate=calibrated",
    "review.accept.labels=20",
    "review.accept.plants=3",
)


@pytest.fixture
def lab(tmp_path: Path) -> TrustLab:
    return TrustLab(tmp_path)


def seats(lab: TrustLab) -> tuple[str, ...]:
    return (sharp(lab.folder), coin(lab.folder), gullible(lab.folder))


def planned_review(lab: TrustLab) -> tuple[int, int, int]:
    """Replies recorded, calls known, and calls that may come on top."""
    ordered = lab.order(settings=SETTINGS, reviewers=seats(lab))
    lines = [line for line in plan(ordered, until="review").lines if line.step == "review"]
    recorded = sum(line.recorded for line in lines)
    return recorded, sum(line.calls for line in lines), sum(line.more for line in lines)


@pytest.mark.parametrize("until", [None, "exam", "inquire"])
def test_a_calibrated_review_asks_no_more_than_was_planned(
    lab: TrustLab, until: str | None
) -> None:
    if until:
        lab.run(settings=SETTINGS, reviewers=seats(lab), until=until)
    recorded, calls, more = planned_review(lab)
    run = lab.run(settings=SETTINGS, reviewers=seats(lab), until="review")
    step = run["steps"][-1]
    assert recorded <= step["reused"]
    assert step["calls"] + step["reused"] <= recorded + calls + more
    if until == "inquire":
        assert more == 0


def test_where_labels_are_of_one_sort_nothing_beyond_them_is_planned(lab: TrustLab) -> None:
    right = (author(lab.folder, "right", wrong="x"),)
    lab.run(settings=SETTINGS, teachers=right, reviewers=seats(lab), until="inquire")
    ordered = lab.order(settings=SETTINGS, teachers=right, reviewers=seats(lab))
    lines = [line for line in plan(ordered, until="review").lines if line.step == "review"]
    assert [(line.calls, line.more) for line in lines] == [(20, 0)] * 3
    run = lab.run(settings=SETTINGS, teachers=right, reviewers=seats(lab), until="review")
    assert run["steps"][-1]["calls"] == 3 * 20


def test_votes_that_are_known_make_the_plan_exact(lab: TrustLab) -> None:
    lab.run(settings=SETTINGS, reviewers=seats(lab), until="review", train_limit=25)
    lab.run(settings=SETTINGS, reviewers=seats(lab), until="inquire")
    _, calls, more = planned_review(lab)
    # the seat with a vote, about two feedbacks of a question, some of them in the same words
    assert 15 <= calls <= 15 * 2
    assert more == 0
    run = lab.run(settings=SETTINGS, reviewers=seats(lab), until="review")
    assert run["steps"][-1]["calls"] == calls


def test_a_finished_run_is_planned_at_nothing(lab: TrustLab) -> None:
    lab.run(settings=SETTINGS, reviewers=seats(lab), until="review")
    _, calls, more = planned_review(lab)
    assert (calls, more) == (0, 0)


def label_tokens(lab: TrustLab, run: str) -> int:
    with Store.open(lab.db) as store:
        return sum(cost.tokens for cost in label_costs_of(store, run))


def test_plants_cost_what_they_took(lab: TrustLab) -> None:
    settings = tuple(each for each in SETTINGS if "plants" not in each)
    without = lab.run(settings=settings, reviewers=seats(lab), until="review")["run"]
    with_plants = lab.run(settings=SETTINGS, reviewers=seats(lab), until="review")["run"]
    with Store.open(lab.db) as store:
        bare = len(costs_of(store, without))
        labels = len(label_costs_of(store, without))
        assert len(label_costs_of(store, with_plants)) == labels + 3 * 3
        # who falls for plants is asked no more
        assert len(costs_of(store, with_plants)) == bare + 3 * 3


@pytest.mark.parametrize("budget", [9000, 30000])
def test_labels_take_a_tenth_of_a_budget_at_most(lab: TrustLab, budget: int) -> None:
    order = lab.order(settings=SETTINGS, reviewers=seats(lab))
    paid = with_budget(order, Budget(budget), None, lab.lines.append, quiet)
    (step,) = [each for _, _, each in paid.recipe.sections() if isinstance(each, Review)]
    assert 0 < step.accept.labels < 20
    assert f"labels are of the first {step.accept.labels} questions: a tenth of the budget" in (
        lab.lines
    )
    settings = (*SETTINGS, f"review.accept.labels={step.accept.labels}")
    run = lab.run(
        settings=settings, reviewers=seats(lab), until="review", train_limit=paid.train_limit
    )["run"]
    assert label_tokens(lab, run) <= budget // 10
    with Store.open(lab.db) as store:
        assert teacher_tokens(store, run) <= budget


def test_a_budget_that_pays_for_all_labels_leaves_them(lab: TrustLab) -> None:
    order = lab.order(settings=SETTINGS, reviewers=seats(lab))
    paid = with_budget(order, Budget(10**6), None, lab.lines.append, quiet)
    assert paid.recipe == order.recipe
    assert paid.train_limit == QUESTIONS
