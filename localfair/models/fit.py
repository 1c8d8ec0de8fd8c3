"""How much memory a model takes, to be served and to be trained by QLoRA, and what would fit otherwise.

Reads headers, and what memory this machine has. Estimates, for choosing, never for refusing: the constants were
fitted to peaks of the resident set, without a GPU (models/README.md shows formula beside measurement).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localfair.errors import ModelError
from localfair.machine.hardware import free_memory
from localfair.models.gguf_header import read_gguf_header
from localfair.models.metadata import weights_size
from localfair.models.registry import Model
from localfair.models.safetensors_folder import read_folder

# Serving, beside weights and cache: an engine, the vocabulary's words and logits, one chunk of a prompt
ENGINE, WORD, CHUNK = 60_000_000, 900, 512 * 8
# Training: torch and its libraries; bytes of a parameter in NF4 (doubly quantised), and of one in a step: its NF4 and
# what the allocator keeps of the 16-bit copies that each layer makes
LIBRARIES, NF4, STEP = 700_000_000, 0.53, 2.5
LORA = 16  # a LoRA parameter in float32: itself, its gradient, two moments of Adam
KEPT = {"bf16": 55, "fp32": 100}  # bytes kept for the backward pass per token, layer and width
WIDE = {"bf16": 2, "fp32": 4}  # bytes of a parameter that is not quantised
LOGIT = 28  # bytes per supervised token and word: bf16, float32, and their gradients
REPLY = 0.5  # the part of a lesson that is supervised
MARGIN = 1.1  # of what is needed must be free: the formula was up to 11 % too low
LEAST = 256  # tokens: shorter lessons or contexts are not proposed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What memory depends on. `weights` and `kv` are bytes; `queries` and `keys` widths of all heads together."""

    weights: int
    kv: int
    layers: int
    width: int
    feed_forward: int
    queries: int
    keys: int
    vocabulary: int
    tied: bool

    @property
    def linear(self) -> int:
        """Parameters of the linear layers, which QLoRA quantises."""
        return self.layers * (
            self.width * (2 * self.queries + 2 * self.keys) + 3 * self.width * self.feed_forward
        )

    @property
    def outer(self) -> int:
        """Parameters of the embedding and the output layer, which stay bf16."""
        return self.vocabulary * self.width * (1 if self.tied else 2)

    @property
    def per_rank(self) -> int:
        """LoRA parameters of all linear layers for each unit of rank."""
        attention = 2 * (self.width + self.queries) + 2 * (self.width + self.keys)
        return self.layers * (attention + 3 * (self.width + self.feed_forward))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of a model: `context` tokens for each of `batch` sequences served, or lessons of that length.

    compute: what training multiplies in, `bf16` or `fp32` (see `localfair.machine.hardware`).
    """

    context: int
    batch: int
    rank: int = 16
    checkpointing: bool = False
    train: bool = False
    compute: str = "bf16"

    def __str__(self) -> str:
        if not self.train:
            return f"context {self.context}, {self.batch} at once"
        with_checkpoints = ", gradient checkpointing" if self.checkpointing else ""
        return f"length {self.context}, batch {self.batch}, rank {self.rank}, {self.compute}{with_checkpoints}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """An answer: bytes needed, bytes free in `place`, and the nearest load that fits where this one does not."""

    load: Load
    needed: int
    place: str
    free: int
    instead: Load | None

    @property
    def fits(self) -> bool:
        return self.needed * MARGIN <= self.free


def memory_needed(model: Model, context: int, sequences: int) -> int:
    """Bytes to serve `sequences` at once with `context` tokens each; see `to_serve`."""
    return to_serve(sizes_of(model.path), context, sequences)


def to_serve(sizes: Sizes, context: int, sequences: int) -> int:
    """weights + sequences * context * cache of a token + ENGINE + WORD * vocabulary + CHUNK * feed-forward width.

    Cache of a token = layers * KV heads * (key + value width) * 2 bytes. Sliding-window and recurrent layers need less.
    """
    scratch = ENGINE + WORD * sizes.vocabulary + CHUNK * sizes.feed_forward
    return sizes.weights + sequences * context * sizes.kv + scratch


def to_train(
    sizes: Sizes, length: int, batch: int, rank: int, *, checkpointing: bool = False, compute: str = "bf16"
) -> int:  # fmt: skip
    """The larger of two peaks, in bytes, of QLoRA (arXiv 2305.14314) on all linear layers.

    Both: LIBRARIES + WIDE * outer + LORA * rank * LoRA parameters. Loading adds 2 * all parameters, a 16-bit file, and
    NF4 * linear; a step adds STEP * linear + tokens * (KEPT * layers * width + REPLY * LOGIT * vocabulary); with
    checkpointing only one layer's KEPT, and 2 * WIDE * width of every layer's input.
    """
    layer = KEPT[compute] * sizes.width
    kept = (
        layer + 2 * WIDE[compute] * sizes.width * sizes.layers
        if checkpointing
        else layer * sizes.layers
    )
    loading = 2 * (sizes.linear + sizes.outer) + NF4 * sizes.linear
    step = STEP * sizes.linear + length * batch * (kept + REPLY * LOGIT * sizes.vocabulary)
    return (
        LIBRARIES
        + WIDE[compute] * sizes.outer
        + LORA * rank * sizes.per_rank
        + int(max(loading, step))
    )


def needed(sizes: Sizes, load: Load) -> int:
    """Bytes for a load."""
    if load.train:
        return to_train(
            sizes,
            load.context,
            load.batch,
            load.rank,
            checkpointing=load.checkpointing,
            compute=load.compute,
        )
    return to_serve(sizes, load.context, load.batch)


def fit(model: Model, load: Load, memory: Callable[[], tuple[str, int]] | None = None) -> Fit:
    """Whether a load fits the memory that is free here, and if not what would. Raises ModelError for unknown sizes."""
    sizes = sizes_of(model.path)
    if load.train and not (sizes.linear and sizes.feed_forward):
        raise ModelError(
            f"{model.name} does not say how large its layers are", "its memory cannot be estimated"
        )
    place, free = (memory or free_memory)()
    fits = [other for other in (load, *lighter(load)) if needed(sizes, other) * MARGIN <= free]
    instead = fits[0] if fits and fits[0] != load else None
    return Fit(load=load, needed=needed(sizes, load), place=place, free=free, instead=instead)


def lighter(load: Load) -> Iterator[Load]:
    """Loads that need less, the least change first: checkpointing, then halves of the batch, then of the length."""
    if load.train and not load.checkpointing:
        load = replace(load, checkpointing=True)
        yield load
    while load.batch > 1:
        load = replace(load, batch=load.batch // 2)
        yield load
    while load.context // 2 >= LEAST:
        load = replace(load, context=load.context // 2)
        yield load


def sizes_of(path: Path) -> Sizes:
    """The sizes that a GGUF or a safetensors folder says it has; 0 for what it does not say."""
    if path.is_dir():
        return _of_config(path, json.loads((path / "config.json").read_text(encoding="utf-8")))
    header = read_gguf_header(path)
    widths = header.kv_bytes // (4 * header.block_count) if header.block_count else 0
    each = widths // header.kv_heads if header.kv_heads else 0
    return Sizes(
        weights=weights_size(path), kv=header.kv_bytes, layers=header.block_count, width=header.width,
        feed_forward=header.feed_forward, queries=header.heads * each, keys=widths, vocabulary=header.vocabulary,
        tied=header.tied,
    )  # fmt: skip


def _of_config(path: Path, config: dict[str, Any]) -> Sizes:
    kv, layers = read_folder(path).kv_bytes, int(config.get("num_hidden_layers") or 0)
    heads = int(config.get("num_attention_heads") or 0)
    kv_heads = int(config.get("num_key_value_heads") or heads)
    widths = kv // (4 * layers) if layers else 0
    return Sizes(
        weights=weights_size(path), kv=kv, layers=layers, width=int(config.get("hidden_size") or 0),
        feed_forward=int(config.get("intermediate_size") or 0),
        queries=heads * (widths // kv_heads if kv_heads else 0), keys=widths,
        vocabulary=int(config.get("vocab_size") or 0), tied=bool(config.get("tie_word_embeddings")),
    )  # fmt: skip
