"""The training loop's own part: batches of lessons, and a loss made of weighted terms.

Reads encoded lessons, writes nothing but an adapter when told to save. Knows nothing of the base's
precision, of settings or of files. transformers' Trainer does everything else.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from localfair.errors import TrainingError
from localfair.models.forward import last_states, logits_at
from localfair.models.loading import save_adapter
from localfair.training.batches import Batches, filled, padded
from localfair.training.encode import Contrast, Encoded
from localfair.training.losses import (
    IGNORE,
    cross_entropy,
    divergence,
    predicts,
    sums_by_term,
    token_weights,
    triplet,
    weighted_terms,
)
from localfair.training.soft_labels import Soft

with redirect_stdout(
    io.StringIO()
):  # transformers prints that WANDB_MODE is offline; stdout is for data
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
KL, TRIPLET = "kl", "triplet"  # the two terms that no lesson's tokens belong to by kind


@dataclass(frozen=True, slots=True)
class Example:
    """One lesson, the loss term its tokens belong to, and a factor on each of its tokens' losses.

    The factor does not enter the term's count: a mean is over tokens, not over weights. With `prompt_weight` the
    prompt's tokens are learned and counted too, at that factor. `soft` holds the mentor's labels for its reply,
    `contrast` the rationales of its triplet; `question` is what batches may be told apart by.
    """

    encoded: Encoded
    term: str
    weight: float = 1.0
    prompt_weight: float | None = None
    question: str = ""
    soft: Soft | None = None
    contrast: Contrast | None = None


def collate(examples: Sequence[Example], terms: tuple[str, ...]) -> dict[str, Tensor]:
    """A batch padded on the right to its longest row: (B, T) but for `term` (B,) and what only some lessons have.

    `labels` are the tokens that are learned, `weight` the factor on each, `soft` 1 where a mentor's label stands.
    """
    rows = [example.encoded.input_ids for example in examples]
    replies = padded([e.encoded.labels for e in examples], IGNORE)
    factors = torch.tensor([1.0 if e.prompt_weight is None else e.prompt_weight for e in examples])[
        :, None
    ]
    batch = {
        "input_ids": padded(rows, 0),
        "labels": padded([_learned(e) for e in examples], IGNORE),
        "attention_mask": filled(rows),
        "term": torch.tensor([terms.index(e.term) for e in examples]),
        "weight": token_weights(replies, factors)
        * torch.tensor([e.weight for e in examples])[:, None],
        "soft": (replies != IGNORE) & torch.tensor([e.soft is not None for e in examples])[:, None],
    }
    soft, contrasts = (
        [e.soft for e in examples if e.soft],
        [e.contrast for e in examples if e.contrast],
    )
    return batch | _soft(soft) | _contrasts(contrasts)


def _learned(example: Example) -> tuple[int, ...]:
    """The labels, or every token where the prompt's count too."""
    return example.encoded.labels if example.prompt_weight is None else example.encoded.input_ids


def _soft(labels: Sequence[Soft]) -> dict[str, Tensor]:
    """The mentor's labels, a row a token, in the order in which the batch's label tokens stand."""
    if not labels:
        return {}
    indices, logprobs = zip(*(label.tensors() for label in labels), strict=True)
    return {"soft_indices": torch.cat(indices), "soft_logprobs": torch.cat(logprobs)}


def _contrasts(items: Sequence[Contrast]) -> dict[str, Tensor]:
    """Prompts padded on the left (M, P), and for each its anchor, positive and negative padded on the right."""
    if not items:
        return {}
    backwards = [item.prompt[::-1] for item in items]
    replies = [reply for item in items for reply in (item.anchor, item.positive, item.negative)]
    return {
        "prompts": padded(backwards, 0).flip(1),
        "prompt_mask": filled(backwards).flip(1),
        "replies": padded(replies, 0),
        "lengths": torch.tensor([len(reply) for reply in replies]),
    }


def counts_of(batch: Mapping[str, Tensor], terms: Sequence[str]) -> list[int]:
    """How many tokens, soft labels or triplets each term's mean is over in this batch."""
    tokens = predicts(batch["labels"]).sum(1)
    counts = [int(tokens[batch["term"] == i].sum()) for i in range(len(terms))]
    special = {KL: int(batch["soft"].sum()), TRIPLET: len(batch.get("lengths", ())) // 3}
    return [special.get(term, count) for term, count in zip(terms, counts, strict=True)]


class TermTrainer(Trainer):  # type: ignore[misc]
    """The Trainer whose loss is `losses.weighted_terms` over a whole accumulation window, of all processes.

    `terms` are the weights; `tau` and `vocabulary` those of the soft labels; `batches` draws the order, None leaves
    it to the Trainer.
    """

    loss_is_scaled_for_ga = True  # each micro-batch's loss is already its share of the window's
    terms: dict[str, float]
    tau = 1.0
    vocabulary: int | None = None
    batches: Batches | None = None

    def get_train_dataloader(self) -> Any:
        """The Trainer's own, or one that follows `batches`."""
        if self.batches is None:
            return super().get_train_dataloader()
        loader = torch.utils.data.DataLoader(
            self.train_dataset,
            batch_sampler=self.batches,
            collate_fn=self.data_collator,  # type: ignore[arg-type]
        )
        return self.accelerator.prepare(loader)

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> Any:
        """The window's micro-batches, and in the place of a token count one count for each term."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        each = torch.tensor(
            [counts_of(batch, tuple(self.terms)) for batch in batches], device=self.args.device
        )
        counts = self.accelerator.reduce(each.sum(0), "sum").tolist()
        return batches, dict(zip(self.terms, counts, strict=True))

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """This micro-batch's share of the window's loss."""
        keep = predicts(inputs["labels"])
        logits = logits_at(
            model,
            keep,
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            use_cache=False,
        )
        labels, weight, soft = (
            inputs[name].roll(-1, 1)[keep] for name in ("labels", "weight", "soft")
        )
        losses = cross_entropy(logits, labels) * weight
        sums = sums_by_term(losses, inputs["term"][keep.nonzero()[:, 0]], tuple(self.terms))
        if KL in self.terms and "soft_indices" in inputs:
            shared = logits[soft][:, : self.vocabulary]
            each = divergence(shared, inputs["soft_indices"], inputs["soft_logprobs"], self.tau)
            sums[KL] = (each * weight[soft]).sum()
        if TRIPLET in self.terms and "prompts" in inputs:
            given = [inputs[name] for name in ("prompts", "prompt_mask", "replies", "lengths")]
            anchor, positive, negative = (
                last_states(self.model, *given).view(len(given[0]), 3, -1).unbind(1)
            )
            sums[TRIPLET] = triplet(anchor, positive, negative).sum()
        # gradients are averaged over processes, the counts are of all of them
        return weighted_terms(sums, num_items_in_batch, self.terms) * self.accelerator.num_processes

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
        """An adapter, by one process, and no pickled arguments beside it."""
        if self.args.should_save:
            save_adapter(self.model, Path(str(output_dir or self.args.output_dir)))
