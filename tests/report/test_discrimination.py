"""The AUC within authors: what it is, and when it tells nothing."""

from __future__ import annotations

import random

from localfair.report.discrimination import smallest_auc, within_authors
from localfair.report.trust import Judgement
from tests.report.test_trust import judgements


def test_the_auc_is_taken_within_authors() -> None:
    # ann is always right and scored low, ben always wrong and scored high: pooled, scores mislead
    drawn = []
    for number in range(40):
        for author, usual in (("ann", 2.0), ("ben", 4.0)):
            right = number % 10 != 0 if author == "ann" else number % 10 == 0
            drawn.append(
                Judgement(
                    explanation=f"{number:02d}-{author}",
                    question=f"question {number}",
                    author=author,
                    scores={"cem": usual + (0.5 if right else -0.5)},
                    right=right,
                )
            )
    values = {judgement.explanation: judgement.scores["cem"] for judgement in drawn}
    told = within_authors(values, drawn)
    assert told.auc == 1.0
    assert told.pairs == 2 * 36 * 4


def test_scores_by_chance_have_an_auc_whose_interval_holds_a_half() -> None:
    draw = random.Random(8)
    drawn = judgements(draw, 60)
    values = {judgement.explanation: draw.random() for judgement in drawn}
    told = within_authors(values, drawn)
    assert told.interval is not None
    assert told.interval[0] < 0.5 < told.interval[1]


def test_no_pair_of_one_author_gives_no_auc() -> None:
    drawn = [
        Judgement(explanation="a", question="q", author="ann", scores={}, right=True),
        Judgement(explanation="b", question="q", author="ben", scores={}, right=False),
    ]
    assert within_authors({"a": 1.0, "b": 0.0}, drawn).auc is None


def test_more_labels_show_a_smaller_auc() -> None:
    few = smallest_auc(10, 10)
    many = smallest_auc(200, 200)
    assert few is not None and many is not None
    assert 0.5 < many < few < 1
    assert smallest_auc(0, 10) is None
