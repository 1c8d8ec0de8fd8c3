"""What the authors of an inquire step are asked to write: feedback, rationales, repairs."""

from __future__ import annotations

from pydantic import Field, field_validator

from localfair.recipe.strict import MOST_SAMPLES, Strict


class WriteFeedback(Strict):
    """Explain a mistake."""

    gold: bool = True  # whether the author sees the gold answer
    demonstrations: int = Field(0, ge=0, le=MOST_SAMPLES)
    samples: int = Field(1, ge=1, le=MOST_SAMPLES)


class WriteRationale(Strict):
    """Answer the question afresh."""

    gold: bool = False
    mistake: bool = False  # whether the author sees the student's own wrong answer
    demonstrations: int = Field(0, ge=0, le=MOST_SAMPLES)
    samples: int = Field(1, ge=1, le=MOST_SAMPLES)


class WriteRepair(Strict):
    """Correct the student's own attempt from its first wrong step on, to the answer.

    It is checked, reviewed and learned as a rationale. A rationale is asked for instead where there
    is no attempt, or only its format is wrong.
    """

    gold: bool = False
    demonstrations: int = Field(0, ge=0, le=MOST_SAMPLES)
    samples: int = Field(1, ge=1, le=MOST_SAMPLES)


class Write(Strict):
    """What an author is asked to write; `false` leaves a form out, `true` takes it as it is usual."""

    feedback: WriteFeedback | None = None
    rationale: WriteRationale | None = None
    repair: WriteRepair | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _switched(cls, form: object) -> object:
        if isinstance(form, bool):
            return {} if form else None
        return form
