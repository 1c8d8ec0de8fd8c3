"""When the rounds of a recipe end before their number is reached, and whose adapter goes on after them.

Reads the outcomes of a run's own steps, as they are made; writes nothing. Knows nothing of models or questions. What
it decides follows from the record, so the same command decides it again without asking anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from localfair.recipe.schema import AnyStep, EarlyStop, Recipe


@dataclass(frozen=True, slots=True)
class Standing:
    """How the student did on dev in a round, and the adapter it had there ("" for none).

    improves: the round is counted as better than every one before, whatever its answers: a plan cannot
    know them, and must not leave out a round that may come.
    """

    round: int
    right: int
    answers: int
    adapter: str
    improves: bool = False

    @property
    def accuracy(self) -> float:
        return self.right / self.answers if self.answers else 0.0


def best(standings: Sequence[Standing]) -> Standing:
    """The round with the best accuracy on dev; of equal ones the first, which trained least."""
    improving = [standing for standing in standings if standing.improves]
    if improving:
        return improving[-1]
    return max(standings, key=lambda standing: (standing.accuracy, -standing.round))


def stalled(standings: Sequence[Standing], patience: int) -> bool:
    """Whether the last `patience` rounds were none of them better than one before them."""
    return bool(standings) and standings[-1].round - best(standings).round >= patience


@dataclass(slots=True)
class Rounds:
    """One run's rounds, told of every step that is done."""

    recipe: Recipe
    standings: list[Standing] = field(default_factory=list)
    over: str = ""  # why no further round is begun
    _trained: list[int] = field(
        default_factory=list
    )  # lessons that each train step of this round learned

    @property
    def _stop(self) -> EarlyStop | None:
        return self.recipe.early_stop

    def skips(self, number: int) -> bool:
        """Whether a step of this round is not to be done any more."""
        return bool(self.over) and 1 <= number <= self.recipe.rounds

    def saw(
        self,
        number: int,
        step: AnyStep,
        outcome: dict[str, Any],
        adapter: str,
        improves: bool = False,
    ) -> str:
        """Take in a step's outcome. At a round's end, what there is to say of it, "" when nothing is.

        `improves` counts an exam on dev as better than every one before (see Standing).
        """
        in_a_round = 1 <= number <= self.recipe.rounds
        if step.stage == "train":
            self._trained.append(outcome["trained"])
        if self._stop and step.id == self._stop.exam and in_a_round:
            right, answers = outcome["right"], outcome["answers"]
            self.standings.append(Standing(number, right, answers, adapter, improves))
        if not self._is_last(number, step):
            return ""
        trained, self._trained = self._trained, []
        self.over = self._reason(number, trained)
        return (
            f"{self.over}; the rounds end here"
            if self.over and number < self.recipe.rounds
            else self.over
        )

    def _is_last(self, number: int, step: AnyStep) -> bool:
        steps = [s for s in self.recipe.round if s.enabled]
        return 1 <= number <= self.recipe.rounds and step.id == steps[-1].id

    def _reason(self, number: int, trained: list[int]) -> str:
        if trained and not any(trained):
            return f"round {number}: no lessons were left to learn from"
        if self._stop and stalled(self.standings, self._stop.patience):
            b = best(self.standings)
            return f"round {number}: {self._stop.exam} was best in round {b.round} ({b.right} of {b.answers} right)"
        return ""

    def chosen(self, number: int) -> Standing | None:
        """Before the steps after the rounds: the round whose adapter goes on, where an exam on dev decides it."""
        return best(self.standings) if number > self.recipe.rounds and self.standings else None
