"""The tiny llama of `tests.tiny` as a GGUF in float32, for llama.cpp.

The weights, the tokenizer and the template are the same. It is written without the package's own
exporter, so that tests can compare the two. Reads the folder of the llama; writes one file.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from transformers import AutoTokenizer, LlamaForCausalLM

from localfair.models import Card, Model
from tests import tiny

CONTEXT = 512
# transformers' name of a weight -> llama.cpp's; first those of a layer, then those outside layers
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


# letters of bytes that stand in no text: their tokens can be given other texts
SPARE = "øùúû"


def write(folder: Path, path: Path, *, add_bos: bool = False, added: tuple[str, ...] = ()) -> Path:
    """Write the model that `tiny.build` saved in `folder` to `path`; return `path`.

    `added` are tokens of the user's own (type USER_DEFINED), which no text is cut at.
    """
    llama = LlamaForCausalLM.from_pretrained(folder)
    words = AutoTokenizer.from_pretrained(folder)
    writer = gguf.GGUFWriter(path, "llama")
    _write_hyperparameters(writer, llama.config)
    _write_tokenizer(writer, words, add_bos, added)
    for name, weight in llama.state_dict().items():
        values = _rotated(name, weight.float().numpy(), llama.config)
        writer.add_tensor(_name(name), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def model(path: Path, template: str | None = tiny.CHATML) -> Model:
    """The model of the file that `write` makes."""
    card = Card(name="tiny", family="llama", format="gguf", file=path.name)
    return replace(tiny.model(CONTEXT, path), card=card, chat_template=template)


def _write_hyperparameters(writer: gguf.GGUFWriter, config: Any) -> None:
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)


def _write_tokenizer(
    writer: gguf.GGUFWriter, words: Any, add_bos: bool, added: tuple[str, ...]
) -> None:
    bpe = json.loads(words.backend_tokenizer.to_str())["model"]
    texts = words.convert_ids_to_tokens(range(len(words)))
    types = [gguf.TokenType.NORMAL] * len(texts)
    for token_id, token in words.added_tokens_decoder.items():
        assert token.special
        types[token_id] = gguf.TokenType.CONTROL
    for letter, token in zip(SPARE, added, strict=False):
        token_id = texts.index(letter)
        texts[token_id] = token
        types[token_id] = gguf.TokenType.USER_DEFINED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(texts)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in bpe["merges"]])
    writer.add_bos_token_id(words.bos_token_id)
    writer.add_eos_token_id(words.eos_token_id)
    writer.add_add_bos_token(add_bos)
    writer.add_chat_template(tiny.CHATML)


def _name(name: str) -> str:
    """llama.cpp's name of a weight, `blk.0.attn_q.weight`."""
    stem = name.removesuffix(".weight")
    if stem in OUTER:
        return f"{OUTER[stem]}.weight"
    layer, inner = stem.removeprefix("model.layers.").split(".", 1)
    return f"blk.{layer}.{NAMES[inner]}.weight"


def _rotated(name: str, weight: np.ndarray, config: Any) -> np.ndarray:
    """Queries and keys in llama.cpp's order; every other weight as it is.

    llama.cpp turns neighbouring pairs of a head, transformers its halves.
    """
    if "q_proj" in name:
        heads = config.num_attention_heads
    elif "k_proj" in name:
        heads = config.num_key_value_heads
    else:
        return weight
    rows, columns = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))
