"""The control tokens of a GGUF and the tokens added to its vocabulary: what a message must not spell
if it is to stay text.

Reads one file's head. Knows nothing of prompts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.models.gguf_header import read_gguf_header
from localfair.models.gguf_reader import ARRAY, Reader, opened
from localfair.models.parsing import reading

TOKENS = "tokenizer.ggml.tokens"
TYPES = "tokenizer.ggml.token_type"
# token types of ggml
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4
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


@dataclass(frozen=True, slots=True)
class MarkedTokens:
    """The texts of two characters or more, in the vocabulary's order.

    control: of control tokens. added: of those that are read as one token wherever a text spells
    them, and are no control tokens.
    """

    control: tuple[str, ...]
    added: tuple[str, ...]


def marked_tokens(path: Path) -> MarkedTokens:
    """The control tokens and the added tokens of a file. Raises MissingWeights, CorruptWeights."""
    read_gguf_header(path)  # so that a damaged file is an error of ours
    with reading(path, "a usable GGUF file", "get it again"), opened(path) as reader:
        vocabulary = _vocabulary(reader)
    tokens = vocabulary.get(TOKENS, [])
    types = vocabulary.get(TYPES) or [NORMAL] * len(tokens)
    control = []
    added = []
    for token, token_type in zip(tokens, types, strict=False):
        if len(token) < 2:
            continue
        if _is_control(token, token_type):
            control.append(token)
        elif token_type == USER_DEFINED:
            added.append(token)
    return MarkedTokens(tuple(control), tuple(added))


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
