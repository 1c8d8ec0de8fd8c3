"""Bootstraps draw what scipy draws, and hold only some of it at a time."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import bootstrap

from localfair.report.resampling import RESAMPLES_OF_A_MEAN, bootstrap_mean, bootstrap_two

VALUES = np.linspace(-1, 1, 201) ** 3


def test_the_interval_of_a_mean_is_scipys_to_the_last_digit():
    expected = bootstrap(
        (VALUES,), np.mean, n_resamples=RESAMPLES_OF_A_MEAN, method="percentile", rng=0
    ).confidence_interval
    assert bootstrap_mean(VALUES) == (expected.low, expected.high)


def test_the_interval_of_two_samples_is_scipys_to_the_last_digit():
    first, second = VALUES[:80], VALUES[50:]

    def difference(one, other, axis=-1):
        return np.mean(one, axis=axis) - np.mean(other, axis=axis)

    expected = bootstrap(
        (first, second), difference, n_resamples=2999, method="percentile", rng=0
    ).confidence_interval
    ours = bootstrap_two(
        (len(first), len(second)),
        lambda one, other: difference(first[one], second[other]),
    )
    assert ours == pytest.approx((expected.low, expected.high), abs=1e-15)


def test_memory_does_not_grow_with_the_number_of_resamples():
    values = np.zeros(20_000)
    bootstrap_mean(values[:9])  # what is loaded once
    tracemalloc.start()
    bootstrap_mean(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6  # all at once would be 3.2 GB
