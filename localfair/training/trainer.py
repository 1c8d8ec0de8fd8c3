"""The training loop's own part: batches of lessons, and a loss made of weighted terms.

Reads encoded lessons, writes nothing but an adapter when asked to save. Knows nothing of the base's
precision or of the folders of a training. transformers' Trainer does everything else.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from localfair.errors import TrainingError
from localfair.models.forward import last_states, logits_at
from localfair.models.loading import save_adapter
from localfair.record.nouns import content_id
from localfair.training.batches import Batches, by_length, filled, one_a_question, padded
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
from localfair.training.settings import TrainSettings
from localfair.training.soft_labels import Soft

# transformers prints that WANDB_MODE is offline; stdout is for data
with redirect_stdout(io.StringIO()):
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments, set_seed

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

__all__ = [
    "Example",
    "TermTrainer",
    "TrainerCallback",
    "TrainingArguments",
    "collate",
    "set_seed",
    "share_predicted",
]
Batch = Mapping[str, Tensor]  # what `collate` makes
KL, TRIPLET = "kl", "triplet"  # the two terms that no lesson's tokens belong to by kind


@dataclass(frozen=True, slots=True)
class Example:
    """One lesson, the loss term its tokens belong to, and a factor on each of its tokens' losses.

    The factor does not enter the term's count: a mean is over tokens, not over weights. With
    `prompt_weight` the prompt's tokens are learned and counted too, at that factor. `soft` holds
    the mentor's labels for its reply, `contrast` the rationales of its triplet; `question` is what
    batches may be told apart by.
    """

    encoded: Encoded
    term: str
    weight: float = 1.0
    prompt_weight: float | None = None
    question: str = ""
    soft: Soft | None = None
    contrast: Contrast | None = None

    @property
    def id(self) -> str:
        """The hash of all that a training reads of it."""
        return content_id(
            "example",
            encoded=self.encoded.id,
            term=self.term,
            weight=self.weight,
            prompt_weight=self.prompt_weight,
            question=self.question,
            soft=self.soft.id if self.soft else None,
            contrast=self.contrast.id if self.contrast else None,
        )

    @property
    def learned(self) -> tuple[int, ...]:
        """The labels, or every token where the prompt's count too."""
        return self.encoded.labels if self.prompt_weight is None else self.encoded.input_ids

    @property
    def prompt_factor(self) -> float:
        """The factor on a prompt token's loss; without `prompt_weight` no such token is learned."""
        return 1.0 if self.prompt_weight is None else self.prompt_weight


def collate(examples: Sequence[Example], terms: tuple[str, ...]) -> dict[str, Tensor]:
    """A batch padded on the right to its longest row.

    All are (B, T), but for `term` (B,) and what only some lessons have. `labels` are the tokens
    that are learned, `weight` the factor on each, `soft` 1 where a mentor's label stands.
    """
    tokens = [example.encoded.input_ids for example in examples]
    replies = padded([example.encoded.labels for example in examples], IGNORE)
    weights = torch.tensor([[example.weight] for example in examples])
    prompt_factors = torch.tensor([[example.prompt_factor] for example in examples])
    softened = torch.tensor([[example.soft is not None] for example in examples])
    batch = {
        "input_ids": padded(tokens, 0),
        "labels": padded([example.learned for example in examples], IGNORE),
        "attention_mask": filled(tokens),
        "term": torch.tensor([terms.index(example.term) for example in examples]),
        "weight": token_weights(replies, prompt_factors) * weights,
        "soft": (replies != IGNORE) & softened,
    }
    batch.update(_soft_columns([example.soft for example in examples if example.soft]))
    batch.update(_contrast_columns([example.contrast for example in examples if example.contrast]))
    return batch


def _soft_columns(labels: Sequence[Soft]) -> dict[str, Tensor]:
    """The mentor's labels, a row a token, in the order in which the batch's label tokens stand."""
    if not labels:
        return {}
    tensors = [label.tensors() for label in labels]
    return {
        "soft_indices": torch.cat([indices for indices, _ in tensors]),
        "soft_logprobs": torch.cat([logprobs for _, logprobs in tensors]),
    }


def _contrast_columns(contrasts: Sequence[Contrast]) -> dict[str, Tensor]:
    """Prompts (M, P) padded on the left, and their replies (3 M, T) padded on the right.

    A prompt's three replies stand together: anchor, positive, negative.
    """
    if not contrasts:
        return {}
    replies: list[tuple[int, ...]] = []
    for contrast in contrasts:
        replies += (contrast.anchor, contrast.positive, contrast.negative)
    # the right end of a reversed prompt is its left end
    backwards = [contrast.prompt[::-1] for contrast in contrasts]
    return {
        "prompts": padded(backwards, 0).flip(1),
        "prompt_mask": filled(backwards).flip(1),
        "replies": padded(replies, 0),
        "lengths": torch.tensor([len(reply) for reply in replies]),
    }


