"""Intervals and paired tests: Wilson, McNemar, Tango, Newcombe's interval of an AUC, bootstraps.

Reads grades and numbers; writes nothing. The statistics are scipy's where it has them, loaded when
one is asked for; Wilson's interval, which every exam has, is written out. No interval has the width
zero: data that never vary say nothing of what would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from localfair.report.resampling import bootstrap_mean

Z = 1.959963984540054  # 95 %, two-sided
SMALL = 0.05  # a split on which no smaller change could show is said to be small (ours)

Interval = tuple[float, float]


# -- one proportion -------------------------------------------------------------------------------


def wilson(right: int, total: int) -> Interval:
    """The 95 % Wilson score interval of a proportion. `total` is at least 1.

    Newcombe 1998, method 3, as scipy's `binomtest` has it: written out because every command that
    shows an exam needs it, and loading scipy takes longer than all the rest of such a command.
    """
    share = right / total
    denominator = 2 * (total + Z * Z)
    centre = (2 * total * share + Z * Z) / denominator
    delta = Z / denominator * math.sqrt(4 * total * share * (1 - share) + Z * Z)
    low = 0.0 if right == 0 else centre - delta
    high = 1.0 if right == total else centre + delta
    return low, high


# -- two exams on the same questions --------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of the questions that two exams share.

    gained, lost: how many became right, and how many wrong. difference: in accuracy; interval:
    Tango's, 95 %. p: exact McNemar's. note: that the split is too small to show much, or None.
    """

    questions: int
    gained: int
    lost: int
    difference: float
    interval: Interval
    p: float
    note: str | None


def change_of(questions: int, gained: int, lost: int) -> Change:
    """The change of so many questions, of which some were gained and some lost."""
    return Change(
        questions=questions,
        gained=gained,
        lost=lost,
        difference=(gained - lost) / questions,
        interval=tango(gained, lost, questions),
        p=mcnemar(gained, lost),
        note=small_split(questions),
    )


def paired(before: Mapping[str, bool], after: Mapping[str, bool]) -> Change | None:
    """The change between two exams, from whether each question's answer was right.

    It is of the questions that both asked; None when they share none.
    """
    questions = 0
    gained = 0
    lost = 0
    for question, was_right in before.items():
        if question not in after:
            continue
        questions += 1
        gained += after[question] and not was_right
        lost += was_right and not after[question]
    return change_of(questions, gained, lost) if questions else None


def mcnemar(gained: int, lost: int) -> float:
    """Exact McNemar's two-sided p: a binomial test of the questions that changed, 1 when none
    did.
    """
    from scipy.stats import binomtest

    changed = gained + lost
    if changed == 0:
        return 1.0
    return float(binomtest(gained, changed).pvalue)


def tango(gained: float, lost: float, questions: int, z: float = Z) -> Interval:
    """The score interval of a difference of paired proportions, `(gained - lost) / questions`.

    The differences that a score test does not reject (Tango 1998, Statistics in Medicine 17:891).
    It has a width also where nothing changed. Parts of a question may be gained or lost: means
    over seeds are.
    """

    def score(difference: float) -> float:
        return _tango_score(gained, lost, questions, difference)

    estimate = (gained - lost) / questions
    return (
        _crossing(score, z, (-1.0, estimate)),
        _crossing(score, -z, (estimate, 1.0)),
    )


def _tango_score(gained: float, lost: float, questions: int, difference: float) -> float:
    """The score of a difference under the hypothesis that it is the true one.

    `lost_share` is the probability of a loss that is likeliest under the hypothesis.
    """
    linear = (2 * questions - gained + lost) * difference - gained - lost
    constant = -lost * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear**2 - 8 * questions * constant))
    lost_share = (root - linear) / (4 * questions)
    variance = questions * (2 * lost_share + difference * (1 - difference))
    distance = gained - lost - questions * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _crossing(score: Callable[[float], float], value: float, between: Interval) -> float:
    """Where a falling score takes a value; the end of the range that it does not come to."""
    low, high = between
    for _ in range(60):
        middle = (low + high) / 2
        if score(middle) > value:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def small_split(questions: int) -> str | None:
    """What a split of so few questions cannot show; None for one that is large enough.

    At the best nothing is lost. Then the exact test wants six questions gained to fall below 0.05.
    """
    needed = 1
    while 0.5 ** (needed - 1) >= 0.05:  # the two-sided p of `needed` gained and none lost
        needed += 1
    least = needed / questions
    if least <= SMALL:
        return None
    if least > 1:
        return f"{questions} questions: no change could show"
    return f"{questions} questions: only a change of {100 * least:.0f} points or more could show"


# -- means and areas ------------------------------------------------------------------------------


def mean_interval(changes: Sequence[float]) -> Interval:
    """The 95 % bootstrap interval (percentiles) of a mean of changes, each from -1 to 1.

    Where all are equal every resample is the same. Tango's interval of as many questions, with as
    much gained and lost, stands there instead (ours).
    """
    if max(changes) > min(changes):
        low, high = bootstrap_mean(changes)
        if high > low:
            return low, high
    gained = sum(max(change, 0.0) for change in changes)
    lost = sum(max(-change, 0.0) for change in changes)
    return tango(gained, lost, len(changes))


def area_interval(area: float, right: int, wrong: int) -> Interval:
    """The 95 % score interval of an AUC, from so many right and so many wrong rationales.

    It has a width also where the two never overlap. Newcombe 2006, Statistics in Medicine 25:559,
    method 5.
    """

    def score(true_area: float) -> float:
        return _area_score(area, true_area, right, wrong)

    return (
        _crossing(score, Z, (0.0, area)),
        _crossing(score, -Z, (area, 1.0)),
    )


def _area_score(area: float, true_area: float, right: int, wrong: int) -> float:
    """How many standard errors an AUC lies above the true one, by Hanley and McNeil's variance
    with both sample sizes evened out.
    """
    evened = (right + wrong) / 2 - 1
    below = evened * (1 - true_area) / (2 - true_area)
    above = evened * true_area / (1 + true_area)
    variance = true_area * (1 - true_area) * (1 + below + above) / (right * wrong)
    if variance <= 0:
        return math.copysign(math.inf, area - true_area)
    return (area - true_area) / math.sqrt(variance)
