"""The exact permutation test over questions, and Holm's correction, beside known values."""

from __future__ import annotations

from itertools import product

import pytest

from localfair.report.permutation import holm, permutation_p
from localfair.report.statistics import mcnemar


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (6, 0), (8, 3), (3, 8), (48, 18)])
def test_of_one_seed_it_is_mcnemars(gained, lost):
    changes = [1] * gained + [-1] * lost + [0] * 30
    assert permutation_p(changes) == pytest.approx(mcnemar(gained, lost), rel=1e-9)


def test_of_several_seeds_it_counts_every_way_to_sign_the_changes():
    changes = [2, 1, -1, 2, 0, 1, -2, 2]
    sums = []
    for signs in product((1, -1), repeat=len(changes)):
        sums.append(sum(sign * abs(change) for sign, change in zip(signs, changes, strict=True)))
    as_far = sum(abs(each) >= abs(sum(changes)) for each in sums)
    assert permutation_p(changes) == pytest.approx(as_far / len(sums))


def test_it_is_scipys_paired_permutation():
    stats = pytest.importorskip("scipy.stats")
    changes = [1, 2, -1, 2, 1, 2, 2, -1, 1]
    tested = stats.permutation_test(
        (changes,), sum, permutation_type="samples", n_resamples=float("inf")
    )
    assert permutation_p(changes) == pytest.approx(tested.pvalue)


def test_many_questions_are_no_matter():
    p = permutation_p([2] * 400 + [-2] * 300 + [1] * 300)
    assert 0 < p < 1e-9


def test_without_any_change_nothing_is_told():
    assert permutation_p([]) == permutation_p([0, 0]) == 1


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    # Holm's procedure by hand: 0.01 x 4, 0.02 x 3, then 0.03 x 2 and 0.04 x 1 are held at 0.06
    assert holm([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([0.03]) == [0.03]
    assert holm([]) == []
