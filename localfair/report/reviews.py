"""The means over an explanation's reviewers, which a gate looks at.

Pure: reviews in, means out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from localfair.record.reviews import ReviewInContext


@dataclass(frozen=True, slots=True)
class Mean:
    """What the gate looks at: the mean of an explanation's scores, and whether its answer is
    right.
    """

    score: float
    right: bool


def means_of(reviews: Iterable[ReviewInContext]) -> dict[str, list[Mean]]:
    """By mode, the mean of each explanation that has a score."""
    scores: dict[tuple[str, str], list[float]] = {}
    right: dict[str, bool] = {}
    for review in reviews:
        if review.score is not None:
            scores.setdefault((review.mode, review.explanation), []).append(review.score)
            right[review.explanation] = review.right
    means: dict[str, list[Mean]] = {}
    for (mode, explanation), given in scores.items():
        means.setdefault(mode, []).append(Mean(fmean(given), right[explanation]))
    return dict(sorted(means.items()))
