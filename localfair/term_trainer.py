"""The training loop's own part: batches of lessons, and a loss made of weighted terms.

Reads encoded lessons, writes nothing but an adapter when told to save. Knows nothing of the base's
precision, of settings or of files. transformers' Trainer does everything else.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from localfair.errors import TrainingError
from localfair.lessons import Encoded
from localfair.losses import IGNORE, cross_entropy, logits_at, predicts, sums_by_term, weighted_terms
from localfair.weights import save_adapter

with redirect_stdout(io.StringIO()):  # transformers prints that WANDB_MODE is offline; stdout is for data
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments, set_seed

__all__ = [
    "Example",
    "PrinterCallback",
    "TermTrainer",
    "TrainerCallback",
    "TrainingArguments",
    "collate",
    "set_seed",
]


@dataclass(frozen=True, slots=True)
class Example:
    """One lesson, the loss term it belongs to, and a factor on each of its tokens' losses.

    The factor does not enter the term's count: a mean is over tokens, not over weights.
    """

    encoded: Encoded
    term: str
    weight: float = 1.0


def collate(examples: Sequence[Example], terms: tuple[str, ...]) -> dict[str, Tensor]:
    """A batch padded on the right to its longest row; (B, T) but for `term` and `weight`, which are (B,).

    What is padding is said by lengths, never by a token id: a pad id may be a real token too.
    """
    lengths = torch.tensor([len(example.encoded.input_ids) for example in examples])
    return {
        "input_ids": _padded([e.encoded.input_ids for e in examples], 0),
        "labels": _padded([e.encoded.labels for e in examples], IGNORE),
        "attention_mask": (torch.arange(int(lengths.max())) < lengths[:, None]).long(),
        "term": torch.tensor([terms.index(e.term) for e in examples]),
        "weight": torch.tensor([e.weight for e in examples]),
    }


class TermTrainer(Trainer):  # type: ignore[misc]
    """The Trainer whose loss is `losses.weighted_terms` over a whole accumulation window."""

    loss_is_scaled_for_ga = True  # each micro-batch's loss is already its share of the window's
    terms: dict[str, float]

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> Any:
        """The window's micro-batches, and in the place of a token count one count for each term."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        counts = dict.fromkeys(self.terms, 0)
        for batch in batches:
            tokens = predicts(batch["labels"]).sum(1)
            for i, term in enumerate(self.terms):
                counts[term] += int(tokens[batch["term"] == i].sum())
        return batches, counts

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """This micro-batch's share of the window's loss; a term of another shape adds its sums here."""
        labels, keep = inputs["labels"], predicts(inputs["labels"])
        logits = logits_at(
            model,
            keep,
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            use_cache=False,
        )
        rows = keep.nonzero()[:, 0]
        losses = cross_entropy(logits, labels.roll(-1, 1)[keep]) * inputs["weight"][rows]
        sums = sums_by_term(losses, inputs["term"][rows], tuple(self.terms))
        return weighted_terms(sums, num_items_in_batch, self.terms)

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """One micro-batch; a loss that is no number stops before the weights take it in."""
        loss: Tensor = super().training_step(*args, **kwargs)
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss became {loss.item()} at step {self.state.global_step + 1}",
                "try a lower learning rate, or a smaller clip",
            )
        return loss

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """An adapter, and no pickled arguments beside it."""
        save_adapter(self.model, Path(str(output_dir or self.args.output_dir)))


def _padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows])
