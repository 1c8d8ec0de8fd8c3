"""The tiny llama of `tests.tiny` as a GGUF in float32: the same weights, words and template, for llama.cpp.

Reads nothing, asks nobody, takes well under a second.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from transformers import LlamaForCausalLM

from localfair.models import Card, Model
from tests import tiny

CONTEXT = 512
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def write(folder: Path, path: Path, *, add_bos: bool = False) -> Path:
    """The model that `tiny.build` saved in `folder`, as one file at `path`."""
    llama = LlamaForCausalLM.from_pretrained(folder)
    writer = gguf.GGUFWriter(path, "llama")
    _write_shape(writer, llama.config)
    _write_words(writer, tiny.tokenizer(), add_bos)
    for name, weight in llama.state_dict().items():
        writer.add_tensor(_name(name), _rotated(name, weight.float().numpy(), llama.config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def model(path: Path, template: str | None = tiny.CHATML) -> Model:
    """The model of the file that `write` makes."""
    card = Card(name="tiny", family="llama", format="gguf", file=path.name)
    return replace(tiny.model(CONTEXT, path), card=card, chat_template=template)


def _write_shape(writer: gguf.GGUFWriter, config: Any) -> None:
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)


def _write_words(writer: gguf.GGUFWriter, words: Any, add_bos: bool) -> None:
    saved = json.loads(words.backend_tokenizer.to_str())["model"]
    texts = words.convert_ids_to_tokens(range(len(words)))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(texts)
    kinds = {True: gguf.TokenType.CONTROL, False: gguf.TokenType.NORMAL}
    writer.add_token_types([kinds[i in words.all_special_ids] for i in range(len(texts))])
    writer.add_token_merges([" ".join(pair) for pair in saved["merges"]])
    writer.add_bos_token_id(words.bos_token_id)
    writer.add_eos_token_id(words.eos_token_id)
    writer.add_add_bos_token(add_bos)
    writer.add_chat_template(tiny.CHATML)


def _name(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem in OUTER:
        return f"{OUTER[stem]}.weight"
    layer, inner = stem.removeprefix("model.layers.").split(".", 1)
    return f"blk.{layer}.{NAMES[inner]}.weight"


def _rotated(name: str, weight: np.ndarray, config: Any) -> np.ndarray:
    """Queries and keys in llama.cpp's order: it turns neighbouring pairs, transformers turns halves."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    count = next((heads[part] for part in name.split(".") if part in heads), None)
    if count is None:
        return weight
    split = weight.reshape(count, 2, weight.shape[0] // count // 2, weight.shape[1])
    return np.ascontiguousarray(split.swapaxes(1, 2).reshape(weight.shape))
