"""Two runs side by side: what was said at the same place in both, and what a new record takes over.

A place is a step, a question, a seat and a sample: what a reply says is no part of it. Reads two
records; writes the beginnings of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from localfair.record.made import Run
from localfair.record.nouns import Seat
from localfair.record.store import Store
from localfair.record.tables import seat_of

# place, text and what was read of it; what one place holds several of is told apart by its order
SAID = """
SELECT p.position, p.step, p.noun, q.key, s.role, s."index", p.kind, g.sample, g.text, g.logprobs, p.result
FROM (
  SELECT l.position, t.step, 'answer' AS noun, a.question, a.seat, '' AS kind, a.generation, a.grade AS result
  FROM links l JOIN run_steps t ON t.run = l.run AND t.position = l.position
  JOIN answers a ON a.id = l."row" WHERE l.run = :run AND l.noun = 'answer' AND t.stage = 'exam'
  UNION ALL
  SELECT l.position, t.step, 'explanation', e.question, e.seat, e.kind, e.generation, COALESCE(e.grade, '')
  FROM links l JOIN run_steps t ON t.run = l.run AND t.position = l.position
  JOIN explanations e ON e.id = l."row" WHERE l.run = :run AND l.noun = 'explanation' AND t.stage = 'inquire'
  UNION ALL
  SELECT l.position, t.step, 'review', e.question, r.seat,
    e.kind || ' by ' || w.role || ' ' || w."index" || ', sample ' || eg.sample, r.generation,
    COALESCE(r.score, '')
  FROM links l JOIN run_steps t ON t.run = l.run AND t.position = l.position
  JOIN reviews r ON r.id = l."row" JOIN explanations e ON e.id = r.explanation
  JOIN seats w ON w.id = e.seat JOIN generations eg ON eg.id = e.generation
  WHERE l.run = :run AND l.noun = 'review' AND t.stage = 'review'
) p JOIN questions q ON q.id = p.question JOIN seats s ON s.id = p.seat
JOIN generations g ON g.id = p.generation
ORDER BY p.position, p.noun, q.key, s.role, s."index", p.kind, g.sample, g.text
"""
SEATS = """
SELECT s.* FROM run_seats r JOIN seats s ON s.id = r.seat WHERE r.run = ? ORDER BY s.role, s."index"
"""
LESSONS = """
SELECT q.key, o.kind, o.completion FROM links l JOIN lessons o ON o.id = l."row"
JOIN questions q ON q.id = o.question
WHERE l.run = ? AND l.noun = 'lesson' AND o.dropped IS NULL ORDER BY q.key, o.kind, o.completion
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something was said: a step of a run, what it was, about which question, by which seat.

    kind: of an explanation; of a review, whose explanation of which kind it scores. nth: of several
    at one place, which only mistakes of one question can be.
    """

    position: int
    step: str
    noun: str
    question: str
    role: str
    index: int
    kind: str
    sample: int
    nth: int


@dataclass(frozen=True, slots=True)
class Said:
    """What was said at a place, and what was read of it: a grade, a score, or "".

    text: the reply; of a scored call its log-probabilities.
    """

    text: str
    result: str


def said_in(store: Store, run: str) -> Iterator[tuple[Place, Said]]:
    """Everything that was said in a run, in the order of its places."""
    last: tuple[object, ...] = ()
    nth = 0
    for row in store.db.execute(SAID, {"run": run}):
        position, step, noun, question, role, index, kind, sample, text, logprobs, result = row
        same = (position, noun, question, role, index, kind, sample)
        nth = nth + 1 if same == last else 0
        last = same
        place = Place(
            position=position,
            step=step,
            noun=noun,
            question=question,
            role=role,
            index=index,
            kind=kind,
            sample=sample,
            nth=nth,
        )
        yield place, Said(text or logprobs, str(result))


def seats_of(store: Store, run: str) -> list[Seat]:
    """Who sat in a run when it began, by role and index."""
    return [seat_of(row) for row in store.rows(SEATS, run)]


def lessons_of(store: Store, run: str) -> list[tuple[str, str, str]]:
    """What a run's student was to learn: question, kind and completion of each lesson, in order."""
    return [tuple(row) for row in store.db.execute(LESSONS, [run])]


def begin_like(source: Store, target: Store, run: Run) -> None:
    """Give a new record what decides the requests of a run: its questions with their sources, the
    key of the fences, and the date that templates write.
    """
    key = source.fence_key()
    rows = source.rows("SELECT * FROM questions WHERE task = ?", run.task)
    sources = source.rows("SELECT * FROM sources WHERE task = ?", run.task)
    with target.transaction():
        target.ensure("sources", sources)
        target.ensure("questions", rows)
        target.db.execute("UPDATE main.secrets SET value = ? WHERE name = 'fence'", [key])
    day = source.template_date()
    if day is not None:
        target.set_template_date(day)
