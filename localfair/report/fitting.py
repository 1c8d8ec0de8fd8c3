"""From label reviews to the row that verdicts follow from, and from that row to a verdict.

Pure: judgements and plants in, a `Fit` out; `report/trust` does the arithmetic. What is no ground
for a fit (labels of one sort, fewer labels than seats, nobody who reviews) is said in its reason,
and then the checks decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal

from localfair.record.fits import Fit, PlantReview, Worth
from localfair.report.discrimination import Discrimination, within_authors
from localfair.report.plants import falls
from localfair.report.trust import FEWEST_LABELS, Judgement, Trust, Vote, fit

DIGITS = 9  # of a coefficient: the last bits differ between processors
WHAT = {"answer": "right answers", "sound": "sound ones"}


def fitted(
    judgements: Sequence[Judgement],
    fitted_on: Literal["answer", "sound"],
    precision: float,
    reviews: Iterable[str] = (),
    plants: Iterable[PlantReview] = (),
    fallen: Mapping[str, str] | None = None,
) -> Fit:
    """The fit of labelled judgements; their order changes nothing.

    A seat whose weight's interval holds 0 has no vote, and neither has one of `fallen`: why, by
    seat (see `fallen_for`). `reviews` are the ids of those that the scores are from, `plants` what
    is kept with the fit.
    """
    ordered = sorted(judgements, key=lambda judgement: judgement.explanation)
    labels = {each.explanation: bool(each.right) for each in ordered}
    given = sorted(plants, key=lambda plant: (plant.explanation, plant.seat, plant.plant))
    dropped = dict(fallen or {})
    ground = Fit(
        fitted_on=fitted_on,
        decides="checks",
        reason=_no_ground(ordered, dropped, fitted_on) or _met(ordered, fitted_on, precision),
        precision=precision,
        dropped=dropped,
        labels=tuple(labels.items()),
        reviews=tuple(sorted(reviews)),
        plants=tuple(given),
    )
    if ground.reason:
        return ground
    steadfast = [_without(judgement, dropped) for judgement in ordered]
    return _with_trust(ground, steadfast, fit(steadfast, precision))


def fallen_for(plants: Iterable[PlantReview], judgements: Sequence[Judgement]) -> dict[str, str]:
    """By seat, that it fell for plants and for how many; those that did not are left out."""
    labels = {each.explanation: bool(each.right) for each in judgements}
    scores = {each.explanation: each.scores for each in judgements}
    fallen = {}
    for seat, fall in falls(plants, scores, labels).items():
        if fall.falls:
            fallen[seat] = f"fell for {fall.fallen} of {fall.plants} plants"
    return fallen


def _without(judgement: Judgement, dropped: Mapping[str, str]) -> Judgement:
    """A judgement without the scores of those that were dropped."""
    kept = {seat: score for seat, score in judgement.scores.items() if seat not in dropped}
    return replace(judgement, scores=kept)


def _no_ground(labelled: Sequence[Judgement], dropped: Mapping[str, str], fitted_on: str) -> str:
    """Why nothing can be fitted, or ""."""
    seats = {seat for judgement in labelled for seat in judgement.scores}
    rights = sum(bool(judgement.right) for judgement in labelled)
    if not labelled:
        return "no rationale to take labels from"
    if not seats:
        return "no reviewer gave a score that can be read"
    if rights in (0, len(labelled)):
        share = "all" if rights else "none"
        return f"{share} of {len(labelled)} labels are {WHAT[fitted_on]}: nothing to fit on"
    if len(labelled) < len(seats):
        return f"{len(labelled)} labels are fewer than the {len(seats)} seats that review"
    if not seats - dropped.keys():
        return "every reviewer fell for plants"
    return ""


def _met(labelled: Sequence[Judgement], fitted_on: str, precision: float) -> str:
    """That right answers are sound often enough, whoever is asked; else "".

    Labels of answers say it of rationales alone: feedback is asked about all the same.
    """
    rights = sum(bool(judgement.right) for judgement in labelled)
    if fitted_on == "answer" or rights < precision * len(labelled):
        return ""
    share = f"{rights} of {len(labelled)} labels are {WHAT[fitted_on]}"
    return f"{share}: a precision of {precision:g} needs no review"


def _with_trust(ground: Fit, labelled: Sequence[Judgement], trust: Trust) -> Fit:
    """The fit with what was found: weights, and who has no vote."""
    votes = {seat: _worth(vote) for seat, vote in trust.votes.items()}
    seats = len(votes) + len(ground.dropped)
    if not trust.calibrated:
        reason = (
            f"{trust.labels} labels are fewer than {FEWEST_LABELS}: "
            f"the mean of the centred votes of {len(votes)} of {seats} reviewers decides"
        )
        return replace(ground, decides="votes", reason=reason, votes=votes)
    dropped = dict(ground.dropped)
    for seat, vote in votes.items():
        if not vote["low"] > 0 and not vote["high"] < 0:
            interval = f"[{vote['low']:+.2f}, {vote['high']:+.2f}]"
            dropped[seat] = f"weight {vote['weight']:+.2f} {interval} holds 0"
    weighed = replace(
        ground,
        intercept=_rounded(trust.intercept),
        threshold=None if trust.threshold is None else _rounded(trust.threshold),
        authors={seat: _rounded(weight) for seat, weight in trust.authors.items()},
        votes=votes,
        dropped=dropped,
    )
    voters = len(votes.keys() - dropped.keys())
    if not voters:
        return replace(weighed, reason=told_nothing(discrimination(labelled)))
    reason = f"{voters} of {seats} reviewers have a vote"
    if trust.threshold is None:
        reason += f", and no probability reaches a precision of {ground.precision:g}"
    return replace(weighed, decides="probability", reason=reason)


def _worth(vote: Vote) -> Worth:
    return {
        "mean": _rounded(vote.mean),
        "spread": _rounded(vote.spread),
        "weight": _rounded(vote.weight),
        "low": _rounded(vote.low),
        "high": _rounded(vote.high),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def trust_of(fit: Fit) -> Trust:
    """The arithmetic of a fit: the seats with a vote alone."""
    votes = {}
    for seat in fit.voters:
        votes[seat] = Vote(**fit.votes[seat])
    return Trust(
        calibrated=fit.decides == "probability",
        labels=len(fit.labels),
        precision=fit.precision,
        intercept=fit.intercept or 0.0,
        authors=fit.authors,
        votes=votes,
        threshold=fit.threshold,
    )


def judged(fit: Fit, judgement: Judgement) -> tuple[bool, str]:
    """Accepted or rejected by a fit, and why."""
    trust = trust_of(fit)
    if fit.decides == "checks":
        return True, "checks passed; no review has a vote"
    if fit.decides == "votes":
        given = centred(fit, judgement)
        if given is None:
            return False, "no readable review of a seat with a vote"
        sign = "above" if given > 0 else "not above"
        return trust.accepts(judgement), f"centred votes {given:+.2f} are {sign} 0"
    likely = trust.probability(judgement)
    if fit.threshold is None:
        return False, f"no probability reaches a precision of {fit.precision:g} (its {likely:.2f})"
    if trust.accepts(judgement):
        return True, f"probability {likely:.2f}, at least {fit.threshold:.2f}"
    return False, f"probability {likely:.2f} is below {fit.threshold:.2f}"


def centred(fit: Fit, judgement: Judgement) -> float | None:
    """The mean of the votes of an explanation, in standard deviations; None for none."""
    votes = []
    for seat in fit.voters:
        if seat in judgement.scores:
            vote = fit.votes[seat]
            votes.append((judgement.scores[seat] - vote["mean"]) / vote["spread"])
    return fmean(votes) if votes else None


def centred_means(judgements: Iterable[Judgement]) -> dict[str, float]:
    """By explanation, the mean of its scores, each less its reviewer's own mean."""
    given = list(judgements)
    scores: dict[str, list[float]] = {}
    for judgement in given:
        for seat, score in judgement.scores.items():
            scores.setdefault(seat, []).append(score)
    means = {seat: fmean(values) for seat, values in scores.items()}
    centres = {}
    for judgement in given:
        votes = [judgement.scores[seat] - means[seat] for seat in sorted(judgement.scores)]
        if votes:
            centres[judgement.explanation] = fmean(votes)
    return centres


def discrimination(judgements: Sequence[Judgement]) -> Discrimination:
    """How well all reviewers together tell right from wrong, within authors."""
    return within_authors(centred_means(judgements), judgements)


def told_nothing(result: Discrimination) -> str:
    """That reviews told nothing apart, with what they could have shown."""
    if result.auc is None or result.interval is None:
        return "reviews told nothing apart: no author wrote both right and wrong ones"
    low, high = result.interval
    words = (
        f"reviews told nothing apart: within-author AUC {result.auc:.2f} [{low:.2f}, {high:.2f}]"
    )
    if result.smallest is None:
        return f"{words}, and so few labels could have shown nothing"
    return f"{words}, the smallest they could have shown is {result.smallest:.2f}"
