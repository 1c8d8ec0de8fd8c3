"""What reviewers are worth, from the record alone.

Reads reviews, their explanations and the generations they rest on; writes nothing, asks nobody. The mechanical
answer check of a rationale is the yardstick: a reviewer that knows a right rationale from a wrong one scores it
higher. Statistics are scipy's, loaded when a report is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from statistics import fmean
from typing import Any

from localfair.errors import UsageError
from localfair.record.nouns import Grade
from localfair.record.store import Row, Store
from localfair.report.statistics import wilson

RESAMPLES = 2999
THRESHOLDS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5)
MIDDLE = 3.0  # FAIR's gate: above it is for, at or below it is against
MODES = ("direct", "reasoned")

Pair = tuple[Row, Row]  # one reviewer's direct and its reasoned review of one rationale

REVIEWS = """
SELECT r.explanation, r.score, r.same_weights, e.kind, e.grade, q.task, s.model AS reviewer, s."index" AS seat,
       g.action, g.prompt_tokens, g.completion_tokens
FROM reviews r JOIN explanations e ON e.id = r.explanation JOIN questions q ON q.id = e.question
JOIN seats s ON s.id = r.seat JOIN generations g ON g.id = r.generation
"""


def reviewers(
    store: Store, run: str | None = None, task: str | None = None, precision: float = 0.95
) -> dict[str, Any]:
    """Reviewers, their agreement, and the gate at each threshold; of one run, one task, or the whole record.

    `precision` is the share of right answers among accepted rationales that the suggested gate aims at.
    Raises UsageError when there is no review to look at.
    """
    reviews = _reviews(store, run, task)
    if not reviews:
        raise UsageError(
            f"{store.path} holds no review to look at", "see `localfair review --help`"
        )
    rationales = [review for review in reviews if review["kind"] == "rationale"]
    pairs = _in_both_modes(rationales)
    gate = gate_table(rationales)
    return {
        "reviews": len(reviews),
        "reviewers": _reviewers(reviews),
        "modes": _modes(pairs),
        "differences": [{"reviewer": name, **difference(pairs[name])} for name in pairs],
        "committee": committee_auc(rationales),
        "agreement": agreement(reviews),
        "gate": gate,
        "suggestion": suggest(gate, precision),
    }


def _reviews(store: Store, run: str | None, task: str | None) -> list[Row]:
    """Reviews with what they reviewed and cost, `mode` and `right` added."""
    conditions = ["1 = 1"]
    values = []
    if run is not None:
        conditions.append(
            """r.id IN (SELECT "row" FROM run_rows WHERE run = ? AND noun = 'review')"""
        )
        values.append(run)
    if task is not None:
        conditions.append("q.task = ?")
        values.append(task)
    where = " AND ".join(conditions)
    reviews = store.rows(f"{REVIEWS} WHERE {where} ORDER BY r.id", *values)
    for review in reviews:
        review["mode"] = "direct" if review["action"] == "score" else "reasoned"
        review["right"] = review["grade"] == Grade.RIGHT
    return reviews


# -- one reviewer ---------------------------------------------------------------------------------


def _reviewers(reviews: Iterable[Row]) -> list[Row]:
    """A row for each reviewer in each mode, by name."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for review in reviews:
        groups.setdefault((review["reviewer"], review["mode"]), []).append(review)
    return [reviewer_row(name, mode, groups[name, mode]) for name, mode in sorted(groups)]


def reviewer_row(name: str, mode: str, reviews: list[Row]) -> Row:
    """A reviewer's leniency, how well its scores tell right rationales from wrong, and what a review costs.

    `mean` and `for` are None when no score could be read.
    """
    valid = _valid(reviews)
    rationales = [review for review in valid if review["kind"] == "rationale"]
    scores = [review["score"] for review in valid]
    written = [_written_tokens(review) for review in reviews]
    return {
        "reviewer": name,
        "mode": mode,
        "reviews": len(reviews),
        "unreadable": len(reviews) - len(valid),
        "mean": fmean(scores) if scores else None,
        "for": _share_for(scores) if scores else None,
        **auc(rationales),
        "prompt_tokens": fmean(review["prompt_tokens"] for review in reviews),
        "written_tokens": fmean(written),
    }


