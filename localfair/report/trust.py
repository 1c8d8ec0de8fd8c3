"""What reviewers' votes are worth: a ridge logit fitted on labelled explanations, and its gate.

Pure: judgements in, a fit out, and a probability for each explanation. Reads no record and asks
nobody. Numbers and sources: a reviewer's vote is its score less its own mean, since the plain mean
of reviewers of unequal strictness tells who the author was (nobody reviews his own); the logit on
[author, votes] is fitted out of fold by question, since explanations of one question share its
difficulty. Ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import bool_, float64
    from numpy.typing import NDArray

    Vector = NDArray[float64]
    Labels = NDArray[bool_]

FEWEST_LABELS = 30  # below, centred votes are as good as a fit of them
FOLDS = 5
RIDGE = 1.0  # a standard normal prior on each weight
CERTAIN = 2.24  # standard errors (97.5 %): a weight nearer to 0 than that is no vote
NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An explanation as its reviewers scored it.

    `author` and the keys of `scores` are seats' ids; a score is 1 to 5. `right` is the label: what
    a check says of the explanation, None where none looked.
    """

    explanation: str
    question: str
    author: str
    scores: Mapping[str, float]
    right: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What a reviewer's vote is worth: the weight of one standard deviation of its scores, in
    log-odds, with its 95 % interval.

    `mean` and `spread` are the reviewer's own over everything that it scored. `counts` is false for
    a weight whose interval holds 0.
    """

    mean: float
    spread: float
    weight: float
    low: float
    high: float

    @property
    def counts(self) -> bool:
        return self.low > 0 or self.high < 0

    @property
    def certainty(self) -> float:
        """How far the weight is from 0, in halves of its interval."""
        return 2 * abs(self.weight) / (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A fit: everything that a verdict follows from.

    `authors` holds log-odds beside `intercept`; one who is not in it counts as 0. `votes` holds
    every reviewer, those without a vote too. `threshold` is the probability from which the gate
    accepts, None where no threshold reaches the precision that was asked for. `calibrated` is false
    where there were too few labels: then the mean of the centred votes decides.
    """

    calibrated: bool
    labels: int
    precision: float
    intercept: float = 0.0
    authors: Mapping[str, float] = field(default_factory=dict)
    votes: Mapping[str, Vote] = field(default_factory=dict)
    threshold: float | None = None

    @property
    def voters(self) -> list[str]:
        """The reviewers whose votes count, by id."""
        if not self.calibrated:
            return sorted(self.votes)
        return sorted(seat for seat, vote in self.votes.items() if vote.counts)

    def probability(self, judgement: Judgement) -> float:
        """How likely the explanation is right. Raises ValueError for a fit of too few labels."""
        if not self.calibrated:
            raise ValueError("too few labels for a probability")
        from scipy.special import expit

        log_odds = self.intercept + self.authors.get(judgement.author, 0.0)
        for seat in self.voters:
            score = judgement.scores.get(seat)
            if score is not None:
                vote = self.votes[seat]
                log_odds += vote.weight * (score - vote.mean) / vote.spread
        return float(expit(log_odds))

    def accepts(self, judgement: Judgement) -> bool:
        """The gate: likely enough to be right or, with too few labels, voted above the average."""
        if self.calibrated:
            return self.threshold is not None and self.probability(judgement) >= self.threshold
        votes = [
            (score - self.votes[seat].mean) / self.votes[seat].spread
            for seat, score in sorted(judgement.scores.items())
            if seat in self.votes
        ]
        return bool(votes) and fmean(votes) > 0


