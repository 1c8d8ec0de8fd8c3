"""Training losses, as pure functions on tensors; each names its paper and equation.

Reads and writes nothing; knows nothing of tokenizers, adapters or the trainer. A term of a loss is a
name (`feedback`, `rationale`, `answer`, ...) with a weight. A term's value is a mean over its own
supervised tokens in one *whole* accumulation window, so its sum may be gathered micro-batch by
micro-batch while its count is that of the window.
B rows, T tokens a row, V words in the vocabulary, N supervised positions of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

IGNORE = -100  # a label that is not supervised


def predicts(labels: Tensor) -> Tensor:
    """(B, T) bool: the positions whose *next* token is supervised; the last one never is."""
    mask = torch.zeros_like(labels, dtype=torch.bool)
    mask[:, :-1] = labels[:, 1:] != IGNORE
    return mask


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """(N,) float32 negative natural log-likelihoods of `targets` (N,) under `logits` (N, V).

    Eq. 1 of every paper here (the language-model loss); only these N rows are ever made float32.
    """
    return functional.cross_entropy(logits.float(), targets, reduction="none")


def token_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """(B, T-1) float32: `cross_entropy` of each next token, 0 where it is not supervised.

    `logits` (B, T, V) of any float type, `labels` (B, T) unshifted, IGNORE where not supervised.
    """
    keep = predicts(labels)
    losses = torch.zeros(labels.shape, dtype=torch.float32, device=logits.device)
    losses = losses.masked_scatter(keep, cross_entropy(logits[keep], labels.roll(-1, 1)[keep]))
    return losses[:, :-1]


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of `values` where `mask` is true, of any one shape; 0 where nothing is."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def weighted_terms(sums: Mapping[str, Tensor], counts: Mapping[str, int], weights: Mapping[str, float]) -> Tensor:
    """`sum over terms t of weights[t] * sums[t] / counts[t]`, a scalar.

    FAIR (arXiv 2410.03663, the training objective) is weights {feedback: alpha, rationale: 1 - alpha};
    TinyLLM (arXiv 2402.04616) is {answer: 1, one rationale term per teacher: alpha_m}. `counts` are the
    supervised tokens of the whole window, `sums` those of this micro-batch: added up over the window's
    micro-batches the values are the loss of the window (ours). A term without a token in the window adds
    nothing, and the others keep their weights.
    """
    parts = [weights[term] * sums[term] / counts[term] for term in weights if counts.get(term)]
    assert parts, "a window without supervised tokens"
    return torch.stack(parts).sum()


def sums_by_term(losses: Tensor, terms: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The sum of `losses` (N,) of each term; `terms` (N,) holds indices into `names`."""
    return {name: (losses * (terms == i)).sum() for i, name in enumerate(names)}


@contextmanager
def _head_sees(model: Any, keep: Tensor) -> Iterator[None]:
    """Within it, the model's output layer is given only the kept positions, as one row (1, N, H)."""
    head = model.get_output_embeddings()
    handle = head.register_forward_pre_hook(lambda _, inputs: (inputs[0][keep][None], *inputs[1:]))
    try:
        yield
    finally:
        handle.remove()


def logits_at(model: Any, keep: Tensor, **inputs: Any) -> Tensor:
    """(N, V) logits at the positions where `keep` (B, T) is true, row by row, in the model's type.

    The vocabulary is the largest axis of a small model, and a prompt needs no logits: none are made (ours).
    """
    with _head_sees(model, keep):
        logits: Tensor = model(**inputs).logits
    return logits[0]