def _valid(reviews: Iterable[Row]) -> list[Row]:
    """The reviews whose score could be read."""
    return [review for review in reviews if review["score"] is not None]


def _share_for(scores: list[float]) -> float:
    return sum(score > MIDDLE for score in scores) / len(scores)


def _written_tokens(review: Row) -> int:
    """A direct review writes nothing: its score is read from log-probabilities."""
    tokens: int = review["completion_tokens"]
    return tokens if review["action"] == "generate" else 0


def auc(reviews: list[Row]) -> dict[str, Any]:
    """P(a right rationale scores above a wrong one), ties counted half, with a bootstrap 95 % interval.

    The Mann-Whitney U over the number of pairs (scipy.stats.mannwhitneyu). None when all are right or all are wrong.
    """
    right = [review["score"] for review in reviews if review["right"]]
    wrong = [review["score"] for review in reviews if not review["right"]]
    area = None
    interval = None
    if right and wrong:
        area = _area(right, wrong)
        interval = _interval((right, wrong), _area)
    return {"right": len(right), "wrong": len(wrong), "auc": area, "auc_interval": interval}


def _area(right: Any, wrong: Any) -> float:
    from scipy.stats import mannwhitneyu

    u = float(mannwhitneyu(right, wrong, method="asymptotic").statistic)
    return u / (len(right) * len(wrong))


def _interval(
    samples: tuple[list[Any], list[Any]], statistic: Callable[[Any, Any], float]
) -> list[float] | None:
    """The bootstrap 95 % interval of a statistic of right and wrong rationales; None when either has fewer than two."""
    if min(map(len, samples)) < 2:
        return None
    from scipy.stats import bootstrap

    spread = bootstrap(
        samples, statistic, n_resamples=RESAMPLES, method="percentile", vectorized=False, rng=0
    )
    interval = spread.confidence_interval
    return [float(interval.low), float(interval.high)]


# -- direct beside reasoned -----------------------------------------------------------------------


def _in_both_modes(rationales: Iterable[Row]) -> dict[str, list[Pair]]:
    """By reviewer, the rationales that it scored both ways: the direct and the reasoned review of each."""
    scored: dict[str, dict[str, dict[str, Row]]] = {}  # reviewer -> explanation -> mode -> review
    for review in _valid(rationales):
        of_reviewer = scored.setdefault(review["reviewer"], {})
        of_reviewer.setdefault(review["explanation"], {})[review["mode"]] = review
    pairs: dict[str, list[Pair]] = {}
    for name, by_explanation in sorted(scored.items()):
        for _, by_mode in sorted(by_explanation.items()):
            if len(by_mode) == len(MODES):
                pairs.setdefault(name, []).append((by_mode["direct"], by_mode["reasoned"]))
    return pairs


def _modes(pairs: dict[str, list[Pair]]) -> list[Row]:
    """Each reviewer that scored the same rationales in both modes: its AUC and cost on those alone."""
    rows = []
    for name, both in pairs.items():
        rows.append(reviewer_row(name, "direct", [direct for direct, _ in both]))
        rows.append(reviewer_row(name, "reasoned", [reasoned for _, reasoned in both]))
    return rows


def difference(pairs: list[Pair]) -> dict[str, Any]:
    """The AUC of the second of each pair less that of the first, with an interval from pairs drawn again together.

    None when only right or only wrong rationales were scored.
    """
    right = [pair for pair in pairs if pair[0]["right"]]
    wrong = [pair for pair in pairs if not pair[0]["right"]]
    if not right or not wrong:
        return {"difference": None, "interval": None}

    def area(mode: int, right_indices: Any, wrong_indices: Any) -> float:
        right_scores = [right[index][mode]["score"] for index in right_indices]
        wrong_scores = [wrong[index][mode]["score"] for index in wrong_indices]
        return _area(right_scores, wrong_scores)

    def change(right_indices: Any, wrong_indices: Any) -> float:
        return area(1, right_indices, wrong_indices) - area(0, right_indices, wrong_indices)

    # The bootstrap draws indices, not scores: so the two scores of a pair stay together.
    indices = (list(range(len(right))), list(range(len(wrong))))
    return {"difference": change(*indices), "interval": _interval(indices, change)}


