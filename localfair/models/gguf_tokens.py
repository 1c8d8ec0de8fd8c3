"""How a GGUF's control tokens are spelled: what no message may spell if it is to stay text.

Reads one file's head. Knows nothing of prompts.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

from localfair.models.gguf_header import _ARRAY, _SCALARS, _STRING, _Reader, read_gguf_header

UNKNOWN, CONTROL = 2, 3  # token types of ggml
# llama.cpp takes these for control tokens whatever type the file gives them: they end turns in known families
ENDS = frozenset({
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>", "<|endoftext|>",
    "<|end_of_text|>", "<|eom_id|>", "<EOT>", "_<EOT>", "<｜end▁of▁sentence｜>", "<|end_of_turn|>",
    "<|flush|>", "<|calls|>", "</s>", "[EOT]", "[EOS]", "<end_of_utterance>", "<eos>",
})  # fmt: skip
TOKENS, TYPES = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"


def control_texts(path: Path) -> tuple[str, ...]:
    """Every control token's text, two characters or more, in the vocabulary's order. Raises as `read_gguf_header`."""
    read_gguf_header(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = _arrays(_Reader(data))
    kinds = found.get(TYPES) or [1] * len(found.get(TOKENS, []))
    marked = zip(found.get(TOKENS, []), kinds, strict=False)
    return tuple(
        text
        for text, kind in marked
        if len(text) > 1 and (kind in (UNKNOWN, CONTROL) or text in ENDS)
    )


def _arrays(reader: _Reader) -> dict[str, list[Any]]:
    """The vocabulary's tokens and their types; everything else is stepped over."""
    reader.at = 8
    reader.scalar("Q")
    found: dict[str, list[Any]] = {}
    for _ in range(reader.scalar("Q")):
        key, kind = reader.string(), reader.scalar("I")
        if key in (TOKENS, TYPES) and kind == _ARRAY:
            item, count = reader.scalar("I"), reader.scalar("Q")
            one = (
                reader.string
                if item == _STRING
                else lambda code=_SCALARS[item]: reader.scalar(code)
            )
            found[key] = [one() for _ in range(count)]
        else:
            reader.value(kind)
    return found
