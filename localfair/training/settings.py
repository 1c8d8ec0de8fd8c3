"""What decides an adapter besides its base and its lessons. Pure; loads no heavy library."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

from localfair.machine.hardware import usual_precision
from localfair.record.nouns import content_id

# what is saved on the way decides nothing
NOT_IN_THE_ID = ("checkpoint_every", "keep_epochs")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Everything, besides base and lessons, that decides an adapter.

    `terms`: (term, weight in the loss). `warmup` counts steps; `clip` 0 clips nothing;
    `checkpoint_every` counts steps, 0 makes no checkpoint; `batch_size` x `accumulation` lessons
    make one step, shared among the processes. `max_length` is a bound on lessons, never a cut.
    `tau` and `vocabulary` (shared ids) are those of the lessons' soft labels.
    `one_question_a_batch` goes before `group_by_length`. `keep_epochs` leaves each epoch's adapter
    in `epochs/N`. `until`: training ends with the epoch after which that share of the lessons' reply
    tokens is predicted right, at the latest after `epochs`; None trains them all.
    """

    terms: tuple[tuple[str, float], ...]
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: str | tuple[str, ...] = "all-linear"
    learning_rate: float = 1e-4
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    warmup: int = 0
    epochs: int = 1
    batch_size: int = 8
    accumulation: int = 1
    max_length: int = 1024
    weight_decay: float = 0.0
    clip: float = 1.0
    seed: int = 0
    quantise: Literal["nf4", "none"] = "nf4"
    compute: Literal["bf16", "fp32"] = field(default_factory=usual_precision)
    gradient_checkpointing: bool = False
    checkpoint_every: int = 0
    tau: float = 1.0
    vocabulary: int | None = None
    group_by_length: bool = False
    one_question_a_batch: bool = False
    keep_epochs: bool = False
    until: float | None = None

    @property
    def id(self) -> str:
        """The hash of every setting that can change a weight."""
        deciding = asdict(self)
        for name in NOT_IN_THE_ID:
            del deciding[name]
        if self.until is None:  # it came later: older trainings go on under the id that they have
            del deciding["until"]
        return content_id("train_settings", **deciding)
