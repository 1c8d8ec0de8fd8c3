"""A tiny real student that writes one sentence whatever it is asked, on every machine.

A random student's words depend on how a processor rounds. This one has a random layer, so that it
can be trained, but its embeddings and its output layer lead from each token of the sentence to the
next one by so wide a margin that neither rounding, nor sampling, nor a few steps of training change
what it writes.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests import tiny

SENTENCE = "The answer is 60."
WIDTH = 32
EMBEDDED = 200.0  # far above what the random layer adds to it
MARGIN = 10.0  # a logit of about 56 for the next token, of about 0 for all others


def build(folder: Path) -> Path:
    """Builds the student in a folder."""
    words = tiny.tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        initializer_range=0.2,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        _lead(model, _path(words))
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def _path(words: Any) -> list[int]:
    """Lists the last token of an opened reply, the sentence's tokens and the end of the turn."""
    opened = words.apply_chat_template(
        [{"role": "user", "content": "?"}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=False,
    )
    sentence = words(SENTENCE, add_special_tokens=False).input_ids
    path = [opened[-1], *sentence, words.eos_token_id]
    assert len(set(path)) == len(path), "a token that stands twice has two followers"
    return path


def _lead(model: Any, path: list[int]) -> None:
    """Gives each token of the path a direction of its own, and its follower an output along it."""
    embedded = model.model.embed_tokens.weight
    output = model.lm_head.weight
    output.zero_()
    for direction, (token, follower) in enumerate(pairwise(path)):
        embedded[token] = 0.0
        embedded[token, direction] = EMBEDDED
        output[follower, direction] = MARGIN
