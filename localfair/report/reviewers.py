"""What reviewers are worth, from the record alone.

Reads reviews, their explanations and the generations they rest on; writes nothing, asks nobody. The
mechanical answer check of a rationale is the yardstick: a reviewer that knows a right rationale
from a wrong one scores it higher. numpy is loaded when a report is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any

from localfair.errors import UsageError
from localfair.record.reviews import ReviewInContext, reviews_in_context
from localfair.record.store import Store
from localfair.report.gate import Gate, gate_table, suggest
from localfair.report.resampling import bootstrap_two
from localfair.report.reviews import means_of
from localfair.report.statistics import Interval, area_interval, mean_interval
from localfair.report.votes import TrustReport, trust_reports

if TYPE_CHECKING:
    from localfair.report.resampling import Indices

    Drawn = Indices | slice  # indices that were drawn, or every one

EVERY = slice(None)
MIDDLE = 3.0  # FAIR's gate: above it is for, at or below it is against

Pair = tuple[
    ReviewInContext, ReviewInContext
]  # one reviewer's direct and its reasoned review of one rationale


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """How well scores tell right rationales from wrong ones.

    right, wrong: how many there are of each. auc: P(a right one scores above a wrong one), with its
    95 % interval; None where it cannot be told.
    """

    right: int
    wrong: int
    auc: float | None
    auc_interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """One reviewer in one mode: how lenient it is, how well it tells right from wrong, its cost.

    share_for: of its scores above the middle. mean and share_for are None when no score could be
    read. Tokens are means of a review.
    """

    reviewer: str
    mode: str
    reviews: int
    unreadable: int
    mean: float | None
    share_for: float | None
    area: Area
    prompt_tokens: float
    written_tokens: float

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        data = asdict(self)
        data["for"] = data.pop("share_for")
        data.update(data.pop("area"))
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeDifference:
    """A reviewer's AUC with reasons less its AUC without; None where it cannot be told."""

    reviewer: str
    difference: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two reviewers of one mode: of the explanations that both scored, the share that both were
    for or both against.
    """

    mode: str
    one: str
    other: str
    common: int
    agree: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitteeArea:
    """The AUC of what the gate looks at in one mode: the mean over an explanation's reviewers."""

    mode: str
    area: Area


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewersReport:
    """What reviewers are worth, alone and together, and the gate at each threshold.

    modes: each reviewer that scored the same rationales in both modes, on those alone; differences
    are of the same. suggestion: the gate to set, in words. trust: see `report/votes`.
    """

    reviews: int
    reviewers: list[Worth]
    modes: list[Worth]
    differences: list[ModeDifference]
    committee: list[CommitteeArea]
    agreement: list[Agreement]
    gate: list[Gate]
    suggestion: str
    trust: list[TrustReport]

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        data = asdict(self)
        data["reviewers"] = [worth.data() for worth in self.reviewers]
        data["modes"] = [worth.data() for worth in self.modes]
        data["committee"] = [{"mode": each.mode, **asdict(each.area)} for each in self.committee]
        return data


def reviewers(
    store: Store, run: str | None = None, task: str | None = None, precision: float = 0.95
) -> ReviewersReport:
    """Reviewers, their agreement, and the gate at each threshold.

    Of one run, of one task, or of the whole record. `precision` is the share of right answers among
    accepted rationales that the suggested gate aims at. Raises UsageError when there is no review
    to look at.
    """
    reviews = reviews_in_context(store, run, task)
    if not reviews:
        raise UsageError(
            f"{store.path} holds no review to look at", "see `localfair review --help`"
        )
    rationales = [review for review in reviews if review.kind == "rationale"]
    pairs = _in_both_modes(rationales)
    gates = gate_table(rationales)
    return ReviewersReport(
        reviews=len(reviews),
        reviewers=_reviewers(reviews),
        modes=_modes(pairs),
        differences=[difference(both) for both in pairs.values()],
        committee=committee_auc(rationales),
        agreement=agreement(reviews),
        gate=gates,
        suggestion=suggest(gates, precision),
        trust=trust_reports(store, run, task, precision),
    )


