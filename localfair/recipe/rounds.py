"""When the rounds of a recipe end early, and whose adapter goes on after them.

Reads the outcomes of a run's steps, as they are made; writes nothing. Knows nothing of models or
questions. What it decides follows from the record, so the same command decides it again without
asking anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from localfair.recipe.schema import Recipe, RecipeStep


@dataclass(frozen=True, slots=True)
class Standing:
    """How the student did on dev in a round, and the adapter it had there ("" for none).

    improves: the round is counted as better than every one before, whatever its answers. A plan
    cannot know them, and must not leave out a round that may come.
    """

    round: int
    right: int
    answers: int
    adapter: str
    improves: bool = False

    @property
    def accuracy(self) -> float:
        """The share of right answers; 0 when nothing was answered."""
        return self.right / self.answers if self.answers else 0.0


def best(standings: Sequence[Standing]) -> Standing:
    """The round with the best accuracy on dev; of equal ones the first, which trained least."""
    improving = [standing for standing in standings if standing.improves]
    if improving:
        return improving[-1]
    return max(standings, key=lambda standing: (standing.accuracy, -standing.round))


def stalled(standings: Sequence[Standing], patience: int) -> bool:
    """Whether none of the last `patience` rounds was better than one before them."""
    if not standings:
        return False
    return standings[-1].round - best(standings).round >= patience


@dataclass(slots=True)
class Rounds:
    """The rounds of one run: what they brought, and whether there will be another.

    `over` says why no further round is begun, "" while one may be.
    """

    recipe: Recipe
    standings: list[Standing] = field(default_factory=list)
    over: str = ""
    # how many lessons each train step of this round learned
    _trained: list[int] = field(default_factory=list)

    def skips(self, number: int) -> bool:
        """Whether the steps of this round are left out."""
        return bool(self.over) and self._is_round(number)

    def saw(
        self,
        number: int,
        step: RecipeStep,
        outcome: dict[str, Any],
        adapter: str,
        improves: bool = False,
    ) -> str:
        """Take in a step's outcome and the student's adapter after it.

        `improves` counts an exam on dev as better than every one before (see Standing).

        A line for the person where a round ends and there is something to say of it, "" everywhere
        else.
        """
        if step.stage == "train":
            self._trained.append(outcome["trained"])
        early_stop = self.recipe.early_stop
        if early_stop and step.id == early_stop.exam and self._is_round(number):
            right, answers = outcome["right"], outcome["answers"]
            self.standings.append(Standing(number, right, answers, adapter, improves))
        if not self._ends_round(number, step):
            return ""
        self.over = self._reason_to_end(number)
        self._trained = []
        if self.over and number < self.recipe.rounds:
            return f"{self.over}; the rounds end here"
        return self.over

    def _is_round(self, number: int) -> bool:
        """Whether a number is a round's: 0 is `before`, one more than the last round `after`."""
        return 1 <= number <= self.recipe.rounds

    def _ends_round(self, number: int, step: RecipeStep) -> bool:
        enabled = [other.id for other in self.recipe.round if other.enabled]
        return self._is_round(number) and step.id == enabled[-1]

    def _reason_to_end(self, number: int) -> str:
        if self._trained and not any(self._trained):
            return f"round {number}: no lessons were left to learn from"
        early_stop = self.recipe.early_stop
        if early_stop and stalled(self.standings, early_stop.patience):
            top = best(self.standings)
            return (
                f"round {number}: {early_stop.exam} was best in round {top.round} "
                f"({top.right} of {top.answers} right)"
            )
        return ""

    def chosen(self, number: int) -> Standing | None:
        """The round whose adapter goes on to the steps after the rounds.

        None before that, and where no exam on dev decides it.
        """
        if number <= self.recipe.rounds or not self.standings:
            return None
        return best(self.standings)
