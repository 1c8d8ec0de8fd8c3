"""Reviews with what a report needs to know of the explanation, the reviewer and the reply.

Reads the record; writes nothing. Knows nothing of what is made of them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TypeVar

from localfair.record.nouns import Grade
from localfair.record.store import Store

REVIEWS = """
SELECT r.explanation, r.score, e.kind, e.grade, s.model, s."index" AS seat,
       g.action, g.prompt_tokens, g.completion_tokens
FROM reviews r JOIN explanations e ON e.id = r.explanation JOIN questions q ON q.id = e.question
JOIN seats s ON s.id = r.seat JOIN generations g ON g.id = r.generation
"""
SCORED = """
SELECT r.explanation, e.question, e.grade, a.model AS author, a."index" AS author_index,
       s.model, s."index" AS seat, g.action, r.score
FROM reviews r JOIN explanations e ON e.id = r.explanation JOIN questions q ON q.id = e.question
JOIN seats s ON s.id = r.seat JOIN seats a ON a.id = r.author
JOIN generations g ON g.id = r.generation
"""
OF_RUN = """r.id IN (SELECT "row" FROM links WHERE run = ? AND noun = 'review')"""

Value = TypeVar("Value")
Shared = dict[tuple[type, object], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewInContext:
    """A review with its explanation, its reviewer and its reply.

    `mode` is direct or reasoned. `score` is None when none could be read. `right` is the answer
    check's word on a rationale. `reviewer` is a model's name, `seat` its index. A direct review
    writes no tokens: its score is read from log-probabilities.
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


def reviews_in_context(store: Store, run: str | None, task: str | None) -> list[ReviewInContext]:
    """The reviews of one run, of one task, or of the whole record, in the order of their ids."""
    where, values = _of(run, task)
    # equal values are one object: there may be a million reviews, of few models and few scores
    shared: Shared = {}
    rows = store.db.execute(f"{REVIEWS} WHERE {where} ORDER BY r.id", values)
    return [_review(row, shared) for row in rows]


def _of(run: str | None, task: str | None) -> tuple[str, list[str]]:
    """The condition for the reviews of one run, of one task, or of the whole record."""
    conditions = ["1 = 1"]
    values = []
    if run is not None:
        conditions.append(OF_RUN)
        values.append(run)
    if task is not None:
        conditions.append("q.task = ?")
        values.append(task)
    return " AND ".join(conditions), values


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRationale:
    """A rationale with the scores that it got in one mode, by who gave them.

    author, and the keys of scores: a model and its index, as `model#0`.
    """

    mode: str
    explanation: str
    question: str
    author: str
    right: bool
    scores: dict[str, float]


def scored_rationales(
    store: Store, run: str | None, task: str | None, most: int
) -> list[ScoredRationale]:
    """The rationales with a score, of each mode the first `most` by id: ids are hashes, and so
    that is a fair draw.
    """
    where, values = _of(run, task)
    sql = (
        f"{SCORED} WHERE {where} AND e.kind = 'rationale' AND r.score IS NOT NULL "
        "ORDER BY r.explanation, r.id"
    )
    rationales: dict[tuple[str, str], ScoredRationale] = {}
    counts = {"direct": 0, "reasoned": 0}
    for row in store.db.execute(sql, values):
        mode = "direct" if row["action"] == "score" else "reasoned"
        key = (mode, row["explanation"])
        if key not in rationales:
            if min(counts.values()) >= most:
                break
            if counts[mode] >= most:
                continue
            counts[mode] += 1
            rationales[key] = ScoredRationale(
                mode=mode,
                explanation=row["explanation"],
                question=row["question"],
                author=f"{row['author']}#{row['author_index']}",
                right=row["grade"] == Grade.RIGHT,
                scores={},
            )
        rationales[key].scores[f"{row['model']}#{row['seat']}"] = row["score"]
    return list(rationales.values())


def _shared(value: Value, values: Shared) -> Value:
    """The one object that stands for a value; 5 and 5.0 are equal and not the same."""
    shared: Value = values.setdefault((type(value), value), value)  # type: ignore[assignment]
    return shared


def _review(row: sqlite3.Row, shared: Shared) -> ReviewInContext:
    explanation, score, kind, grade, model, seat, action, prompt_tokens, written_tokens = row
    is_direct = action == "score"
    if is_direct:
        written_tokens = 0
    return ReviewInContext(
        explanation=_shared(explanation, shared),
        kind=_shared(kind, shared),
        right=grade == Grade.RIGHT,
        reviewer=_shared(model, shared),
        seat=seat,
        mode="direct" if is_direct else "reasoned",
        score=_shared(score, shared),
        prompt_tokens=_shared(prompt_tokens, shared),
        written_tokens=_shared(written_tokens, shared),
    )
