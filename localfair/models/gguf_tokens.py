"""The control tokens of a GGUF: what no message may spell if it is to stay text.

Reads one file's head. Knows nothing of prompts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from localfair.models.gguf_header import read_gguf_header
from localfair.models.gguf_reader import ARRAY, Reader, opened
from localfair.models.parsing import reading

TOKENS = "tokenizer.ggml.tokens"
TYPES = "tokenizer.ggml.token_type"
# token types of ggml
NORMAL, UNKNOWN, CONTROL = 1, 2, 3
# llama.cpp takes these for control tokens whatever type the file gives them: they end turns
ENDS = frozenset(
    {
        "<|eot_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<end_of_turn>",
        "<|endoftext|>",
        "<|end_of_text|>",
        "<|eom_id|>",
        "<EOT>",
        "_<EOT>",
        "<｜end▁of▁sentence｜>",
        "<|end_of_turn|>",
        "<|flush|>",
        "<|calls|>",
        "</s>",
        "[EOT]",
        "[EOS]",
        "<end_of_utterance>",
        "<eos>",
    }
)


def control_texts(path: Path) -> tuple[str, ...]:
    """Every control token's text of two characters or more, in the vocabulary's order.

    Raises MissingWeights, CorruptWeights.
    """
    read_gguf_header(path)  # so that a damaged file is an error of ours
    with reading(path, "a usable GGUF file", "get it again"), opened(path) as reader:
        vocabulary = _vocabulary(reader)
    tokens = vocabulary.get(TOKENS, [])
    types = vocabulary.get(TYPES) or [NORMAL] * len(tokens)
    return tuple(
        token
        for token, token_type in zip(tokens, types, strict=False)
        if len(token) > 1 and _is_control(token, token_type)
    )


def _is_control(token: str, token_type: int) -> bool:
    return token_type in (UNKNOWN, CONTROL) or token in ENDS


def _vocabulary(reader: Reader) -> dict[str, list[Any]]:
    """The tokens and their types, by key; everything else is stepped over."""
    arrays: dict[str, list[Any]] = {}
    _, key_count = reader.begin()
    for _ in range(key_count):
        key = reader.name()
        value_type = reader.scalar("I")
        if key in (TOKENS, TYPES) and value_type == ARRAY:
            arrays[key] = reader.items()
        else:
            reader.value(value_type)
    return arrays
