"""Forward passes that read the head's logits, or the last states, only where they are wanted.

Reads token ids through a loaded model of transformers; writes nothing. Knows nothing of losses,
lessons or engines.

B rows, T tokens a row, V words in the vocabulary, H the width of a state, N kept positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import DynamicCache, PreTrainedModel


@contextmanager
def _head_narrowed(model: PreTrainedModel, keep: Tensor) -> Iterator[list[Tensor]]:
    """Within it, the model's output layer is given only the kept positions, as one row (1, N, H).

    Each forward pass appends to the yielded list what the layer was given: the last layer's states,
    (N, H).
    """
    states: list[Tensor] = []

    def narrow(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, *others = inputs
        kept = hidden[keep]
        states.append(kept)
        return (kept[None], *others)

    inner = getattr(model, "module", model)  # `module`: inside DistributedDataParallel
    handle = inner.get_output_embeddings().register_forward_pre_hook(narrow)
    try:
        yield states
    finally:
        handle.remove()


def logits_at(model: PreTrainedModel, keep: Tensor, **inputs: Any) -> Tensor:
    """(N, V) logits at the positions where `keep` (B, T) is true, row by row, in the model's type.

    The vocabulary is the largest axis of a small model, and a prompt needs no logits: none are made
    (ours).
    """
    with _head_narrowed(model, keep):
        logits: Tensor = model(**inputs).logits
    return logits[0]


@contextmanager
def _not_checkpointed(model: PreTrainedModel) -> Iterator[None]:
    """Within it, no layer recomputes its forward pass: one that does drops its cache."""
    layers = []
    for module in model.modules():
        if getattr(module, "gradient_checkpointing", False):
            layers.append(module)
    for layer in layers:
        layer.gradient_checkpointing = False
    try:
        yield
    finally:
        for layer in layers:
            layer.gradient_checkpointing = True


def last_states(
    model: PreTrainedModel, prompts: Tensor, prompt_mask: Tensor, replies: Tensor, lengths: Tensor
) -> Tensor:
    """(R, H): the last layer's state at each reply's last token; no gradient enters a prompt.

    `prompts` (M, P) padded on the left, with their mask; `replies` (R, T) padded on the right, with
    their `lengths` (R,). Each prompt has R / M replies, that stand together. The prompt's keys and
    values are computed once and without a graph (tailored learning, arXiv 2310.13332, the authors'
    code).
    """
    replies_a_prompt = len(replies) // len(prompts)
    places = torch.arange(replies.shape[1], device=replies.device)
    is_reply = places < lengths[:, None]
    is_last = places == lengths[:, None] - 1
    masks = prompt_mask.repeat_interleave(replies_a_prompt, 0)
    cache = _cache_of(model, prompts, prompt_mask, replies_a_prompt)
    with _not_checkpointed(model), _head_narrowed(model, is_last) as states:
        model(
            input_ids=replies,
            attention_mask=torch.cat([masks, is_reply.long()], dim=1),
            position_ids=masks.sum(1, keepdim=True) + places,
            past_key_values=cache,
            use_cache=True,
        )
    return states[0]


def _cache_of(
    model: PreTrainedModel, prompts: Tensor, prompt_mask: Tensor, times: int
) -> DynamicCache:
    """The prompts' keys and values without a graph, each `times` times side by side."""
    last = torch.zeros_like(prompts, dtype=torch.bool)
    last[:, -1] = True  # the head must be given something
    positions = (prompt_mask.cumsum(1) - 1).clamp(min=0)
    with _not_checkpointed(model), torch.no_grad(), _head_narrowed(model, last):
        output = model(
            input_ids=prompts, attention_mask=prompt_mask, position_ids=positions, use_cache=True
        )
    cache = output.past_key_values
    cache.batch_repeat_interleave(times)
    return cache
