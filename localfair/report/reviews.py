"""Reviews with what a report needs to know beside them, and their means over an explanation's reviewers.

Reads the record; writes nothing. Knows nothing of what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeVar

from localfair.record.nouns import Grade
from localfair.record.store import Store

REVIEWS = """
SELECT r.explanation, r.score, e.kind, e.grade, s.model, s."index" AS seat,
       g.action, g.prompt_tokens, g.completion_tokens
FROM reviews r JOIN explanations e ON e.id = r.explanation JOIN questions q ON q.id = e.question
JOIN seats s ON s.id = r.seat JOIN generations g ON g.id = r.generation
"""
OF_RUN = """r.id IN (SELECT "row" FROM links WHERE run = ? AND noun = 'review')"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review with what its report needs to know of the explanation, the reviewer and the reply.

    `mode` is direct or reasoned. `score` is None when none could be read. `right` is the answer
    check's word on a rationale. A direct review writes no tokens: its score is read from
    log-probabilities.
    """

    explanation: str
    kind: str
    right: bool
    reviewer: str
    seat: int
    mode: str
    score: float | None
    prompt_tokens: int
    written_tokens: int


@dataclass(frozen=True, slots=True)
class Mean:
    """What the gate looks at: the mean of an explanation's scores, and whether its answer is
    right.
    """

    score: float
    right: bool


def read_reviews(store: Store, run: str | None, task: str | None) -> list[Review]:
    """The reviews of one run, of one task, or of the whole record, in the order of their ids."""
    conditions = ["1 = 1"]
    values = []
    if run is not None:
        conditions.append(OF_RUN)
        values.append(run)
    if task is not None:
        conditions.append("q.task = ?")
        values.append(task)
    where = " AND ".join(conditions)
    # equal values are one object: there may be a million reviews, of few models and few scores
    shared: dict[Any, Any] = {}
    rows = store.db.execute(f"{REVIEWS} WHERE {where} ORDER BY r.id", values)
    return [_review(row, shared) for row in rows]


T = TypeVar("T")


def _shared(value: T, values: dict[Any, Any]) -> T:
    """The one object that stands for a value; 5 and 5.0 are equal and not the same."""
    shared: T = values.setdefault((type(value), value), value)
    return shared


def _review(row: Mapping[str, Any], shared: dict[Any, Any]) -> Review:
    is_direct = row["action"] == "score"
    written_tokens = 0 if is_direct else row["completion_tokens"]

    return Review(
        explanation=_shared(row["explanation"], shared),
        kind=_shared(row["kind"], shared),
        right=row["grade"] == Grade.RIGHT,
        reviewer=_shared(row["model"], shared),
        seat=row["seat"],
        mode="direct" if is_direct else "reasoned",
        score=_shared(row["score"], shared),
        prompt_tokens=_shared(row["prompt_tokens"], shared),
        written_tokens=_shared(written_tokens, shared),
    )


def means_of(reviews: Iterable[Review]) -> dict[str, list[Mean]]:
    """By mode, the mean of each explanation that has a score."""
    scores: dict[tuple[str, str], list[float]] = {}
    right: dict[str, bool] = {}
    for review in reviews:
        if review.score is not None:
            scores.setdefault((review.mode, review.explanation), []).append(review.score)
            right[review.explanation] = review.right
    means: dict[str, list[Mean]] = {}
    for (mode, explanation), given in scores.items():
        means.setdefault(mode, []).append(Mean(fmean(given), right[explanation]))
    return dict(sorted(means.items()))