# -- the reviewers together -----------------------------------------------------------------------


def agreement(reviews: Iterable[Row]) -> list[Row]:
    """Each two reviewers of one mode that scored the same explanations: how often both were for or both against."""
    scores: dict[tuple[str, str, int], dict[str, float]] = {}  # seat -> explanation -> score
    for review in _valid(reviews):
        seat = (review["mode"], review["reviewer"], review["seat"])
        scores.setdefault(seat, {})[review["explanation"]] = review["score"]
    rows = []
    for first, second in combinations(sorted(scores), 2):
        common = scores[first].keys() & scores[second].keys()
        if first[0] != second[0] or not common:
            continue
        same_side = 0
        for explanation in common:
            is_for = scores[first][explanation] > MIDDLE
            same_side += is_for == (scores[second][explanation] > MIDDLE)
        rows.append(
            {
                "mode": first[0],
                "one": f"{first[1]}#{first[2]}",
                "other": f"{second[1]}#{second[2]}",
                "common": len(common),
                "agree": same_side / len(common),
            }
        )
    return rows


def committee_auc(rationales: Iterable[Row]) -> list[Row]:
    """The AUC of what the gate looks at, the mean over an explanation's reviewers, by mode.

    It can lie below every reviewer's own, and below one half: nobody reviews what they wrote, so where one reviewer
    is stricter than another, the mean tells who the author was.
    """
    return [{"mode": mode, **auc(means)} for mode, means in _means(rationales).items()]


def _means(reviews: Iterable[Row]) -> dict[str, list[Row]]:
    """By mode, each explanation that has a score: the mean of its scores, and whether its answer is right."""
    by_explanation: dict[tuple[str, str], list[Row]] = {}
    for review in _valid(reviews):
        by_explanation.setdefault((review["mode"], review["explanation"]), []).append(review)
    means: dict[str, list[Row]] = {mode: [] for mode, _ in sorted(by_explanation)}
    for (mode, _), of_explanation in by_explanation.items():
        score = fmean(review["score"] for review in of_explanation)
        means[mode].append({"score": score, "right": of_explanation[0]["right"]})
    return means


# -- the gate -------------------------------------------------------------------------------------


def gate_table(reviews: Iterable[Row]) -> list[Row]:
    """The gate `mean > threshold` over rationales: its precision (answers right among accepted) and coverage.

    A rationale counts by the scores that it has; reviews that were spared or unreadable are left out.
    """
    rows = []
    for mode, means in _means(reviews).items():
        right = sum(mean["right"] for mean in means)
        for threshold in THRESHOLDS:
            accepted = [mean["right"] for mean in means if mean["score"] > threshold]
            rows.append(
                {
                    "mode": mode,
                    "mean_above": threshold,
                    "reviewed": len(means),
                    "right": right,
                    "accepted": len(accepted),
                    "coverage": len(accepted) / len(means),
                    **_precision(accepted),
                }
            )
    return rows


def _precision(accepted: list[bool]) -> dict[str, Any]:
    """The share of right answers with its interval; None when nothing was accepted."""
    if not accepted:
        return {"precision": None, "interval": None}
    right = sum(accepted)
    return {"precision": right / len(accepted), "interval": wilson(right, len(accepted))}


def suggest(gate: list[Row], precision: float) -> str:
    """The settings of the gate that reaches the wanted precision and covers most, in words.

    Where no gate reaches it, the most precise one, and the words say so.
    """
    usable = [row for row in gate if row["precision"] is not None]
    if not any(0 < row["right"] < row["reviewed"] for row in usable):
        return (
            "no suggestion: every reviewed rationale has the same answer check; "
            "review the others too with --set review.exhaustive=true"
        )
    precise_enough = [row for row in usable if row["precision"] >= precision]
    if precise_enough:
        best = max(precise_enough, key=lambda row: row["coverage"])
        reservation = ""
    else:
        best = max(usable, key=lambda row: row["precision"])
        reservation = f"no threshold reaches {precision:.0%}; nearest: "
    return (
        f"{reservation}--set review.accept.mean_above={best['mean_above']:g} --set review.mode={best['mode']}: "
        f"precision {best['precision']:.1%}, coverage {best['coverage']:.1%} of {best['reviewed']} rationales"
    )