def counts_of(batch: Batch, terms: Sequence[str]) -> list[int]:
    """How many tokens, soft labels or triplets each term's mean is over in this batch."""
    tokens = predicts(batch["labels"]).sum(1)
    counts = []
    for number, term in enumerate(terms):
        if term == KL:
            counts.append(int(batch["soft"].sum()))
        elif term == TRIPLET:
            counts.append(len(batch.get("lengths", ())) // 3)
        else:
            counts.append(int(tokens[batch["term"] == number].sum()))
    return counts


class TermTrainer(Trainer):  # type: ignore[misc]
    """The Trainer whose loss is `losses.weighted_terms` over a whole accumulation window.

    Under torch's launcher the window is that of all processes together.
    """

    loss_is_scaled_for_ga = True  # each micro-batch's loss is already its share of the window's

    def __init__(
        self,
        model: PeftModel,
        arguments: TrainingArguments,
        lessons: Sequence[Example],
        settings: TrainSettings,
    ) -> None:
        self.terms = dict(settings.terms)
        self.tau = settings.tau
        self.vocabulary = settings.vocabulary
        self.batches = _batches(lessons, settings, arguments.per_device_train_batch_size)
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=list(lessons),
            data_collator=partial(collate, terms=tuple(self.terms)),
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> Any:
        """The Trainer's own, a plain shuffle, or one that follows `batches`."""
        if self.batches is None:
            return super().get_train_dataloader()
        loader = torch.utils.data.DataLoader(
            self.train_dataset,
            batch_sampler=self.batches,
            collate_fn=self.data_collator,  # type: ignore[arg-type]
        )
        return self.accelerator.prepare(loader)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], dict[str, int]]:
        """The window's micro-batches, and in the place of a token count one count for each term."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        names = tuple(self.terms)
        counts = torch.tensor(
            [counts_of(batch, names) for batch in batches], device=self.args.device
        )
        of_all_processes = self.accelerator.reduce(counts.sum(0), "sum").tolist()
        return batches, dict(zip(names, of_all_processes, strict=True))

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: dict[str, int] | None = None,
    ) -> Tensor:
        """This micro-batch's share of the window's loss."""
        assert num_items_in_batch is not None, "it comes from get_batch_samples"
        keep = predicts(inputs["labels"])
        logits = logits_at(
            model,
            keep,
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            use_cache=False,
        )
        # (N,) each, of the token that a kept position predicts
        labels = inputs["labels"].roll(-1, 1)[keep]
        weights = inputs["weight"].roll(-1, 1)[keep]
        soft = inputs["soft"].roll(-1, 1)[keep]
        rows = keep.nonzero()[:, 0]
        losses = cross_entropy(logits, labels) * weights
        sums = sums_by_term(losses, inputs["term"][rows], tuple(self.terms))
        if KL in self.terms and "soft_indices" in inputs:
            divergences = self._divergences(logits[soft], inputs)
            sums[KL] = (divergences * weights[soft]).sum()
        if TRIPLET in self.terms and "prompts" in inputs:
            sums[TRIPLET] = self._triplets(inputs).sum()
        # gradients are averaged over processes, the counts are of all of them
        share = weighted_terms(sums, num_items_in_batch, self.terms)
        return share * int(self.accelerator.num_processes)

    def _divergences(self, logits: Tensor, inputs: Batch) -> Tensor:
        """(N,) of the mentor's distribution from the student's, over the ids that both share."""
        shared = logits[:, : self.vocabulary]
        return divergence(shared, inputs["soft_indices"], inputs["soft_logprobs"], self.tau)

    def _triplets(self, inputs: Batch) -> Tensor:
        """(M,) the hinge of each contrast of the batch."""
        prompts = inputs["prompts"]
        states = last_states(
            self.model, prompts, inputs["prompt_mask"], inputs["replies"], inputs["lengths"]
        )
        anchor, positive, negative = states.view(len(prompts), 3, -1).unbind(1)
        return triplet(anchor, positive, negative)

    def training_step(self, *args: object, **kwargs: object) -> Tensor:
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
            save_adapter(self.model, Path(output_dir or self.args.output_dir))


@torch.no_grad()
def share_predicted(trainer: TermTrainer, lessons: Sequence[Example]) -> float:
    """The share of the lessons' reply tokens that the model finds likeliest, nothing dropped out.

    No random number is drawn, so a training goes on as if nobody had looked.
    """
    model = trainer.model
    was_training = model.training
    model.eval()
    size = trainer.args.per_device_train_batch_size
    by_size = sorted(lessons, key=lambda lesson: lesson.encoded.length)
    right = 0
    total = 0
    for start in range(0, len(by_size), size):
        encoded = [lesson.encoded for lesson in by_size[start : start + size]]
        tokens = [each.input_ids for each in encoded]
        labels = padded([each.labels for each in encoded], IGNORE).to(trainer.args.device)
        keep = predicts(labels)
        with trainer.accelerator.autocast():
            logits = logits_at(
                model,
                keep,
                input_ids=padded(tokens, 0).to(trainer.args.device),
                attention_mask=filled(tokens).to(trainer.args.device),
                use_cache=False,
            )
        wanted = labels.roll(-1, 1)[keep]
        right += int((logits.argmax(-1) == wanted).sum())
        total += len(wanted)
    model.train(was_training)
    return right / total


def _batches(lessons: Sequence[Example], settings: TrainSettings, size: int) -> Batches | None:
    """The order that the settings ask for; None is a plain shuffle."""
    if settings.one_question_a_batch:
        questions = [lesson.question for lesson in lessons]
        return Batches(partial(one_a_question, questions, size), size, settings.seed)
    if settings.group_by_length:
        lengths = [lesson.encoded.length for lesson in lessons]
        return Batches(partial(by_length, lengths, size), size, settings.seed)
    return None
