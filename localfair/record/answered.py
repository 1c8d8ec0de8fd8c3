"""The answers of a run with their questions, who gave them, what was said and what it took.

Reads the links of a run and the rows behind them, some at a time; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from localfair.record.nouns import Grade, Question
from localfair.record.store import Store

PIECE = 500  # answers that are held at a time
ANSWERED = """
SELECT a.question, a.grade, s."index" AS seat, s.model, g.text,
       g.prompt_tokens + g.completion_tokens AS tokens
FROM links l JOIN answers a ON a.id = l."row" JOIN seats s ON s.id = a.seat
JOIN generations g ON g.id = a.generation
WHERE l.run = ? AND l.noun = 'answer' ORDER BY s."index", a.question LIMIT ? OFFSET ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer of a run. `seat` is the index of who gave it, `tokens` were read and written."""

    question: Question
    seat: int
    model: str
    grade: Grade
    text: str
    tokens: int


def answered_in(store: Store, run: str) -> Iterator[Answered]:
    """The answers of a run, seat by seat, in the order of the questions' ids."""
    start = 0
    while True:
        rows = store.rows(ANSWERED, run, PIECE, start)
        questions = store.questions_by_id([row["question"] for row in rows])
        for row in rows:
            yield Answered(
                question=questions[row["question"]],
                seat=row["seat"],
                model=row["model"],
                grade=Grade(row["grade"]),
                text=row["text"],
                tokens=row["tokens"],
            )
        start += PIECE
        if len(rows) < PIECE:
            return