# -- one reviewer ---------------------------------------------------------------------------------


def _reviewers(reviews: Iterable[ReviewInContext]) -> list[Worth]:
    """Each reviewer in each mode, by name."""
    groups: dict[tuple[str, str], list[ReviewInContext]] = {}
    for review in reviews:
        groups.setdefault((review.reviewer, review.mode), []).append(review)
    return [worth_of(groups[group]) for group in sorted(groups)]


def worth_of(reviews: Sequence[ReviewInContext]) -> Worth:
    """What one reviewer is worth, from its reviews in one mode."""
    right: list[float] = []
    wrong: list[float] = []
    scores: list[float] = []
    for review in reviews:
        if review.score is None:
            continue
        scores.append(review.score)
        if review.kind == "rationale":
            same_grade = right if review.right else wrong
            same_grade.append(review.score)
    return Worth(
        reviewer=reviews[0].reviewer,
        mode=reviews[0].mode,
        reviews=len(reviews),
        unreadable=len(reviews) - len(scores),
        mean=fmean(scores) if scores else None,
        share_for=_share_for(scores) if scores else None,
        area=auc(right, wrong),
        prompt_tokens=fmean(review.prompt_tokens for review in reviews),
        written_tokens=fmean(review.written_tokens for review in reviews),
    )


def _share_for(scores: Sequence[float]) -> float:
    return sum(score > MIDDLE for score in scores) / len(scores)


def auc(right: Sequence[float], wrong: Sequence[float]) -> Area:
    """P(a right rationale scores above a wrong one), ties counted half, with its 95 % interval.

    The Mann-Whitney U over the number of pairs. The interval is a bootstrap's; where every resample
    gives the same area, as when the two never overlap, it is a score interval (see statistics).
    None when right or wrong ones are missing; of a single one there is no interval.
    """
    area = None
    interval = None
    if right and wrong:
        scores = Levels(right, wrong)
        area = scores.area()
        if min(len(right), len(wrong)) > 1:
            low, high = bootstrap_two((len(right), len(wrong)), scores.area)
            if low == high:
                low, high = area_interval(area, len(right), len(wrong))
            interval = (low, high)
    return Area(right=len(right), wrong=len(wrong), auc=area, auc_interval=interval)


class Levels:
    """The scores of right and of wrong rationales as their place among all scores given."""

    def __init__(self, right: Sequence[float], wrong: Sequence[float]) -> None:
        import numpy as np

        levels, places = np.unique(np.array([*right, *wrong], float), return_inverse=True)
        self._count = len(levels)
        # small numbers, so that drawing from them stays within the processor's cache
        places = places.astype(np.min_scalar_type(self._count))
        self._right = places[: len(right)]
        self._wrong = places[len(right) :]

    def area(self, right: Drawn = EVERY, wrong: Drawn = EVERY) -> float:
        """The AUC of the rationales at these indices, of all of them by default."""
        import numpy as np

        right_counts = np.bincount(self._right[right], minlength=self._count)
        wrong_counts = np.bincount(self._wrong[wrong], minlength=self._count)
        wrong_below = np.cumsum(wrong_counts) - wrong_counts
        twice_u = int(np.dot(right_counts, 2 * wrong_below + wrong_counts))
        return twice_u / (2 * int(right_counts.sum()) * int(wrong_counts.sum()))


# -- direct beside reasoned -----------------------------------------------------------------------


def _in_both_modes(rationales: Iterable[ReviewInContext]) -> dict[str, list[Pair]]:
    """By reviewer, its direct and its reasoned review of each rationale that it scored both
    ways.
    """
    by_mode: dict[tuple[str, str], dict[str, ReviewInContext]] = {}
    for review in rationales:
        if review.score is not None:
            by_mode.setdefault((review.reviewer, review.mode), {})[review.explanation] = review
    pairs: dict[str, list[Pair]] = {}
    for reviewer in sorted({reviewer for reviewer, _ in by_mode}):
        direct = by_mode.get((reviewer, "direct"), {})
        reasoned = by_mode.get((reviewer, "reasoned"), {})
        both = sorted(direct.keys() & reasoned.keys())
        if both:
            pairs[reviewer] = [(direct[each], reasoned[each]) for each in both]
    return pairs


