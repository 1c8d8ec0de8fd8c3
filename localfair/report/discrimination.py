"""How well votes tell right explanations from wrong ones, within authors.

Pure: judgements and a number for each in, an AUC with its interval out. Reads no record. Pooled
over authors an AUC mostly tells who the author was. Ours, where no source is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localfair.report.trust import Judgement

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Vector = NDArray[float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrimination:
    """How well numbers tell right explanations from wrong ones of the same author.

    `auc` is over the `pairs` of a right and a wrong explanation by one author, None when there is
    no such pair; `interval` is 95 %, with questions as clusters (the delta method). `smallest` is the AUC that so
    many labels would have shown in four of five draws.
    """

    auc: float | None
    interval: tuple[float, float] | None
    smallest: float | None
    pairs: int


def within_authors(values: Mapping[str, float], judgements: Iterable[Judgement]) -> Discrimination:
    """The AUC of `values` (by explanation) within authors.

    Pooled over authors, an AUC mostly tells who the author was.
    """
    labelled = [
        judgement
        for judgement in sorted(judgements, key=lambda each: each.explanation)
        if judgement.right is not None and judgement.explanation in values
    ]
    wins, pairs = _wins_by_question(values, labelled)
    total = pairs.sum()
    if total == 0:
        return Discrimination(auc=None, interval=None, smallest=None, pairs=0)
    auc = float(wins.sum() / total)
    # A pair lies in two questions: what one question adds to the AUC is the surplus of all its
    # pairs, of which `wins` and `pairs` hold half.
    influence = 2 * (wins - auc * pairs) / total
    count = len(influence)
    error = math.sqrt(float((influence**2).sum()) * count / max(1, count - 1))
    low = max(0.0, auc - 1.96 * error)
    high = min(1.0, auc + 1.96 * error)
    rights = sum(bool(judgement.right) for judgement in labelled)
    return Discrimination(
        auc=auc,
        interval=(low, high),
        smallest=smallest_auc(rights, len(labelled) - rights),
        pairs=int(total),
    )


def _wins_by_question(
    values: Mapping[str, float], labelled: Sequence[Judgement]
) -> tuple[Vector, Vector]:
    """By question of either explanation, half each: pairs won and pairs in all."""
    import numpy as np

    questions = sorted({judgement.question for judgement in labelled})
    place = {question: n for n, question in enumerate(questions)}
    wins = np.zeros(len(questions))
    pairs = np.zeros(len(questions))
    by_author: dict[str, list[Judgement]] = {}
    for judgement in labelled:
        by_author.setdefault(judgement.author, []).append(judgement)
    for written in by_author.values():
        right = [judgement for judgement in written if judgement.right]
        wrong = [judgement for judgement in written if not judgement.right]
        if not right or not wrong:
            continue
        good = np.array([values[judgement.explanation] for judgement in right])
        bad = np.array([values[judgement.explanation] for judgement in wrong])
        for judgement, won in zip(right, _below(good, bad), strict=True):
            wins[place[judgement.question]] += won / 2
            pairs[place[judgement.question]] += len(wrong) / 2
        for judgement, lost in zip(wrong, _below(bad, good), strict=True):
            wins[place[judgement.question]] += (len(right) - lost) / 2
            pairs[place[judgement.question]] += len(right) / 2
    return wins, pairs


def _below(numbers: Vector, others: Vector) -> Vector:
    """For each of `numbers`, how many of the others are below it, equal ones counted half."""
    import numpy as np

    ordered = np.sort(others)
    below = np.searchsorted(ordered, numbers, side="left")
    up_to = np.searchsorted(ordered, numbers, side="right")
    halved: Vector = (below + up_to) / 2
    return halved


def smallest_auc(rights: int, wrongs: int) -> float | None:
    """The AUC that a two-sided test at 5 % shows with probability 0.8 (Hanley and McNeil 1982).

    None when so few labels would miss even an AUC of 1.
    """
    if rights < 1 or wrongs < 1:
        return None
    for thousandths in range(501, 1000):
        auc = thousandths / 1000
        if (auc - 0.5) / auc_error(auc, rights, wrongs) >= 1.96 + 0.84:
            return auc
    return None


def auc_error(auc: float, rights: int, wrongs: int) -> float:
    """The standard error of an AUC (Hanley and McNeil 1982, equation 1)."""
    both_right = auc / (2 - auc)
    both_wrong = 2 * auc**2 / (1 + auc)
    variance = (
        auc * (1 - auc)
        + (rights - 1) * (both_right - auc**2)
        + (wrongs - 1) * (both_wrong - auc**2)
    ) / (rights * wrongs)
    return math.sqrt(max(variance, 1e-12))
