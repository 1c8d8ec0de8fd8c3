"""How far a run has come: who sits in it, what was judged, what was said since a step began.

Reads the record while a run may be writing it; writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from localfair.record.store import Store

SEATS = """
SELECT t.role, t.model, t.fingerprint, r.engine
FROM run_seats r JOIN seats t ON t.id = r.seat WHERE r.run = ? ORDER BY t.role, t."index"
"""
QUESTIONS = "SELECT COUNT(*) FROM questions WHERE task = ? AND split = ?"
JUDGED = """
SELECT COUNT(*) AS judged, COALESCE(SUM(v.accepted), 0) AS accepted
FROM (SELECT DISTINCT "row" FROM links WHERE run = ? AND noun = 'verdict') l
JOIN verdicts v ON v.id = l."row"
"""
LAST = """
SELECT g.text, v.reason FROM links l JOIN verdicts v ON v.id = l."row"
JOIN explanations e ON e.id = v.explanation JOIN generations g ON g.id = e.generation
WHERE l.run = ? AND l.noun = 'verdict' AND v.accepted = ? ORDER BY v.rowid DESC LIMIT 1
"""
NEAR = 200_000  # generations that are looked at: the newest
SINCE = """
SELECT COUNT(*) AS calls, MIN(created) AS first, MAX(created) AS last FROM generations
WHERE rowid > (SELECT MAX(rowid) FROM generations) - ? AND created >= ?
"""


@dataclass(frozen=True, slots=True)
class SeatedEngine:
    """A seat of a run with the engine that serves it."""

    role: str
    model: str
    fingerprint: str
    engine: str


@dataclass(frozen=True, slots=True)
class Judged:
    """How many explanations of a run were judged, and how many of them accepted."""

    judged: int
    accepted: int


@dataclass(frozen=True, slots=True)
class LastVerdict:
    """What an author wrote, and why it was accepted or rejected."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """The generations that were written since a time: how many, the first and the last, UTC."""

    calls: int
    first: str | None
    last: str | None


def seated_engines(store: Store, run: str) -> list[SeatedEngine]:
    """Who sat in a run when it began."""
    return [SeatedEngine(**row) for row in store.rows(SEATS, run)]


def question_count(store: Store, task: str, split: str, limit: int | None) -> int:
    """How many questions of a split a run takes that takes at most `limit`."""
    (count,) = store.first_column(QUESTIONS, task, split)
    return int(count) if limit is None else min(int(count), limit)


def judged_in(store: Store, run: str) -> Judged:
    """What the verdicts of a run come to."""
    return Judged(**store.rows(JUDGED, run)[0])


def last_verdict(store: Store, run: str, *, accepted: bool) -> LastVerdict | None:
    """The last explanation that a run accepted or rejected; None where there is none."""
    row = store.one(LAST, run, int(accepted))
    return LastVerdict(**row) if row else None


def arrived_since(store: Store, time: str) -> Arrived:
    """What was written since a time, UTC in ISO 8601."""
    return Arrived(**store.rows(SINCE, NEAR, time)[0])
