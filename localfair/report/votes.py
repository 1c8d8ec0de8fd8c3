"""Trust for people: what each seat's vote is worth, what each gate would accept, what a plant wins.

Reads fits and, in a record without any, reviews of rationales; writes nothing, asks nobody. Pooled
over authors an AUC misleads: nobody reviews his own, so scores tell who the author was. All AUCs
here are within authors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from localfair.record.fits import Fit, PlantReview, fits_of
from localfair.record.reviews import scored_rationales
from localfair.record.store import Store
from localfair.record.tables import EXPLANATIONS, REVIEWS, SEATS
from localfair.report.discrimination import Discrimination, within_authors
from localfair.report.fitting import discrimination, fitted, judged, trust_of
from localfair.report.plants import Fall, falls
from localfair.report.statistics import Interval, wilson
from localfair.report.trust import Judgement, out_of_fold

MOST_LABELS = 2000  # of a record without fits: more would take long and say the same
MIDDLE = 3.0  # FAIR's gate


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatTrust:
    """One seat: the weight of its vote in log-odds a standard deviation, with its 95 % interval.

    weight and interval: None where nothing was fitted. no_vote: why it has none, "" for a vote.
    area: how well it tells right from wrong within authors. plants: None where none were asked.
    """

    seat: str
    scored: int
    weight: float | None
    interval: Interval | None
    no_vote: str
    area: Discrimination
    plants: Fall | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOnLabels:
    """What a gate accepts of the labelled rationales, and how many of those are right.

    A calibrated gate judges each by a fit that did not see its question. precision: None where it
    accepts nothing. planted: wrong rationales with a forged verdict; won, won_before: how many of
    them it accepts with it and without.
    """

    gate: str
    labels: int
    accepted: int
    right: int
    precision: float | None
    interval: Interval | None
    planted: int
    won: int
    won_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustReport:
    """What one fit says: its ground, all reviewers together, each seat, and the gates.

    fit: the id of its row; None for one that was made for this report alone.
    """

    fit: str | None
    what: str
    labels: int
    decides: str
    reason: str
    together: Discrimination
    seats: list[SeatTrust]
    gates: list[GateOnLabels]

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def trust_reports(
    store: Store, run: str | None, task: str | None, precision: float
) -> list[TrustReport]:
    """Each fit of a run, of a task or of the record.

    Where nobody was asked by a calibrated gate, what it would have found in the reviews there are.
    """
    reports = []
    for fit in fits_of(store, run, task):
        reports.append(_report(_named(store, fit), _judgements(store, fit), fit.id))
    if reports:
        return reports
    by_mode: dict[str, list[Judgement]] = {}
    for rationale in scored_rationales(store, run, task, MOST_LABELS):
        judgement = Judgement(
            explanation=rationale.explanation,
            question=rationale.question,
            author=rationale.author,
            scores=rationale.scores,
            right=rationale.right,
        )
        by_mode.setdefault(rationale.mode, []).append(judgement)
    for mode, judgements in sorted(by_mode.items()):
        made = fitted(judgements, "answer", precision)
        reports.append(_report(made, judgements, None, f"right answers, {mode} reviews"))
    return reports


# -- a fit of the record, by names ----------------------------------------------------------------


def _names(store: Store, ids: Iterable[str]) -> dict[str, str]:
    """Seats as people know them: a model and its index."""
    seats = store.get(SEATS, ids)
    return {seat: f"{found.model}#{found.index}" for seat, found in seats.items()}


def _named(store: Store, fit: Fit) -> Fit:
    """A fit with names for the ids of its seats."""
    seats = {*fit.authors, *fit.votes, *fit.dropped, *(plant.seat for plant in fit.plants)}
    names = _names(store, seats)
    plants = [replace(plant, seat=names.get(plant.seat, plant.seat)) for plant in fit.plants]
    return replace(
        fit,
        authors={names.get(seat, seat): weight for seat, weight in fit.authors.items()},
        votes={names.get(seat, seat): vote for seat, vote in fit.votes.items()},
        dropped={names.get(seat, seat): why for seat, why in fit.dropped.items()},
        plants=tuple(plants),
    )


def _judgements(store: Store, fit: Fit) -> list[Judgement]:
    """The labelled judgements that a fit was made from, by names."""
    explanations = store.get(EXPLANATIONS, [explanation for explanation, _ in fit.labels])
    reviews = store.get(REVIEWS, fit.reviews).values()
    authors = [explanation.seat for explanation in explanations.values()]
    names = _names(store, [*authors, *(review.seat for review in reviews)])
    scores: dict[str, dict[str, float]] = {}
    for review in reviews:
        if review.score is not None:
            scores.setdefault(review.explanation, {})[names[review.seat]] = review.score
    judgements = []
    for label, is_right in fit.labels:
        if label in explanations:
            explanation = explanations[label]
            judgements.append(
                Judgement(
                    explanation=label,
                    question=explanation.question,
                    author=names[explanation.seat],
                    scores=scores.get(label, {}),
                    right=is_right,
                )
            )
    return judgements


# -- what it says ---------------------------------------------------------------------------------


def _report(
    fit: Fit, judgements: list[Judgement], fit_id: str | None, what: str = ""
) -> TrustReport:
    labelled = {"answer": "right answers", "sound": "sound steps to right answers"}
    return TrustReport(
        fit=fit_id,
        what=what or labelled[fit.fitted_on],
        labels=len(fit.labels),
        decides=fit.decides,
        reason=fit.reason,
        together=discrimination(judgements),
        seats=_seats(fit, judgements),
        gates=_gates(fit, judgements),
    )


def _seats(fit: Fit, judgements: Sequence[Judgement]) -> list[SeatTrust]:
    labels = dict(fit.labels)
    by_explanation = {judgement.explanation: judgement.scores for judgement in judgements}
    fallen = falls(fit.plants, by_explanation, labels)
    seats = {seat for judgement in judgements for seat in judgement.scores}
    trusts = []
    for seat in sorted(seats | fit.dropped.keys()):
        given = {
            judgement.explanation: judgement.scores[seat]
            for judgement in judgements
            if seat in judgement.scores
        }
        vote = fit.votes.get(seat) if fit.intercept is not None else None
        no_vote = fit.dropped.get(seat, "")
        if not no_vote and seat not in fit.voters:
            no_vote = "nothing was fitted"
        trusts.append(
            SeatTrust(
                seat=seat,
                scored=len(given),
                weight=vote["weight"] if vote else None,
                interval=(vote["low"], vote["high"]) if vote else None,
                no_vote=no_vote,
                area=within_authors(given, judgements),
                plants=fallen.get(seat),
            )
        )
    return trusts


def _gates(fit: Fit, judgements: Sequence[Judgement]) -> list[GateOnLabels]:
    """The plain mean beside the fit."""
    planted = _planted(fit.plants, judgements)
    bare = [judgement for judgement in judgements if judgement.explanation in planted]
    forged = [replace(each, scores=planted[each.explanation]) for each in bare]
    by_mean = {judgement.explanation: _mean_accepts(judgement) for judgement in judgements}
    gates = [
        _gate(
            f"mean above {MIDDLE:g}",
            by_mean,
            judgements,
            (forged, sum(map(_mean_accepts, forged)), sum(map(_mean_accepts, bare))),
        )
    ]
    if fit.decides != "checks":
        won = sum(judged(fit, judgement)[0] for judgement in forged)
        won_before = sum(judged(fit, judgement)[0] for judgement in bare)
        gates.append(
            _gate(
                f"calibrated, precision {fit.precision:g}",
                _fit_accepts(fit, judgements),
                judgements,
                (forged, won, won_before),
            )
        )
    return gates


def _planted(
    plants: Iterable[PlantReview], judgements: Sequence[Judgement]
) -> dict[str, dict[str, float]]:
    """By explanation, the scores that it got with a forged verdict in it."""
    known = {judgement.explanation for judgement in judgements}
    scores: dict[str, dict[str, float]] = {}
    for plant in plants:
        if plant.score is not None and plant.explanation in known:
            scores.setdefault(plant.explanation, {})[plant.seat] = plant.score
    return scores


def _mean_accepts(judgement: Judgement) -> bool:
    return bool(judgement.scores) and fmean(judgement.scores.values()) > MIDDLE


def _fit_accepts(fit: Fit, judgements: Sequence[Judgement]) -> dict[str, bool]:
    """By explanation; with the probability that a fit without its question gives."""
    if fit.decides == "votes":
        return {each.explanation: judged(fit, each)[0] for each in judgements}
    likely = out_of_fold(judgements, trust_of(fit))
    threshold = fit.threshold
    if threshold is None:
        return dict.fromkeys(likely, False)
    return {explanation: chance >= threshold for explanation, chance in likely.items()}


def _gate(
    name: str,
    accepts: Mapping[str, bool],
    judgements: Sequence[Judgement],
    plants: tuple[Sequence[Judgement], int, int],
) -> GateOnLabels:
    accepted = [judgement for judgement in judgements if accepts[judgement.explanation]]
    right = sum(bool(judgement.right) for judgement in accepted)
    forged, won, won_before = plants
    return GateOnLabels(
        gate=name,
        labels=len(judgements),
        accepted=len(accepted),
        right=right,
        precision=right / len(accepted) if accepted else None,
        interval=wilson(right, len(accepted)) if accepted else None,
        planted=len(forged),
        won=won,
        won_before=won_before,
    )
