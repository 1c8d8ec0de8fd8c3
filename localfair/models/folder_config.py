"""What the `config.json` of a folder says of the model's sizes, nested or not.

Reads no file. Knows the names that transformers' configurations use.
"""

from __future__ import annotations

from dataclasses import dataclass

from localfair.models.gguf_header import ARCHITECTURE, MOST_CONTEXT
from localfair.models.parsing import Malformed, quoted, whole_number

# where models of text and images keep the text model's part (Gemma 3, Mistral 3.1; InternVL; Janus)
NESTED = ("text_config", "llm_config", "language_config")
# our name -> transformers' names of it, and the most that is believed (a hundred times the largest)
NAMES = {
    "context": (
        ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "n_ctx"),
        MOST_CONTEXT,
    ),
    "layers": (("num_hidden_layers", "n_layer", "num_layers", "n_layers"), 4096),
    "heads": (("num_attention_heads", "n_head", "n_heads"), 1 << 14),
    "kv_heads": (("num_key_value_heads",), 1 << 14),
    "width": (("hidden_size", "n_embd", "d_model"), 1 << 20),
    "head_width": (("head_dim",), 1 << 16),
    "feed_forward": (("intermediate_size", "n_inner"), 1 << 22),
    "vocabulary": (("vocab_size",), 1 << 26),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSizes:
    """Sizes of a model of transformers; 0 for what its configuration does not say.

    architecture: its `model_type`, of the outer configuration where it is nested. kv_bytes: bytes
    of an f16 key and value cache for one token.
    """

    architecture: str
    context: int
    layers: int
    heads: int
    kv_heads: int
    width: int
    feed_forward: int
    vocabulary: int
    tied: bool
    kv_bytes: int


def sizes_in(config: dict[str, object]) -> FolderSizes:
    """The sizes that a configuration says. Raises Malformed for one that makes no sense."""
    layers = [config]
    for name in NESTED:
        inner = config.get(name)
        if inner is None:
            continue
        if not isinstance(inner, dict):
            raise Malformed(f"{name} is no object: {quoted(inner)}")
        # the text model's own sizes stand before those of the whole
        layers.insert(0, inner)
    numbers = {name: _number(layers, name) for name in NAMES}
    heads = numbers["heads"]
    kv_heads = numbers["kv_heads"] or heads
    head_width = numbers.pop("head_width")
    if not head_width and heads:
        head_width = numbers["width"] // heads
    return FolderSizes(
        architecture=_architecture(config),
        **{**numbers, "kv_heads": kv_heads},
        tied=any(layer.get("tie_word_embeddings") is True for layer in layers),
        # keys and values, two bytes each
        kv_bytes=numbers["layers"] * kv_heads * 2 * head_width * 2,
    )


def _architecture(config: dict[str, object]) -> str:
    architecture = config.get("model_type") or ""
    if not isinstance(architecture, str):
        raise Malformed(f"model_type is no text: {quoted(architecture)}")
    if architecture and not ARCHITECTURE.fullmatch(architecture):
        raise Malformed(f"model_type is {quoted(architecture)}, no name")
    return architecture


def _number(layers: list[dict[str, object]], name: str) -> int:
    """The first of the names that a configuration has; the largest where each layer has its own."""
    keys, most = NAMES[name]
    for layer in layers:
        for key in keys:
            value = layer.get(key)
            if value is None:
                continue
            values = value if isinstance(value, list) and value else [value]
            # a context of 0 would fit no prompt
            least = 1 if name == "context" else 0
            return max(whole_number(_whole(item), key, most, least) for item in values)
    return 0


def _whole(value: object) -> object:
    """A JSON number like 4096.0 as the whole number that it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
