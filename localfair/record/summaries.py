"""Counts of what a run used and made, added up by SQLite: a run may hold more than memory.

Reads the links of a run and the rows behind them; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localfair.record.store import Store, marks

LINKED = """SELECT DISTINCT "row" AS id FROM links WHERE run = ? AND noun = '{noun}'"""
ACCEPTED = f"""
SELECT v.explanation FROM ({LINKED.format(noun="verdict")}) l JOIN verdicts v ON v.id = l.id
WHERE v.accepted
"""
AUTHORS = f"""
SELECT e.kind, e.seat, COUNT(*) AS written, SUM(e.id IN ({ACCEPTED})) AS accepted,
       SUM(e.grade IS 'right') AS right
FROM ({LINKED.format(noun="explanation")}) l JOIN explanations e ON e.id = l.id
GROUP BY e.kind, e.seat
"""
REVIEWERS = f"""
SELECT e.kind, r.seat, COUNT(*) AS given, COUNT(r.score) AS scored, AVG(r.score) AS mean,
       COALESCE(SUM(r.score > 3), 0) AS above_3
FROM ({LINKED.format(noun="review")}) l JOIN reviews r ON r.id = l.id
JOIN explanations e ON e.id = r.explanation
GROUP BY e.kind, r.seat
"""
# of an exam: how long the replies are, and how many were cut off at their limit
LENGTHS = """
SELECT COALESCE(AVG(g.completion_tokens), 0) AS tokens,
       COALESCE(SUM(g.finish = 'length'), 0) AS unfinished
FROM links l JOIN answers a ON a.id = l."row" JOIN generations g ON g.id = a.generation
WHERE l.run = ? AND l.position = ? AND l.noun = 'answer'
"""
SAT = """
SELECT a.question, a.grade FROM links l JOIN answers a ON a.id = l."row"
WHERE l.run = ? AND l.position = ? AND l.noun = 'answer' ORDER BY l."row"
"""


@dataclass(frozen=True, slots=True)
class Authored:
    """What one seat wrote of one kind in a run, and how much of it was accepted and was right."""

    kind: str
    seat: str
    written: int
    accepted: int
    right: int


@dataclass(frozen=True, slots=True)
class Scored:
    """What one seat gave the explanations of one kind in a run; `mean` is None without a score."""

    kind: str
    seat: str
    given: int
    scored: int
    mean: float | None
    above_3: int


@dataclass(frozen=True, slots=True)
class Lengths:
    """The replies of an exam: their mean length in tokens, and how many were cut off."""

    tokens: float
    unfinished: int


def lengths(store: Store, run: str, position: int) -> Lengths:
    """How long the replies of a run's exam are."""
    [row] = store.rows(LENGTHS, run, position)
    return Lengths(**row)


def linked_count(store: Store, run: str, noun: str) -> int:
    """How many rows of a noun a run used or made."""
    sql = 'SELECT COUNT(DISTINCT "row") FROM links WHERE run = ? AND noun = ?'
    return int(store.first_column(sql, run, noun)[0])


def accepted_count(store: Store, run: str) -> int:
    """How many explanations a verdict of the run accepted."""
    sql = f"SELECT COUNT(DISTINCT explanation) FROM ({ACCEPTED})"
    return int(store.first_column(sql, run)[0])


def mistake_count(store: Store, run: str, positions: Sequence[int]) -> int:
    """How many answers of these steps are mistakes of the student."""
    is_mistake = "AND t.split = 'train' AND t.grade <> 'right'"
    of_student = "JOIN seats s ON s.id = t.seat AND s.role = 'student'"
    return _count(store, run, positions, "answer", "answers", f"{is_mistake} {of_student}")


def kept_lesson_count(store: Store, run: str, positions: Sequence[int]) -> int:
    """How many lessons of these steps were not dropped."""
    return _count(store, run, positions, "lesson", "lessons", "AND t.dropped IS NULL")


def own_lesson_count(store: Store, run: str, positions: Sequence[int]) -> int:
    """How many lessons of these steps are the student's own and were not dropped."""
    is_own = "AND t.dropped IS NULL AND t.kind = 'rationale' AND t.teacher IS NULL"
    return _count(store, run, positions, "lesson", "lessons", is_own)


def _count(
    store: Store, run: str, positions: Sequence[int], noun: str, table: str, condition: str = ""
) -> int:
    sql = f"""
    SELECT COUNT(*) FROM (
      SELECT DISTINCT "row" AS id FROM links
      WHERE run = ? AND position IN ({marks(positions)}) AND noun = ?
    ) l JOIN {table} t ON t.id = l.id {condition}
    """
    return int(store.first_column(sql, run, *positions, noun)[0])


def authored(store: Store, run: str) -> list[Authored]:
    """What each author of a run wrote, by kind."""
    return [Authored(**row) for row in store.rows(AUTHORS, run, run)]


def scored(store: Store, run: str) -> list[Scored]:
    """What each reviewer of a run gave, by kind of explanation."""
    return [Scored(**row) for row in store.rows(REVIEWERS, run)]


def sat(store: Store, run: str, position: int) -> Iterator[tuple[str, str]]:
    """The question and the grade of each answer of an exam, in the order of the answers' ids."""
    for row in store.db.execute(SAT, [run, position]):
        yield row["question"], row["grade"]