def fit(judgements: Iterable[Judgement], precision: float) -> Trust:
    """What votes are worth, and the threshold that accepts most at `precision`.

    Labelled judgements decide the weights; all of them decide each reviewer's mean. The order of
    the judgements changes nothing. Fewer than 30 labels, or labels of one sort only, are not
    calibrated.
    """
    ordered = sorted(judgements, key=lambda judgement: judgement.explanation)
    votes = _centres(ordered)
    labelled = [judgement for judgement in ordered if judgement.right is not None]
    rights = sum(bool(judgement.right) for judgement in labelled)
    is_fitted = len(labelled) >= FEWEST_LABELS and 0 < rights < len(labelled)
    if not is_fitted:
        return Trust(calibrated=False, labels=len(labelled), precision=precision, votes=votes)
    final, weighed = _voters(labelled, votes)
    intercept, authors = final.intercept_and_authors()
    return Trust(
        calibrated=True,
        labels=len(labelled),
        precision=precision,
        intercept=intercept,
        authors=authors,
        votes=weighed,
        threshold=_threshold(final.out_of_fold(), final.right, precision),
    )


def out_of_fold(judgements: Iterable[Judgement], trust: Trust) -> dict[str, float]:
    """By explanation, the probability of each labelled judgement under a fit of the same voters
    that did not see its question: the threshold was chosen from these.
    """
    ordered = sorted(judgements, key=lambda judgement: judgement.explanation)
    labelled = [judgement for judgement in ordered if judgement.right is not None]
    likely = _Design(labelled, trust.votes, trust.voters).out_of_fold()
    explanations = [judgement.explanation for judgement in labelled]
    return dict(zip(explanations, map(float, likely), strict=True))


def _voters(
    labelled: Sequence[Judgement], votes: Mapping[str, Vote]
) -> tuple[_Design, dict[str, Vote]]:
    """The fit of those whose weights are certain, and every reviewer's weight.

    The least certain goes first, and the others are weighed again: of two that say the same, one
    keeps what both saw. A weight of one that went is that of the fit that it went from.
    """
    seats = sorted(votes)
    weighed = dict(votes)
    while True:
        design = _Design(labelled, votes, seats)
        weighed |= design.weighed(votes)
        uncertain = [seat for seat in seats if not weighed[seat].counts]
        if not uncertain:
            return design, weighed
        seats.remove(min(uncertain, key=lambda seat: (weighed[seat].certainty, seat)))


def _centres(judgements: Sequence[Judgement]) -> dict[str, Vote]:
    """Each reviewer's own mean and spread; nothing is known of its weight yet."""
    scores: dict[str, list[float]] = {}
    for judgement in judgements:
        for seat, score in judgement.scores.items():
            scores.setdefault(seat, []).append(score)
    votes = {}
    for seat in sorted(scores):
        mean = fmean(scores[seat])
        variance = fmean((score - mean) ** 2 for score in scores[seat])
        # whoever gives everybody the same score says nothing, whatever it is divided by
        spread = variance**0.5 or 1.0
        votes[seat] = Vote(mean=mean, spread=spread, weight=0.0, low=0.0, high=0.0)
    return votes


