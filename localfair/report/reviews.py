"""diagnose: what a committee's reviews are worth, from the record alone.

Reads reviews, their explanations and the generations they rest on; writes nothing, asks nobody. The mechanical
answer check of a rationale is the yardstick: a reviewer that knows a right rationale from a wrong one scores it
higher. Statistics are scipy's.
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

REVIEWS = """
SELECT r.explanation, r.score, r.same_weights, e.kind, e.grade, q.task, s.model AS reviewer, s."index" AS seat,
       g.action, g.prompt_tokens, g.completion_tokens
FROM reviews r JOIN explanations e ON e.id = r.explanation JOIN questions q ON q.id = e.question
JOIN seats s ON s.id = r.seat JOIN generations g ON g.id = r.generation
"""


def diagnose(
    store: Store, run: str | None = None, task: str | None = None, precision: float = 0.95
) -> dict[str, Any]:
    """Reviewers, their agreement, and the gate at each threshold; of one run, one task, or the whole record.

    Raises UsageError when there is no review to look at.
    """
    reviews = _reviews(store, run, task)
    if not reviews:
        raise UsageError(
            f"{store.path} holds no review to look at", "see `localfair review --help`"
        )
    rationales = [r for r in reviews if r["kind"] == "rationale"]
    both, gate = _in_both_modes(rationales), gate_table(rationales)
    return {
        "reviews": len(reviews),
        "reviewers": [
            reviewer_row(name, mode, found) for (name, mode), found in _by_reviewer(reviews).items()
        ],
        "modes": _modes(both),
        "differences": [{"reviewer": name, **difference(pairs)} for name, pairs in both.items()],
        "committee": committee_auc(rationales),
        "agreement": agreement(reviews),
        "gate": gate,
        "suggestion": suggest(gate, precision),
    }


def _reviews(store: Store, run: str | None, task: str | None) -> list[Row]:
    where, args = ["1 = 1"], []
    if run is not None:
        where.append("""r.id IN (SELECT "row" FROM run_rows WHERE run = ? AND noun = 'review')""")
        args.append(run)
    if task is not None:
        where.append("q.task = ?")
        args.append(task)
    rows = store.rows(f"{REVIEWS} WHERE {' AND '.join(where)} ORDER BY r.id", *args)
    for row in rows:
        row["mode"] = "direct" if row["action"] == "score" else "reasoned"
        row["right"] = row["grade"] == Grade.RIGHT
    return rows


def _by_reviewer(reviews: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for r in sorted(reviews, key=lambda r: (r["reviewer"], r["mode"])):
        groups.setdefault((r["reviewer"], r["mode"]), []).append(r)
    return groups


def reviewer_row(name: str, mode: str, reviews: list[Row]) -> Row:
    """A reviewer's leniency, how well its scores tell right rationales from wrong, and what a review costs."""
    valid = [r for r in reviews if r["score"] is not None]
    rationales = [r for r in valid if r["kind"] == "rationale"]
    return {
        "reviewer": name, "mode": mode, "reviews": len(reviews), "unreadable": len(reviews) - len(valid),
        "mean": fmean(r["score"] for r in valid) if valid else None,
        "for": sum(r["score"] > MIDDLE for r in valid) / len(valid) if valid else None,
        **auc(rationales),
        "prompt_tokens": fmean(r["prompt_tokens"] for r in reviews),
        "written_tokens": fmean(r["completion_tokens"] if r["action"] == "generate" else 0 for r in reviews),
    }  # fmt: skip


def auc(reviews: list[Row]) -> dict[str, Any]:
    """P(a right rationale scores above a wrong one), ties counted half, with a bootstrap 95 % interval.

    The Mann-Whitney U over the number of pairs (scipy.stats.mannwhitneyu). None where there is none of either.
    """
    right = [r["score"] for r in reviews if r["right"]]
    wrong = [r["score"] for r in reviews if not r["right"]]
    found: dict[str, Any] = {
        "right": len(right),
        "wrong": len(wrong),
        "auc": None,
        "auc_interval": None,
    }
    if not right or not wrong:
        return found
    found["auc"] = _area(right, wrong)
    found["auc_interval"] = _interval((right, wrong), _area)
    return found


def _interval(
    samples: tuple[list[Any], list[Any]], statistic: Callable[[Any, Any], float]
) -> list[float] | None:
    """The bootstrap 95 % interval of a statistic of right and wrong rationales; None where there is one of either."""
    if min(map(len, samples)) < 2:
        return None
    from scipy.stats import bootstrap

    spread = bootstrap(
        samples, statistic, n_resamples=RESAMPLES, method="percentile", vectorized=False, rng=0
    )
    return [float(spread.confidence_interval.low), float(spread.confidence_interval.high)]


def _area(right: Any, wrong: Any) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(right, wrong, method="asymptotic").statistic) / (
        len(right) * len(wrong)
    )


def committee_auc(rationales: Iterable[Row]) -> list[Row]:
    """The AUC of what the gate looks at, the mean over an explanation's reviewers, by mode.

    It can lie below every reviewer's own, and below one half: nobody reviews what they wrote, so where one reviewer
    is stricter than another, the mean tells who the author was.
    """
    rows = []
    for mode, means in _means(rationales).items():
        rows.append(
            {"mode": mode, **auc([{"score": mean, "right": right} for mean, right in means])}
        )
    return rows


