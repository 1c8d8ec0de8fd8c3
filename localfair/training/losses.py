"""Training losses, as pure functions on tensors; each names its paper and equation.

Reads and writes nothing; knows nothing of tokenizers, adapters or the trainer. A term of a loss is
a name (`feedback`, `rationale`, `lm`, `kl`, `triplet`, ...) with a weight. A term's value is a mean
over its own tokens (a triplet's: over its items) in one *whole* accumulation window, so its sum may
be gathered micro-batch by micro-batch while its count is that of the window.

B rows, T tokens a row, V words in the vocabulary, N supervised positions of the batch, M triplets,
H the width of a state.
"""

from __future__ import annotations

from collections.abc import Mapping

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


def weighted_terms(
    sums: Mapping[str, Tensor], counts: Mapping[str, int], weights: Mapping[str, float]
) -> Tensor:
    """`sum over terms t of weights[t] * sums[t] / counts[t]`, a scalar.

    The training objective of each paper, by its weights: FAIR (arXiv 2410.03663) {feedback: alpha,
    rationale: 1 - alpha}; TinyLLM (arXiv 2402.04616) {answer: 1, one rationale term per teacher:
    alpha_m}; Mentor-KD (arXiv 2410.09037) {rationale: 1 - lambda, kl: lambda}; tailored learning
    (arXiv 2310.13332) {lm: 1, triplet: 0.5}. `counts` are the tokens or items of the whole window,
    `sums` those of this micro-batch: added up over the window's micro-batches the values are the
    loss of the window (ours). A term without any in the window adds nothing, and the others keep
    their weights.
    """
    values = []
    for term, weight in weights.items():
        if counts.get(term):
            values.append(weight * sums[term] / counts[term])
    assert values, "a window without supervised tokens"
    return torch.stack(values).sum()


def sums_by_term(losses: Tensor, terms: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The sum of `losses` (N,) of each term; `terms` (N,) holds indices into `names`."""
    sums = {}
    for number, name in enumerate(names):
        sums[name] = (losses * (terms == number)).sum()
    return sums


def token_weights(labels: Tensor, prompt_weight: Tensor) -> Tensor:
    """(B, T) float32: 1 for a token of the reply, `prompt_weight` (B, 1) for one of the prompt.

    Tailored learning's language-model loss (arXiv 2310.13332, the authors' code): the mean over all
    tokens of weight times cross-entropy, divided by the number of tokens and not by the sum of
    their weights.
    """
    return torch.where(labels == IGNORE, prompt_weight, torch.ones(()))


def divergence(logits: Tensor, indices: Tensor, logprobs: Tensor, tau: float) -> Tensor:
    """(N,) float32 `KL(softmax(z_mentor / tau) || softmax(z_student / tau))`; no factor tau^2.

    Mentor-KD (arXiv 2410.09037, the distillation loss). `logits` (N, V) are the student's over the
    shared ids. The mentor gives `logprobs` (N, k + 1) at `tau`: those of the ids in `indices`
    (N, k), then the log of all mass outside them.

    That mass is one more outcome (ours), compared with the student's mass outside the same ids:
    `sum_i q_i log(q_i / p_i) + q_rest log(q_rest / p_rest)`. It is never more than the full
    divergence, since merging outcomes loses information, and equals it when k is V.
    """
    student = (logits.float() / tau).log_softmax(-1)
    mentor = logprobs.float().log_softmax(-1)  # a distribution again, whatever rounding did to it
    outcomes = student.gather(1, indices)
    if indices.shape[1] < student.shape[1]:
        outside = student.scatter(1, indices, -torch.inf).logsumexp(-1, keepdim=True)
        outcomes = torch.cat([outcomes, outside], dim=1)
    else:
        mentor = mentor[:, :-1]  # no mass is outside, and 0 * log 0 is no number
    return (mentor.exp() * (mentor - outcomes)).sum(-1)


def triplet(anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """(M,) float32 `max(0, 1 - cos(anchor, positive) + cos(anchor, negative))` of states (M, H).

    Tailored learning's self-reflection (arXiv 2310.13332, L_cl): a state is the last layer's at the
    last token of a rationale; the anchor is the training rationale, the positive another right one
    of its question, the negative one of the student's own mistakes of it.
    """
    near = functional.cosine_similarity(anchor.float(), positive.float(), dim=-1)
    far = functional.cosine_similarity(anchor.float(), negative.float(), dim=-1)
    return (1 - near + far).clamp(min=0)
