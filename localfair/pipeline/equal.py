"""What every variant of a comparison gets as much of, and what it is examined on. Knows nothing of how
that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from localfair.errors import UsageError


@dataclass(frozen=True, slots=True)
class Equal:
    """What every variant gets as much of: teacher tokens, teacher FLOPs or lessons; or nothing.

    on: the split of the exams before and after; "dev" opens no test question.
    """

    tokens: int | None = None
    flops: int | None = None
    lessons: int | None = None
    on: Literal["dev", "test"] = "test"

    def check(self) -> None:
        """Raises UsageError where two of them are to be equal."""
        amounts = {"tokens": self.tokens, "FLOPs": self.flops, "lessons": self.lessons}
        named = [unit for unit, amount in amounts.items() if amount]
        if len(named) > 1:
            raise UsageError(
                f"a budget of {' and one of '.join(named)} cannot both be equal", "name one of them"
            )


NO_BUDGET = Equal()