def _modes(both: dict[str, list[tuple[Row, Row]]]) -> list[Row]:
    """Each reviewer that scored the same rationales in both modes: its AUC and cost on those alone."""
    return [
        reviewer_row(name, mode, list(column))
        for name, pairs in both.items()
        for mode, column in zip(("direct", "reasoned"), zip(*pairs, strict=True), strict=True)
    ]


def difference(pairs: list[tuple[Row, Row]]) -> dict[str, Any]:
    """The AUC of the second of each pair less that of the first, with an interval from pairs drawn again together.

    None where only right or only wrong rationales were scored.
    """
    right = [(a["score"], b["score"]) for a, b in pairs if a["right"]]
    wrong = [(a["score"], b["score"]) for a, b in pairs if not a["right"]]
    if not right or not wrong:
        return {"difference": None, "interval": None}
    # places, not scores, are drawn again: a pair stays together
    places = (list(range(len(right))), list(range(len(wrong))))

    def apart(rights: Any, wrongs: Any) -> float:
        first, second = (
            _area([right[i][k] for i in rights], [wrong[i][k] for i in wrongs]) for k in (0, 1)
        )
        return second - first

    return {"difference": apart(*places), "interval": _interval(places, apart)}


def _in_both_modes(rationales: Iterable[Row]) -> dict[str, list[tuple[Row, Row]]]:
    """By reviewer, the rationales that it scored both ways: the direct and the reasoned review of each."""
    scored: dict[str, dict[str, dict[str, Row]]] = {}
    for r in rationales:
        if r["score"] is not None:
            scored.setdefault(r["reviewer"], {}).setdefault(r["explanation"], {})[r["mode"]] = r
    pairs = {
        name: [
            (both["direct"], both["reasoned"])
            for _, both in sorted(found.items())
            if len(both) == 2
        ]
        for name, found in sorted(scored.items())
    }
    return {name: found for name, found in pairs.items() if found}


def agreement(reviews: Iterable[Row]) -> list[Row]:
    """Each two reviewers of one mode that scored the same explanations: how often both were for or both against."""
    scores: dict[tuple[str, str, int], dict[str, float]] = {}
    for r in reviews:
        if r["score"] is not None:
            scores.setdefault((r["mode"], r["reviewer"], r["seat"]), {})[r["explanation"]] = r[
                "score"
            ]
    rows = []
    for a, b in combinations(sorted(scores), 2):
        common = scores[a].keys() & scores[b].keys()
        if a[0] == b[0] and common:
            same = sum((scores[a][e] > MIDDLE) == (scores[b][e] > MIDDLE) for e in common)
            rows.append(
                {"mode": a[0], "one": f"{a[1]}#{a[2]}", "other": f"{b[1]}#{b[2]}", "common": len(common),
                 "agree": same / len(common)}
            )  # fmt: skip
    return rows


def gate_table(reviews: Iterable[Row]) -> list[Row]:
    """The gate `mean > threshold` over rationales: its precision (answers right among accepted) and coverage.

    Rationales whose reviews were spared or unreadable count by the scores there are.
    """
    rows = []
    for mode, means in _means(reviews).items():
        for threshold in THRESHOLDS:
            passed = [right for mean, right in means if mean > threshold]
            rows.append(
                {"mode": mode, "mean_above": threshold, "reviewed": len(means),
                 "right": sum(right for _, right in means), "accepted": len(passed),
                 "coverage": len(passed) / len(means), **_precision(passed)}
            )  # fmt: skip
    return rows


def _means(reviews: Iterable[Row]) -> dict[str, list[tuple[float, bool]]]:
    """By mode, the mean score of each explanation that has one, and whether its answer is right."""
    by: dict[tuple[str, str], list[Row]] = {}
    for r in reviews:
        if r["score"] is not None:
            by.setdefault((r["mode"], r["explanation"]), []).append(r)
    means: dict[str, list[tuple[float, bool]]] = {mode: [] for mode, _ in sorted(by)}
    for (mode, _), found in by.items():
        means[mode].append((fmean(r["score"] for r in found), found[0]["right"]))
    return means


def _precision(passed: list[bool]) -> dict[str, Any]:
    if not passed:
        return {"precision": None, "interval": None}
    return {"precision": sum(passed) / len(passed), "interval": wilson(sum(passed), len(passed))}


def suggest(gate: list[Row], precision: float) -> str:
    """The lowest threshold that reaches the wanted precision; where none does, the most precise one, and so said."""
    usable = [row for row in gate if row["precision"] is not None]
    if not any(0 < row["right"] < row["reviewed"] for row in usable):
        return (
            "no suggestion: every reviewed rationale has the same answer check; "
            "review the others too with --set review.exhaustive=true"
        )
    reached = [row for row in usable if row["precision"] >= precision]
    row = (
        min(reached, key=lambda r: -r["coverage"])
        if reached
        else max(usable, key=lambda r: r["precision"])
    )
    short = "" if reached else f"no threshold reaches {precision:.0%}; nearest: "
    return (
        f"{short}--set review.accept.mean_above={row['mean_above']:g} --set review.mode={row['mode']}: "
        f"precision {row['precision']:.1%}, coverage {row['coverage']:.1%} of {row['reviewed']} rationales"
    )
