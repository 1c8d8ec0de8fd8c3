"""The metadata of a GGUF whose base is a safetensors folder: hyperparameters and a byte-level BPE tokenizer.

Reads `config.json` and the tokenizer's files; adds keys to a writer. A tokenizer whose way of cutting text into
words llama.cpp does not know by one of the names below is refused: a wrong name gives wrong tokens in silence.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localfair.errors import ModelError
from localfair.models.gguf_names import gguf_package

INSTEAD = "take the GGUF of this model as the student, or `localfair export merged` and llama.cpp's own scripts"
# how a tokenizer.json cuts text into words -> llama.cpp's name for it (tokenizer.ggml.pre)
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CUTS = {
    ("words",): "gpt-2",
    ("digits", "words"): "smollm",
    (QWEN2, "bytes"): "qwen2",
    (QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|"), "bytes"): "llama-bpe",
}


def write_from_folder(writer: Any, folder: Path, config: Any, chat_template: str | None) -> None:
    """Add what llama.cpp needs besides tensors. Raises ModelError for what it would not read as transformers does."""
    _write_shape(writer, config)
    _write_words(writer, folder, int(config.vocab_size), chat_template)


def _write_shape(writer: Any, config: Any) -> None:
    rotation = getattr(config, "rope_parameters", None) or {}
    if rotation.get("rope_type", "default") != "default" or getattr(
        config, "use_sliding_window", False
    ):
        raise ModelError("scaled rotations and sliding windows are not written to GGUF", INSTEAD)
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(float(rotation.get("rope_theta", 10000.0)))
    writer.add_rope_dimension_count(width)
    writer.add_vocab_size(config.vocab_size)


def _write_words(writer: Any, folder: Path, size: int, chat_template: str | None) -> None:
    gguf = gguf_package()
    saved = _tokenizer(folder)
    texts, kinds = _entries(saved, size, gguf.TokenType)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_cut(saved, folder))
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    special = gguf.SpecialVocab(folder, load_merges=True, n_vocab=size)
    special.chat_template = chat_template or special.chat_template
    special.add_to_gguf(writer, quiet=True)


def _tokenizer(folder: Path) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} holds no readable tokenizer.json", INSTEAD) from error
    if saved["model"].get("type") != "BPE" or saved["model"].get("byte_fallback"):
        raise ModelError(f"the tokenizer in {folder} is not a byte-level BPE", INSTEAD)
    return saved


def _entries(saved: dict[str, Any], size: int, types: Any) -> tuple[list[str], list[int]]:
    """Every token's text and type by id; rows of the embedding that no token has are filled up."""
    texts, kinds = [f"[PAD{i}]" for i in range(size)], [int(types.UNUSED)] * size
    for text, at in saved["model"]["vocab"].items():
        texts[at], kinds[at] = text, int(types.NORMAL)
    for token in saved["added_tokens"]:
        texts[token["id"]] = token["content"]
        kinds[token["id"]] = int(types.CONTROL if token["special"] else types.USER_DEFINED)
    return texts, kinds


def _cut(saved: dict[str, Any], folder: Path) -> str:
    """llama.cpp's name for the way this tokenizer cuts text into words."""
    before = saved.get("pre_tokenizer") or {}
    parts = tuple(_part(step) for step in before.get("pretokenizers", [before]))
    normal = (saved.get("normalizer") or {"type": None})["type"]
    if parts not in CUTS or normal not in (None, "NFC"):
        raise ModelError(
            f"how the tokenizer in {folder} cuts text into words is not known to localfair", INSTEAD
        )
    return CUTS[parts]


def _part(step: dict[str, Any]) -> str:
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
