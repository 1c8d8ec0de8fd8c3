"""A mentor's top-k log-probabilities of each label token of a lesson, and the mass outside them.

Reads token ids and a loaded mentor; gives bytes for the record and tensors for the loss
(`losses.divergence`). Knows nothing of the store, of recipes or of text. A soft label belongs to a
lesson's exact tokens, by their hash, and never to a place in a shuffled order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from localfair.models.forward import logits_at
from localfair.record.nouns import content_id
from localfair.training.batches import filled, padded
from localfair.training.encode import Encoded
from localfair.training.losses import IGNORE, predicts

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOGETHER = 4  # lessons a mentor reads at once: a bound on memory


@dataclass(frozen=True, slots=True)
class Soft:
    """A lesson's soft labels, as stored.

    `indices` is (labels, top_k) int32, `logprobs` (labels, top_k + 1) float16. Natural
    log-probabilities over the shared ids at one temperature; the last column is the log of the mass
    outside the top k, minus infinity where nothing is outside.
    """

    top_k: int
    indices: bytes
    logprobs: bytes

    @property
    def id(self) -> str:
        """The hash of the labels themselves."""
        return content_id(
            "soft",
            top_k=self.top_k,
            indices=hashlib.sha256(self.indices).hexdigest(),
            logprobs=hashlib.sha256(self.logprobs).hexdigest(),
        )

    def tensors(self) -> tuple[Tensor, Tensor]:
        """`indices` as int64 and `logprobs` as float32, both a row a label token."""
        indices = torch.frombuffer(bytearray(self.indices), dtype=torch.int32)
        logprobs = torch.frombuffer(bytearray(self.logprobs), dtype=torch.float16)
        return indices.view(-1, self.top_k).long(), logprobs.view(-1, self.top_k + 1).float()


def tokens_id(encoded: Encoded) -> str:
    """What the record keeps a lesson's soft labels under."""
    return encoded.id


def shared_vocabulary(tokenizer: PreTrainedTokenizerBase) -> tuple[str, int]:
    """(hash of which token each id is, how many ids there are).

    Equal hashes mean that one model reads another's ids as the same tokens; the widths of their
    output layers say nothing of it, one family pads them differently from size to size (ours).
    """
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: (item[1], item[0]))
    _, last_id = words[-1]
    return content_id("vocabulary", words=words), last_id + 1


def top_k(logits: Tensor, k: int, tau: float) -> tuple[Tensor, Tensor]:
    """(N, k) int32 ids and (N, k + 1) float16 log-probabilities, the last of the mass outside.

    Of `softmax(logits / tau)`, for `logits` (N, V).
    """
    scores = (logits.float() / tau).log_softmax(-1)
    best, indices = scores.topk(k)
    outside = scores.scatter(1, indices, -torch.inf).logsumexp(-1, keepdim=True)
    return indices.int(), torch.cat([best, outside], dim=1).half()


def soften(
    model: PreTrainedModel, lessons: Sequence[Encoded], *, k: int, vocabulary: int, tau: float
) -> Iterator[Soft]:
    """Yield a `Soft` for each lesson, in order, as soon as it is known.

    The mentor `model` reads prompt and reply (teacher forcing). `vocabulary` is the number of ids
    that mentor and student share; what a padded output layer has beyond them is cut off. `k` is at
    most that.
    """
    k = min(k, vocabulary)
    for start in range(0, len(lessons), TOGETHER):
        batch = lessons[start : start + TOGETHER]
        tokens = [lesson.input_ids for lesson in batch]
        labels = padded([lesson.labels for lesson in batch], IGNORE)
        keep = predicts(labels).to(model.device)
        with torch.inference_mode():
            logits = logits_at(
                model,
                keep,
                input_ids=padded(tokens, 0).to(model.device),
                attention_mask=filled(tokens).to(model.device),
                use_cache=False,
            )
            indices, logprobs = top_k(logits[:, :vocabulary], k, tau)
        # the batch's label tokens stand one after the other: cut them into lessons again
        counts = keep.sum(1).tolist()
        indices_of = torch.split(indices.cpu(), counts)
        logprobs_of = torch.split(logprobs.cpu(), counts)
        for ids, values in zip(indices_of, logprobs_of, strict=True):
            yield Soft(k, ids.numpy().tobytes(), values.numpy().tobytes())
