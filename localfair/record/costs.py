"""What a run asked, in tokens and seconds: of its teachers, reviewers and mentors, and of its student.

Reads the rows of a run and the generations behind them; writes nothing. Knows nothing of budgets.
"""

from __future__ import annotations

from dataclasses import dataclass

from localfair.record.at_work import SPAN, at_work
from localfair.record.store import Store

COLUMNS = """
s.role, g.fingerprint, g.prompt_tokens, g.completion_tokens
"""
EXPLAINED = f"""
SELECT g.id AS generation, e.question, {COLUMNS}
  FROM links r JOIN explanations e ON e.id = r."row" JOIN seats s ON s.id = e.seat
  JOIN generations g ON g.id = e.generation
  WHERE r.run = ?1 AND r.noun = 'explanation'
"""
REVIEWED = f"""
SELECT g.id AS generation, e.question, {COLUMNS}
  FROM links r JOIN reviews v ON v.id = r."row" JOIN explanations e ON e.id = v.explanation
  JOIN seats s ON s.id = v.seat JOIN generations g ON g.id = v.generation
  WHERE r.run = ?1 AND r.noun = 'review'
"""
# see `record/fits.PlantReview` for the places of its fields
PLANTED = f"""
SELECT g.id AS generation, e.question, {COLUMNS}
  FROM links r JOIN fits f ON f.id = r."row" JOIN json_each(f.plants) p
  JOIN explanations e ON e.id = json_extract(p.value, '$[1]')
  JOIN seats s ON s.id = json_extract(p.value, '$[2]')
  JOIN generations g ON g.id = json_extract(p.value, '$[3]')
  WHERE r.run = ?1 AND r.noun = 'fit'
"""
OF_LABELS = """
v.id IN (SELECT l.value FROM links r JOIN fits f ON f.id = r."row" JOIN json_each(f.reviews) l
  WHERE r.run = ?1 AND r.noun = 'fit')
"""
ANSWERED = f"""
SELECT g.id AS generation, a.question, {COLUMNS}
  FROM links r JOIN answers a ON a.id = r."row" JOIN seats s ON s.id = a.seat
  JOIN generations g ON g.id = a.generation
  WHERE r.run = ?1 AND r.noun = 'answer' AND s.role <> 'student'
"""
COSTS = f"{EXPLAINED} UNION {REVIEWED} UNION {ANSWERED} UNION {PLANTED}"
LABEL_COSTS = f"{REVIEWED} AND {OF_LABELS} UNION {PLANTED}"
# replies of a teacher or reviewer that made no answer, explanation or review
OTHERS = """
SELECT g.id AS generation, '' AS question, 'teacher' AS role,
       g.fingerprint, g.prompt_tokens, g.completion_tokens
  FROM links r JOIN generations g ON g.id = r."row"
  WHERE r.run = ?1 AND r.noun = 'generation'
  AND NOT EXISTS (SELECT 1 FROM answers a WHERE a.generation = g.id)
  AND NOT EXISTS (SELECT 1 FROM explanations e WHERE e.generation = g.id)
  AND NOT EXISTS (SELECT 1 FROM reviews v WHERE v.generation = g.id)
  AND NOT EXISTS (
    SELECT 1 FROM links l JOIN fits f ON f.id = l."row" JOIN json_each(f.plants) p
    WHERE l.run = ?1 AND l.noun = 'fit' AND json_extract(p.value, '$[3]') = g.id)
  AND EXISTS (
    SELECT 1 FROM run_seats w JOIN seats s ON s.id = w.seat
    WHERE w.run = ?1 AND s.role IN ('teacher', 'reviewer')
    AND s.model = g.model AND s.fingerprint = g.fingerprint AND s.adapter = g.adapter)
"""
SAMPLED = f"""
SELECT DISTINCT g.id, g.fingerprint, g.engine, g.prompt_tokens + g.completion_tokens AS tokens, {SPAN}
FROM links r JOIN answers a ON a.id = r."row" JOIN seats s ON s.id = a.seat
JOIN generations g ON g.id = a.generation
WHERE r.run = ?1 AND r.noun = 'answer' AND s.role = 'student' AND a.split = 'train'
"""
ASKED = f"""
SELECT g.fingerprint, g.engine, {SPAN}
FROM (SELECT generation FROM ({COSTS}) UNION SELECT generation FROM ({OTHERS})) asked
JOIN generations g ON g.id = asked.generation
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one generation about a question took.

    `role` is that of the seat that wrote it, `fingerprint` its weights'. `question` is empty where
    the reply is about none.
    """

    generation: str
    question: str
    role: str
    fingerprint: str = ""
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """The tokens that were read and written."""
        return self.prompt_tokens + self.completion_tokens


def costs_of(store: Store, run: str) -> list[Cost]:
    """What teachers, reviewers and mentors were asked for a run, each generation once.

    Everything counts that a run's steps used: answers that only order teachers and reviews that
    only label, too.
    """
    about_questions = store.rows(COSTS, run)
    others = store.rows(OTHERS, run)
    return [Cost(**row) for row in (*about_questions, *others)]


def label_costs_of(store: Store, run: str) -> list[Cost]:
    """What the label reviews of a run and its plants were asked for, each generation once."""
    return [Cost(**row) for row in store.rows(LABEL_COSTS, run)]


def sampled_tokens(store: Store, run: str) -> int:
    """Tokens that the student read and wrote about train questions, as if nothing was recorded."""
    [tokens] = store.first_column(f"SELECT SUM(tokens) FROM ({SAMPLED})", run)
    return tokens or 0


def asked_seconds(store: Store, run: str) -> float:
    """How long engines were at work on what `costs_of` counts, as if nothing was recorded."""
    return _at_work(store, ASKED, run)


def sampled_seconds(store: Store, run: str) -> float:
    """How long engines were at work on the student's replies about train questions."""
    return _at_work(store, SAMPLED, run)


def _at_work(store: Store, replies: str, run: str) -> float:
    busy = at_work(replies, by="fingerprint, engine")
    [seconds] = store.first_column(f"SELECT SUM(busy) FROM ({busy})", run)
    return seconds or 0.0
