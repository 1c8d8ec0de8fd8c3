"""`localfair review` with a calibrated gate: every way it can go ends well, or in a line and a hint."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import seats

CALIBRATED = ("--set", "review.accept.gate=calibrated")
DIRECT = ("--set", "review.mode=direct")
SMALL = ("--task", "arithmetic-1", "--train-limit", 6, "--test-limit", 2)


def review(desk, *names, more=()):
    return desk.says("review", "fair", *seats(*names), *SMALL, *CALIBRATED, *more)


def trust_of(said):
    """What the review step of a run as JSON says of trust."""
    assert said.code == 0, said.err
    return json.loads(said.out)["steps"][-1]["outcome"]["trust"]


def test_long_verdicts_are_refused_with_what_to_set(desk):
    said = review(desk, "anna", "bert")
    assert said.code == 2
    assert "a calibrated verdict takes one pass or at most 10 tokens" in said.err
    assert 'review.mode = "direct"' in said.err
    assert not (desk.folder / "localfair.db").exists()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("anna",), "nobody is there to review"),
        (("anna", "bert"), "none of 1"),  # none of the answers is right
    ],
)
def test_where_nothing_can_be_fitted_the_checks_decide_and_a_line_says_so(desk, names, words):
    said = review(desk, *names, more=(*DIRECT, "--json"))
    assert words in trust_of(said)
    assert "spared" in trust_of(said)


def test_the_report_and_the_table_of_reviewers_say_it_too(desk):
    said = review(desk, "anna", "bert", more=DIRECT)
    assert said.code == 0, said.err
    assert "  review, trust: " in said.out
    assert "  review, trust: " in desk.says("report").out
    shown = desk.says("reviewers").out
    assert "\ntrust, from " in shown
    assert "AUC within authors" in shown
    (trust,) = json.loads(desk.says("reviewers", "--json").out)["trust"]
    assert trust["decides"] == "checks"


def test_leaving_reviews_or_trust_out_is_one_setting(desk):
    for part in ("review.mode=none", "review.accept.gate=mean"):
        said = review(desk, "anna", "bert", more=("--set", part, "--json"))
        assert said.code == 0, said.err
        assert "trust" not in json.loads(said.out)["steps"][-1]["outcome"]
