"""Bootstraps in bounded memory: resamples are drawn a few at a time.

Reads numbers; writes nothing. The draws are those of `scipy.stats.bootstrap` with `rng=0`, which
holds all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]
    # a statistic of two samples, from the indices that were drawn of each
    Statistic = Callable[[Indices, Indices], float]

RESAMPLES_OF_A_MEAN = 9999
RESAMPLES_OF_AN_AREA = 2999
AT_ONCE = 1 << 20  # indices that are held at a time


def bootstrap_mean(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval (percentiles) of a mean."""
    import numpy as np

    sample = np.asarray(values, dtype=float)
    means = []
    for indices in _resamples(np.random.default_rng(0), len(sample), RESAMPLES_OF_A_MEAN):
        means.append(sample[indices].mean(axis=-1))
    return _percentiles(np.concatenate(means))


def bootstrap_two(sizes: tuple[int, int], statistic: Statistic) -> tuple[float, float]:
    """The 95 % bootstrap interval (percentiles) of a statistic of two samples of these sizes."""
    import numpy as np

    first_size, second_size = sizes
    second_draws = np.random.default_rng(0)
    # scipy draws all resamples of the first sample before the second's
    for _ in _resamples(second_draws, first_size, RESAMPLES_OF_AN_AREA):
        pass
    first = _each_resample(np.random.default_rng(0), first_size)
    second = _each_resample(second_draws, second_size)
    values = [statistic(*drawn) for drawn in zip(first, second, strict=True)]
    return _percentiles(np.array(values))


def _each_resample(rng: np.random.Generator, size: int) -> Iterator[Indices]:
    for indices in _resamples(rng, size, RESAMPLES_OF_AN_AREA):
        yield from indices


def _resamples(rng: np.random.Generator, size: int, count: int) -> Iterator[Indices]:
    """`count` resamples of the indices of a sample, some rows at a time: (resamples, size)."""
    at_once = max(1, AT_ONCE // size)
    for start in range(0, count, at_once):
        yield rng.integers(0, size, size=(min(at_once, count - start), size))


def _percentiles(values: Numbers) -> tuple[float, float]:
    import numpy as np
    from scipy.stats import quantile

    tail = (1 - 0.95) / 2  # as scipy has it, to the last digit
    low, high = quantile(values, np.array([tail, 1 - tail]))
    return float(low), float(high)