def _modes(pairs: dict[str, list[Pair]]) -> list[Worth]:
    """Each reviewer that scored the same rationales in both modes: its AUC and cost on those
    alone.
    """
    modes = []
    for both in pairs.values():
        direct, reasoned = zip(*both, strict=True)
        modes += [worth_of(direct), worth_of(reasoned)]
    return modes


def difference(pairs: Sequence[Pair]) -> ModeDifference:
    """A reviewer's AUC with reasons less its AUC without, on the same rationales.

    The interval is from pairs drawn again together; where every resample gives the same, it is that
    of as many questions as there are rationales of the rarer grade. None when only right or only
    wrong rationales were scored.
    """
    reviewer = pairs[0][0].reviewer
    right: list[Pair] = []
    wrong: list[Pair] = []
    for pair in pairs:
        same_grade = right if pair[0].right else wrong
        same_grade.append(pair)
    if not right or not wrong:
        return ModeDifference(reviewer=reviewer, difference=None, interval=None)
    direct = Levels(_scores(right, 0), _scores(wrong, 0))
    reasoned = Levels(_scores(right, 1), _scores(wrong, 1))

    def change(right_indices: Drawn = EVERY, wrong_indices: Drawn = EVERY) -> float:
        after = reasoned.area(right_indices, wrong_indices)
        return after - direct.area(right_indices, wrong_indices)

    interval = None
    fewer = min(len(right), len(wrong))
    if fewer > 1:
        # indices are drawn, not scores: so the two scores of a pair stay together
        low, high = bootstrap_two((len(right), len(wrong)), change)
        if low == high:
            low, high = mean_interval([change()] * fewer)
        interval = (low, high)
    return ModeDifference(reviewer=reviewer, difference=change(), interval=interval)


def _scores(pairs: Iterable[Pair], mode: int) -> list[float]:
    """What the rationales of pairs got in one of the two modes."""
    scores = []
    for pair in pairs:
        score = pair[mode].score
        assert score is not None, "a pair was scored in both modes"
        scores.append(score)
    return scores


# -- the reviewers together -----------------------------------------------------------------------


def agreement(reviews: Iterable[ReviewInContext]) -> list[Agreement]:
    """Each two reviewers of one mode: how often both were for or both against an explanation.

    Of the explanations that both scored; reviewers without a common one are left out.
    """
    votes: dict[tuple[str, str, int], dict[str, bool]] = {}  # seat -> explanation -> for or against
    for review in reviews:
        if review.score is not None:
            seat = (review.mode, review.reviewer, review.seat)
            votes.setdefault(seat, {})[review.explanation] = review.score > MIDDLE
    agreements = []
    for first, second in combinations(sorted(votes), 2):
        if first[0] != second[0]:
            continue
        common = votes[first].keys() & votes[second].keys()
        if not common:
            continue
        agreed = sum(votes[first][each] == votes[second][each] for each in common)
        agreements.append(
            Agreement(
                mode=first[0],
                one=f"{first[1]}#{first[2]}",
                other=f"{second[1]}#{second[2]}",
                common=len(common),
                agree=agreed / len(common),
            )
        )
    return agreements


def committee_auc(rationales: Iterable[ReviewInContext]) -> list[CommitteeArea]:
    """The AUC of what the gate looks at, the mean over an explanation's reviewers, by mode.

    It can lie below every reviewer's own, and below one half: nobody reviews what they wrote, so
    where one reviewer is stricter than another, the mean tells who the author was.
    """
    areas = []
    for mode, means in means_of(rationales).items():
        right = [mean.score for mean in means if mean.right]
        wrong = [mean.score for mean in means if not mean.right]
        areas.append(CommitteeArea(mode=mode, area=auc(right, wrong)))
    return areas
