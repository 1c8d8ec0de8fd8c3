"""What a run's committee was asked, in tokens and seconds.

Reads the rows of a run and the generations behind them; writes nothing. Knows nothing of budgets.
"""

from __future__ import annotations

from dataclasses import dataclass

from localfair.record.store import Store

COSTS = """
SELECT g.id AS generation, e.question, s.role, g.prompt_tokens, g.completion_tokens, g.seconds
  FROM links r JOIN explanations e ON e.id = r."row" JOIN seats s ON s.id = e.seat
  JOIN generations g ON g.id = e.generation
  WHERE r.run = ? AND r.noun = 'explanation'
UNION
SELECT g.id AS generation, e.question, s.role, g.prompt_tokens, g.completion_tokens, g.seconds
  FROM links r JOIN reviews v ON v.id = r."row" JOIN explanations e ON e.id = v.explanation
  JOIN seats s ON s.id = v.seat JOIN generations g ON g.id = v.generation
  WHERE r.run = ? AND r.noun = 'review'
"""


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
    return [Cost(**row) for row in store.rows(COSTS, run, run)]
