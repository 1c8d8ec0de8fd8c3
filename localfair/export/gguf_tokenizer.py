"""Metadata of a GGUF whose base is a safetensors folder: hyperparameters and the tokenizer.

Reads a model's configuration and the tokenizer's files; adds keys to a writer. llama.cpp knows a
way of cutting text into words by name (tokenizer.ggml.pre). A tokenizer that cuts in none of the
ways listed here is refused: under a wrong name llama.cpp would make wrong tokens and say nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.errors import ModelError
from localfair.models.gguf_names import gguf_package

if TYPE_CHECKING:
    from gguf import GGUFWriter, TokenType
    from transformers import PretrainedConfig

INSTEAD = (
    "take the GGUF of this model as the student, "
    "or `localfair export merged` and llama.cpp's own scripts"
)
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
# the steps by which a tokenizer.json cuts text into words -> llama.cpp's name for them
PRE_TOKENIZERS = {
    ("words",): "gpt-2",
    ("digits", "words"): "smollm",
    (QWEN2, "bytes"): "qwen2",
    (LLAMA3, "bytes"): "llama-bpe",
}


def write_from_folder(
    writer: GGUFWriter, folder: Path, config: PretrainedConfig, chat_template: str | None
) -> None:
    """Add every key that llama.cpp needs besides tensors.

    Raises ModelError for a model or a tokenizer that llama.cpp would not read as transformers does.
    """
    _write_hyperparameters(writer, config)
    _write_tokenizer(writer, folder, int(config.vocab_size), chat_template)


def _write_hyperparameters(writer: GGUFWriter, config: PretrainedConfig) -> None:
    rotation = getattr(config, "rope_parameters", None) or {}
    is_scaled = rotation.get("rope_type", "default") != "default"
    if is_scaled or getattr(config, "use_sliding_window", False):
        raise ModelError("scaled rotations and sliding windows are not written to GGUF", INSTEAD)
    head_width = getattr(config, "head_dim", None)
    if not head_width:
        head_width = config.hidden_size // config.num_attention_heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_width)
    writer.add_value_length(head_width)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(float(rotation.get("rope_theta", 10000.0)))
    writer.add_rope_dimension_count(head_width)
    writer.add_vocab_size(config.vocab_size)


def _write_tokenizer(
    writer: GGUFWriter, folder: Path, vocabulary_size: int, chat_template: str | None
) -> None:
    gguf = gguf_package()
    tokenizer = _read_tokenizer(folder)
    texts, types = _tokens(tokenizer, vocabulary_size, gguf.TokenType)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_pre_tokenizer(tokenizer, folder))
    writer.add_token_list(texts)
    writer.add_token_types(types)
    special = gguf.SpecialVocab(folder, load_merges=True, n_vocab=vocabulary_size)
    special.chat_template = chat_template or special.chat_template
    special.add_to_gguf(writer, quiet=True)


def _read_tokenizer(folder: Path) -> dict[str, Any]:
    """The content of `tokenizer.json`.

    Raises ModelError when it is missing or no byte-level BPE.
    """
    try:
        text = (folder / "tokenizer.json").read_text(encoding="utf-8")
        tokenizer: dict[str, Any] = json.loads(text)
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} holds no readable tokenizer.json", INSTEAD) from error
    bpe = tokenizer["model"]
    if bpe.get("type") != "BPE" or bpe.get("byte_fallback"):
        raise ModelError(f"the tokenizer in {folder} is not a byte-level BPE", INSTEAD)
    return tokenizer


def _tokens(
    tokenizer: dict[str, Any], size: int, types: type[TokenType]
) -> tuple[list[str], list[int]]:
    """The text and the type of every token, by id.

    Rows of the embedding that have no token become unused padding.
    """
    token_texts = [f"[PAD{i}]" for i in range(size)]
    token_types = [int(types.UNUSED)] * size
    for text, token_id in tokenizer["model"]["vocab"].items():
        token_texts[token_id] = text
        token_types[token_id] = int(types.NORMAL)
    for token in tokenizer["added_tokens"]:
        token_type = types.CONTROL if token["special"] else types.USER_DEFINED
        token_texts[token["id"]] = token["content"]
        token_types[token["id"]] = int(token_type)
    return token_texts, token_types


def _pre_tokenizer(tokenizer: dict[str, Any], folder: Path) -> str:
    """llama.cpp's name for the way this tokenizer cuts text into words.

    Raises ModelError when it has none.
    """
    whole_step = tokenizer.get("pre_tokenizer") or {}
    steps = whole_step.get("pretokenizers", [whole_step])
    cuts = tuple(_cut(step) for step in steps)
    normalizer = tokenizer.get("normalizer") or {"type": None}
    if cuts not in PRE_TOKENIZERS or normalizer["type"] not in (None, "NFC"):
        raise ModelError(
            f"how the tokenizer in {folder} cuts text into words is not known to localfair", INSTEAD
        )
    return PRE_TOKENIZERS[cuts]


def _cut(step: dict[str, object]) -> str:
    """What one step of a pre-tokenizer cuts by.

    One of words, bytes, digits and unknown, or the step's own regular expression.
    """
    match step:
        case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}:
            return "words"
        case {"type": "ByteLevel", "add_prefix_space": False}:
            return "bytes"
        case {"type": "Digits", "individual_digits": True}:
            return "digits"
        case {
            "type": "Split",
            "pattern": {"Regex": regex},
            "behavior": "Isolated",
            "invert": False,
        }:
            return str(regex)
    return "unknown"
