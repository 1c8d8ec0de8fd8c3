"""Intervals and paired tests: Wilson, McNemar, the bootstrap of a mean.

Reads grades and numbers; writes nothing. The statistics are scipy's, loaded when one is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localfair.record.nouns import Grade
from localfair.record.store import Row

RESAMPLES = 9999


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a proportion (scipy's). `total` is at least 1."""
    from scipy.stats import binomtest

    interval = binomtest(right, total).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def paired(before: Iterable[Row], after: Iterable[Row]) -> Row | None:
    """The change between two exams on the questions that both asked; None when they share none.

    `difference` is in accuracy, with its 95 % bootstrap interval; `p` is exact McNemar's.
    """
    first = _right_by_question(before)
    second = _right_by_question(after)
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    change = [float(second[question]) - float(first[question]) for question in shared]
    gained = sum(step > 0 for step in change)
    lost = sum(step < 0 for step in change)
    return {
        "questions": len(shared),
        "gained": gained,
        "lost": lost,
        "difference": sum(change) / len(change),
        "interval": mean_interval(change),
        "p": mcnemar(gained, lost),
    }


def _right_by_question(answers: Iterable[Row]) -> dict[str, bool]:
    return {answer["question"]: answer["grade"] == Grade.RIGHT for answer in answers}


def mcnemar(gained: int, lost: int) -> float:
    """Exact McNemar's two-sided p: a binomial test of the questions that changed, 1 when none
    did.
    """
    from scipy.stats import binomtest

    changed = gained + lost
    if changed == 0:
        return 1.0
    return float(binomtest(gained, changed).pvalue)


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval (percentiles) of a mean; a point where all values are equal."""
    import numpy as np
    from scipy.stats import bootstrap

    if max(values) == min(values):
        return float(values[0]), float(values[0])
    spread = bootstrap(
        (np.array(values),),
        np.mean,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    interval = spread.confidence_interval
    return float(interval.low), float(interval.high)