class _Design:
    """Labelled judgements as a design matrix: a one, a column an author, a column a reviewer."""

    def __init__(
        self, labelled: Sequence[Judgement], votes: Mapping[str, Vote], seats: Sequence[str]
    ) -> None:
        import numpy as np

        self.seats = list(seats)
        self._authors = sorted({judgement.author for judgement in labelled})
        columns = {author: 1 + n for n, author in enumerate(self._authors)}
        first_vote = 1 + len(self._authors)
        self._vote_columns = {seat: first_vote + n for n, seat in enumerate(self.seats)}
        matrix = np.zeros((len(labelled), first_vote + len(self.seats)))
        matrix[:, 0] = 1.0
        for row, judgement in enumerate(labelled):
            matrix[row, columns[judgement.author]] = 1.0
            for seat, column in self._vote_columns.items():
                if seat in judgement.scores:
                    vote = votes[seat]
                    matrix[row, column] = (judgement.scores[seat] - vote.mean) / vote.spread
        self._matrix = matrix
        self.right: Labels = np.array([bool(judgement.right) for judgement in labelled])
        self._questions = [judgement.question for judgement in labelled]
        self._weights = ridge_logit(matrix, self.right)

    def intercept_and_authors(self) -> tuple[float, dict[str, float]]:
        """The log-odds of the average author, and each author's beside them."""
        authors = {}
        for n, author in enumerate(self._authors, 1):
            authors[author] = float(self._weights[n])
        return float(self._weights[0]), authors

    def weighed(self, votes: Mapping[str, Vote]) -> dict[str, Vote]:
        """The votes of this design with their weights and intervals."""
        errors = self._standard_errors()
        weighed = {}
        for seat, column in self._vote_columns.items():
            weight = float(self._weights[column])
            margin = CERTAIN * float(errors[column])
            vote = votes[seat]
            weighed[seat] = Vote(
                mean=vote.mean,
                spread=vote.spread,
                weight=weight,
                low=weight - margin,
                high=weight + margin,
            )
        return weighed

    def _standard_errors(self) -> Vector:
        """Of every weight: the larger one of the model's own and of that clustered by question."""
        import numpy as np
        from scipy.special import expit

        likely = expit(self._matrix @ self._weights)
        bread = np.linalg.inv(_information(self._matrix, likely))
        residuals = self.right - likely
        by_question: dict[str, Vector] = {}
        for row, question in enumerate(self._questions):
            score = self._matrix[row] * residuals[row]
            by_question[question] = by_question.get(question, np.zeros(len(score))) + score
        clusters = np.array(list(by_question.values()))
        count = len(clusters)
        correction = count / max(1, count - 1)
        sandwich = bread @ (clusters.T @ clusters) @ bread * correction
        larger: Vector = np.sqrt(np.maximum(np.diag(bread), np.diag(sandwich)))
        return larger

    def out_of_fold(self) -> Vector:
        """The probability of each judgement under a fit that did not see its question."""
        import numpy as np
        from scipy.special import expit

        folds = np.array([fold_of(question) for question in self._questions])
        likely = np.full(len(folds), self.right.mean())
        for fold in range(FOLDS):
            inside = folds == fold
            seen = self.right[~inside]
            if inside.any() and 0 < seen.sum() < len(seen):
                weights = ridge_logit(self._matrix[~inside], seen)
                likely[inside] = expit(self._matrix[inside] @ weights)
        return likely


def fold_of(question: str) -> int:
    """The fold that a question is left out of: it depends on its id alone."""
    digest = hashlib.blake2b(question.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % FOLDS


def ridge_logit(matrix: Vector, right: Labels) -> Vector:
    """Weights of a logistic regression, the first column's (the intercept) not shrunk.

    matrix: (judgements, columns). right: (judgements,). Newton's method; the problem is convex, and
    the intercept has a very weak prior of its own, so that it ends for labels of one sort as well.
    """
    import numpy as np
    from scipy.special import expit

    weights = np.zeros(matrix.shape[1])
    penalty = _penalty(len(weights))
    for _ in range(NEWTON_STEPS):
        likely = expit(matrix @ weights)
        gradient = matrix.T @ (right - likely) - penalty * weights
        step = np.linalg.solve(_information(matrix, likely), gradient)
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            break
    return weights


def _penalty(columns: int) -> Vector:
    import numpy as np

    penalty = np.full(columns, RIDGE)
    penalty[0] = 1e-6
    return penalty


def _information(matrix: Vector, likely: Vector) -> Vector:
    """The curvature of the penalised log-likelihood. (columns, columns)"""
    import numpy as np

    curvature = likely * (1 - likely)
    information: Vector = (matrix.T * curvature) @ matrix + np.diag(_penalty(matrix.shape[1]))
    return information


def _threshold(likely: Vector, right: Labels, precision: float) -> float | None:
    """The lowest probability from which so large a share is right; None when there is none.

    The share of an accepted set is reckoned from the probabilities and from the labels, each for
    half: labels alone choose the luckiest threshold, probabilities alone believe the fit.
    """
    import numpy as np

    order = np.argsort(-likely, kind="stable")
    counts = np.arange(1, len(order) + 1)
    expected = np.cumsum(likely[order]) / counts
    observed = np.cumsum(right[order]) / counts
    share = (expected + observed) / 2
    # a threshold accepts all judgements of one probability or none
    is_last = np.append(likely[order][1:] != likely[order][:-1], True)
    precise = np.flatnonzero(is_last & (share >= precision))
    if len(precise) == 0:
        return None
    return float(likely[order][precise[-1]])
