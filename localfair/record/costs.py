"""What a run's committee was asked, in tokens and seconds.

Reads the rows of a run and the generations behind them; writes nothing. Knows nothing of budgets.
"""

from __future__ import annotations

from dataclasses import dataclass

from localfair.record.store import Store

COLUMNS = """
SELECT g.id AS generation, e.question, s.role, g.prompt_tokens, g.completion_tokens, g.seconds
"""
EXPLAINED = f"""
{COLUMNS} FROM links r JOIN explanations e ON e.id = r."row" JOIN seats s ON s.id = e.seat
  JOIN generations g ON g.id = e.generation
  WHERE r.run = :run AND r.noun = 'explanation'
"""
REVIEWED = f"""
{COLUMNS} FROM links r JOIN reviews v ON v.id = r."row" JOIN explanations e ON e.id = v.explanation
  JOIN seats s ON s.id = v.seat JOIN generations g ON g.id = v.generation
  WHERE r.run = :run AND r.noun = 'review'
"""
# see `record/fits.PlantReview` for the places of its fields
PLANTED = f"""
{COLUMNS} FROM links r JOIN fits f ON f.id = r."row" JOIN json_each(f.plants) p
  JOIN explanations e ON e.id = json_extract(p.value, '$[1]')
  JOIN seats s ON s.id = json_extract(p.value, '$[2]')
  JOIN generations g ON g.id = json_extract(p.value, '$[3]')
  WHERE r.run = :run AND r.noun = 'fit'
"""
OF_LABELS = """
v.id IN (SELECT l.value FROM links r JOIN fits f ON f.id = r."row" JOIN json_each(f.reviews) l
  WHERE r.run = :run AND r.noun = 'fit')
"""
COSTS = f"{EXPLAINED} UNION {REVIEWED} UNION {PLANTED}"
LABEL_COSTS = f"{REVIEWED} AND {OF_LABELS} UNION {PLANTED}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one generation about a question took; `role` is that of the seat that wrote it."""

    generation: str
    question: str
    role: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float

    @property
    def tokens(self) -> int:
        """The tokens that were read and written."""
        return self.prompt_tokens + self.completion_tokens


def costs_of(store: Store, run: str) -> list[Cost]:
    """What teachers, reviewers and mentors were asked for a run, each generation once."""
    return _costs(store, COSTS, run)


def label_costs_of(store: Store, run: str) -> list[Cost]:
    """What the label reviews of a run and its plants were asked for, each generation once."""
    return _costs(store, LABEL_COSTS, run)


def _costs(store: Store, sql: str, run: str) -> list[Cost]:
    return [Cost(**dict(row)) for row in store.db.execute(sql, {"run": run}).fetchall()]
