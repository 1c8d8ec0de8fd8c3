"""A paired permutation test over questions, exact, and Holm's correction over several tests.

Pure: numbers in, probabilities out. Knows nothing of questions, runs or tables.
"""

from __future__ import annotations

from collections.abc import Sequence


def permutation_p(changes: Sequence[int]) -> float:
    """The exact two-sided p of a paired permutation test: each question's change may have either sign.

    A change is how many seeds became right on a question, less how many became wrong. Without any
    change p is 1. With changes of 1 and -1 alone it is exact McNemar's p. The distribution of the
    sum over all 2**n signs is found by convolution, so nothing is drawn (Fisher's randomisation
    test; Pagano and Tritchler 1983, JASA 78:435).
    """
    import numpy as np

    sizes = [abs(change) for change in changes if change]
    reach = sum(sizes)
    # chances[i] is the chance that the sum so far is i - reach
    chances = np.zeros(2 * reach + 1)
    chances[reach] = 1.0
    for size in sizes:
        # the sum stays within reach, so nothing that is rolled over the end has a chance
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    distances = np.abs(np.arange(-reach, reach + 1))
    return min(1.0, float(chances[distances >= abs(sum(changes))].sum()))


def holm(ps: Sequence[float]) -> list[float]:
    """Each p adjusted for being one of several claims, in the order given.

    All claims below 0.05 hold together with at most 5 % chance of a false one (Holm 1979,
    Scandinavian Journal of Statistics 6:65).
    """
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    adjusted = [1.0] * len(ps)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = largest
    return adjusted
