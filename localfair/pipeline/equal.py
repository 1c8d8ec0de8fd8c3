"""What every variant of a comparison gets as much of. Knows nothing of how it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from localfair.errors import UsageError


@dataclass(frozen=True, slots=True)
class Equal:
    """What every variant gets as much of: teacher tokens, teacher FLOPs or lessons; or nothing."""

    tokens: int | None = None
    flops: int | None = None
    lessons: int | None = None

    def check(self) -> None:
        """Raises UsageError where two of them are to be equal."""
        amounts = {"tokens": self.tokens, "FLOPs": self.flops, "lessons": self.lessons}
        named = [unit for unit, amount in amounts.items() if amount]
        if len(named) > 1:
            raise UsageError(
                f"a budget of {' and one of '.join(named)} cannot both be equal", "name one of them"
            )


NO_BUDGET = Equal()
