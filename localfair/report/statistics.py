"""Intervals and paired tests: Wilson, McNemar, the bootstrap of a mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localfair.record.nouns import Grade
from localfair.record.store import Row

RESAMPLES = 9999


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a proportion (scipy's)."""
    from scipy.stats import binomtest

    interval = binomtest(right, total).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def paired(before: Iterable[Row], after: Iterable[Row]) -> Row | None:
    """The change on the same questions: difference with a 95 % bootstrap interval, and exact McNemar's p."""
    from scipy.stats import binomtest

    first = {r["question"]: r["grade"] == Grade.RIGHT for r in before}
    second = {r["question"]: r["grade"] == Grade.RIGHT for r in after}
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    change = [float(second[q]) - float(first[q]) for q in shared]
    gained, lost = sum(c > 0 for c in change), sum(c < 0 for c in change)
    return {
        "questions": len(shared), "gained": gained, "lost": lost, "difference": sum(change) / len(change),
        "interval": mean_interval(change),
        "p": float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0,
    }  # fmt: skip


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval (percentiles) of a mean over questions; a point where all are equal."""
    import numpy as np
    from scipy.stats import bootstrap

    if max(values) == min(values):
        return float(values[0]), float(values[0])
    found = bootstrap(
        (np.array(values),),
        np.mean,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)
