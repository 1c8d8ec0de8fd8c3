"""Values of a GGUF's metadata over which llama.cpp ends the process instead of refusing the file.

Reads no file. Found by giving llama.cpp (llama-cpp-python 0.3.36) a tiny model with each value odd:
its assertions (GGML_ASSERT) abort, and nothing in Python can catch that.
"""

from __future__ import annotations

from collections.abc import Mapping

from localfair.models.gguf_reader import STRING
from localfair.models.parsing import Malformed, quoted, whole_number

MOST_EXPERTS = 512  # LLAMA_MAX_EXPERTS
ROPE_SCALING = frozenset({"none", "linear", "yarn", "longrope"})
TOKENS = "tokenizer.ggml.tokens"
# what a SentencePiece model spells a byte with that is no part of any other token
BYTES = frozenset(f"<0x{byte:02X}>".encode() for byte in range(256))
# array of the tokenizer -> the types that its items may have: texts, float32, (u)int32
TOKENIZER = {
    TOKENS: (STRING,),
    "tokenizer.ggml.merges": (STRING,),
    "tokenizer.ggml.scores": (6,),
    "tokenizer.ggml.token_type": (4, 5),
}


def refuse_hazards(
    meta: Mapping[str, object], arrays: Mapping[str, tuple[int, int]], architecture: str
) -> None:
    """Raises Malformed for metadata that would end the process.

    arrays: item type and length of each array in the metadata.
    """
    _must_fit_the_tokens(meta, arrays)
    scaling = meta.get(f"{architecture}.rope.scaling.type", "none")
    if not isinstance(scaling, str) or scaling not in ROPE_SCALING:
        raise Malformed(f"rope.scaling.type is {quoted(scaling)}, llama.cpp knows no such type")
    if meta.get(f"{architecture}.block_count", 1) == 0:
        raise Malformed("it has no layers")
    experts = whole_number(
        meta.get(f"{architecture}.expert_count", 0), "expert_count", MOST_EXPERTS
    )
    used = whole_number(
        meta.get(f"{architecture}.expert_used_count", 0), "expert_used_count", experts
    )
    if experts and not used:
        raise Malformed(f"it has {experts} experts and uses none")


def refuse_hazards_of_tokens(tokens: list[bytes], model: object) -> None:
    """Raises Malformed for a vocabulary that would end the process; `model` is the tokenizer's."""
    spelt = [token for token in tokens if token]
    distinct = set(spelt)
    if len(distinct) < len(spelt):
        raise Malformed("two of its tokens are spelt alike")
    if model == "llama" and tokens and not distinct >= BYTES:
        raise Malformed("its tokenizer has no tokens for single bytes")


def _must_fit_the_tokens(meta: Mapping[str, object], arrays: Mapping[str, tuple[int, int]]) -> None:
    """Raises Malformed for arrays of the tokenizer that llama.cpp would read past their ends."""
    for key, types in TOKENIZER.items():
        if key in meta and key not in arrays:
            raise Malformed(f"{key} is no list")
        if key in arrays and arrays[key][0] not in types:
            raise Malformed(f"{key} holds items of the wrong type")
    tokens = arrays.get(TOKENS, (STRING, 0))[1]
    for key in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        if key in arrays and arrays[key][1] < tokens:
            raise Malformed(f"{key} has {arrays[key][1]} items for {tokens} tokens")
