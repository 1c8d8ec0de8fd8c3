"""What every table of a recipe is: frozen, of known keys alone, and with bounds on its numbers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

# Bounds that no run on one machine comes near: a slip of the keyboard is told apart from a number
# that is meant (ours).
MOST_ROUNDS = 1000
MOST_SAMPLES = 1000  # replies to one request
MOST_EPOCHS = 10_000
MOST_STEPS = 10**6  # also lessons, questions, words
MOST_TOKENS = 2**20  # of a sequence
MOST_WEIGHT = 10**6


class Strict(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )
