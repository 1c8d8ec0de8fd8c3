"""Forward passes that read the head's logits, or the last states, only where they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def _head_sees(model: Any, keep: Tensor) -> Iterator[list[Tensor]]:
    """Within it, the model's output layer is given only the kept positions, as one row (1, N, H).

    What it was given, (N, H) a forward pass, is in the list: the last layer's states.
    """
    seen: list[Tensor] = []

    def narrow(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        seen.append(inputs[0][keep])
        return (seen[-1][None], *inputs[1:])

    head = getattr(
        model, "module", model
    ).get_output_embeddings()  # `module`: inside DistributedDataParallel
    handle = head.register_forward_pre_hook(narrow)
    try:
        yield seen
    finally:
        handle.remove()


def logits_at(model: Any, keep: Tensor, **inputs: Any) -> Tensor:
    """(N, V) logits at the positions where `keep` (B, T) is true, row by row, in the model's type.

    The vocabulary is the largest axis of a small model, and a prompt needs no logits: none are made (ours).
    """
    with _head_sees(model, keep):
        logits: Tensor = model(**inputs).logits
    return logits[0]


@contextmanager
def _not_checkpointed(model: Any) -> Iterator[None]:
    """Within it, no layer recomputes its forward pass: a layer that does so drops the cache it is given."""
    layers = [
        module for module in model.modules() if getattr(module, "gradient_checkpointing", False)
    ]
    for layer in layers:
        layer.gradient_checkpointing = False
    try:
        yield
    finally:
        for layer in layers:
            layer.gradient_checkpointing = True


def last_states(
    model: Any, prompts: Tensor, prompt_mask: Tensor, replies: Tensor, lengths: Tensor
) -> Tensor:
    """(R, H): the last layer's state at the last token of each reply; no gradient goes through a prompt.

    `prompts` (M, P) padded on the left, with their mask; `replies` (R, T) padded on the right, with their
    `lengths` (R,). Each prompt has R / M replies, that stand together. The prompt's keys and values are computed
    once and without a graph (tailored learning, arXiv 2310.13332, the authors' code).
    """
    times = len(replies) // len(prompts)
    places = torch.arange(replies.shape[1], device=replies.device)
    starts = prompt_mask.sum(1).repeat_interleave(times)[:, None]
    last_of_prompt = torch.zeros_like(prompts, dtype=torch.bool)
    last_of_prompt[:, -1] = True
    with _not_checkpointed(model), torch.no_grad(), _head_sees(model, last_of_prompt):
        cache = model(
            input_ids=prompts,
            attention_mask=prompt_mask,
            position_ids=(prompt_mask.cumsum(1) - 1).clamp(min=0),
            use_cache=True,
        ).past_key_values
    cache.batch_repeat_interleave(times)
    written = places < lengths[:, None]
    with _not_checkpointed(model), _head_sees(model, places == lengths[:, None] - 1) as states:
        model(
            input_ids=replies,
            attention_mask=torch.cat(
                [prompt_mask.repeat_interleave(times, 0), written.long()], dim=1
            ),
            position_ids=starts + places,
            past_key_values=cache,
            use_cache=True,
        )
    return states[0]
