"""How much memory a model takes to be served or trained by QLoRA, and what would fit otherwise.

Reads headers, and what memory this machine has. The numbers are estimates, for choosing, never for
refusing. Their constants were fitted to peaks of the resident set, and to those of a card's memory
(models/README.md shows formula beside measurement).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from localfair.errors import ModelError
from localfair.machine.hardware import GPU_MEMORY, free_memory
from localfair.models.gguf_header import read_gguf_header
from localfair.models.metadata import weights_size
from localfair.models.registry import Model
from localfair.models.safetensors_folder import read_folder

# Serving: bytes beside weights and cache.
ENGINE = 60_000_000
WORD = 900  # for each entry of the vocabulary: its text and its logits
CHUNK = 512 * 8  # for each unit of the feed-forward layers: one chunk of a prompt

# Training.
REPLY = 0.5  # the part of a lesson that is supervised
INPUT = 2  # bytes of an activation in bf16

MARGIN = 1.1  # of what is needed must be free: the formula was up to 11 % too low
LEAST = 256  # tokens: shorter lessons or contexts are not proposed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What memory depends on. Sizes that a model does not say are 0.

    weights: bytes. kv: bytes of the cache for one token. queries, keys: widths of all heads
    together. tied: the embedding is the output layer, too.
    """

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
        attention = self.width * (2 * self.queries + 2 * self.keys)
        feed_forward = 3 * self.width * self.feed_forward
        return self.layers * (attention + feed_forward)

    @property
    def outer(self) -> int:
        """Parameters of the embedding and the output layer, which stay bf16."""
        matrices = 1 if self.tied else 2
        return matrices * self.vocabulary * self.width

    @property
    def per_rank(self) -> int:
        """LoRA parameters of all linear layers for each unit of rank."""
        attention = 2 * (self.width + self.queries) + 2 * (self.width + self.keys)
        feed_forward = 3 * (self.width + self.feed_forward)
        return self.layers * (attention + feed_forward)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBytes:
    """What a step of QLoRA takes where it is computed, in bytes. Fitted to measured peaks.

    libraries: torch, what it loads, and the driver's context on a card. linear: of a parameter that
    is quantised, with the copies that its layers make. wide: of one that is not. lora: of a LoRA
    parameter, its gradient and two moments of Adam. hidden, heads, feed_forward: kept for the
    backward pass, per token, layer and unit of the model's width, of its queries and keys, and of
    its feed-forward layers. logit: per supervised token and word. inputs: of a layer's input, per
    token and unit of the width, that checkpointing keeps. loading: of any parameter in the file
    that is read into the same memory.
    """

    libraries: float
    linear: float
    wide: float
    lora: float
    hidden: float
    heads: float
    feed_forward: float
    logit: float
    inputs: float
    loading: float


PROCESSOR = StepBytes(
    libraries=700e6,
    linear=2.5,  # NF4, and what is kept of the 16-bit copies that each layer makes
    wide=2,
    lora=16,  # all in float32
    hidden=55,
    heads=0,
    feed_forward=0,
    logit=28,  # bf16, float32, and their gradients
    inputs=2 * INPUT,
    loading=2,
)
# a processor without bf16: activations and what is not quantised are twice as wide
PROCESSOR_FP32 = replace(PROCESSOR, wide=4, hidden=100, inputs=4 * INPUT)
# An H200, bf16 (tests/gpu/README.md): how a checkpoint is loaded was not measured, nor was fp32.
CARD = StepBytes(
    libraries=0.84e9,
    linear=0.5,  # NF4, doubly quantised
    wide=2,
    lora=10,  # itself and its gradient in float32, two moments in 8 bits
    hidden=10.9,
    heads=10.9,
    feed_forward=7.0,
    logit=12,
    inputs=INPUT,
    loading=0,
)
NF4 = 0.53  # of a parameter in NF4, doubly quantised, beside the file it is read from


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of a model: to serve `batch` sequences at once, or to be trained on as many
    lessons.

    context: tokens of each sequence or lesson. compute: what training multiplies in, `bf16` or
    `fp32` (see `localfair.machine.hardware`).
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
        parts = [
            f"length {self.context}",
            f"batch {self.batch}",
            f"rank {self.rank}",
            self.compute,
        ]
        if self.checkpointing:
            parts.append("gradient checkpointing")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether a load fits: the bytes that it needs, and those that are free.

    memory: which memory was looked at. instead: the nearest load that fits; None when this one
    does, or none does.
    """

    load: Load
    needed: int
    memory: str
    free: int
    instead: Load | None

    @property
    def fits(self) -> bool:
        """Whether what is needed is free, with a margin."""
        return self.needed * MARGIN <= self.free


def memory_needed(model: Model, context: int, sequences: int) -> int:
    """Bytes to serve `sequences` at once with `context` tokens each; see `to_serve`."""
    return to_serve(sizes_of(model.path), context, sequences)


def to_serve(sizes: Sizes, context: int, sequences: int) -> int:
    """Bytes to serve `sequences` at once with `context` tokens each.

    weights + sequences * context * cache of a token + ENGINE + WORD * vocabulary + CHUNK *
    feed-forward width, and cache of a token = layers * KV heads * (key + value width) * 2 bytes.
    Layers with a sliding window and recurrent layers need less.
    """
    cache = sequences * context * sizes.kv
    scratch = ENGINE + WORD * sizes.vocabulary + CHUNK * sizes.feed_forward
    return sizes.weights + cache + scratch


def to_train(
    sizes: Sizes,
    length: int,
    batch: int,
    rank: int,
    *,
    checkpointing: bool = False,
    step: StepBytes = PROCESSOR,
) -> int:
    """Bytes of QLoRA (arXiv 2305.14314) on all linear layers: the larger of two peaks.

    Both hold libraries + wide * outer + lora * rank * LoRA parameters. Loading adds `loading` * all
    parameters, and NF4 * linear. A step adds linear * linear parameters + tokens * (layers * kept +
    REPLY * logit * vocabulary), and kept = hidden * width + heads * (queries + keys) + feed_forward
    * their width. With checkpointing layers * kept becomes layers * inputs * width, beside the
    larger of one layer's kept and the logits.
    """
    kept = (
        step.hidden * sizes.width
        + step.heads * (sizes.queries + sizes.keys)
        + step.feed_forward * sizes.feed_forward
    )
    logits = REPLY * step.logit * sizes.vocabulary
    if checkpointing:
        token = sizes.layers * step.inputs * sizes.width + max(kept, logits)
    else:
        token = sizes.layers * kept + logits
    always = step.libraries + step.wide * sizes.outer + step.lora * rank * sizes.per_rank
    loading = step.loading * (sizes.linear + sizes.outer)
    if loading:
        loading += NF4 * sizes.linear
    stepping = step.linear * sizes.linear + length * batch * token
    return int(always + max(loading, stepping))


def needed(sizes: Sizes, load: Load, step: StepBytes = PROCESSOR) -> int:
    """Bytes for a load; `step` says what a training step takes where it is computed."""
    if not load.train:
        return to_serve(sizes, load.context, load.batch)
    return to_train(
        sizes,
        load.context,
        load.batch,
        load.rank,
        checkpointing=load.checkpointing,
        step=step,
    )


def step_bytes(memory: str, compute: str) -> StepBytes:
    """What a step takes in a memory, as `free_memory` calls it, computed in `bf16` or `fp32`."""
    if memory == GPU_MEMORY:
        return CARD
    return PROCESSOR if compute == "bf16" else PROCESSOR_FP32


def fit(model: Model, load: Load, memory: Callable[[], tuple[str, int]] = free_memory) -> Fit:
    """Whether a load fits the memory that is free here, and if not what would.

    memory: gives a memory's name and the bytes free in it. Raises ModelError when the model does
    not say its sizes.
    """
    sizes = sizes_of(model.path)
    if load.train and not (sizes.linear and sizes.feed_forward):
        raise ModelError(
            f"{model.name} does not say how large its layers are", "its memory cannot be estimated"
        )
    name, free = memory()
    step = step_bytes(name, load.compute)
    asked = Fit(load=load, needed=needed(sizes, load, step), memory=name, free=free, instead=None)
    if asked.fits:
        return asked
    for other in lighter(load):
        proposed = replace(asked, load=other, needed=needed(sizes, other, step))
        if proposed.fits:
            return replace(asked, instead=other)
    return asked


def lighter(load: Load) -> Iterator[Load]:
    """Loads that need less, the least change first.

    First gradient checkpointing, then halves of the batch, then halves of the length.
    """
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
    """The sizes that a GGUF or a safetensors folder says it has; 0 for what it does not say.

    Raises as `read_gguf_header` and `read_folder`.
    """
    return _of_folder(path) if path.is_dir() else _of_gguf(path)


def _of_gguf(path: Path) -> Sizes:
    header = read_gguf_header(path)
    keys = _key_width(header.kv_bytes, header.block_count)
    return Sizes(
        weights=weights_size(path),
        kv=header.kv_bytes,
        layers=header.block_count,
        width=header.width,
        feed_forward=header.feed_forward,
        queries=_query_width(keys, header.heads, header.kv_heads),
        keys=keys,
        vocabulary=header.vocabulary,
        tied=header.tied,
    )


def _of_folder(folder: Path) -> Sizes:
    sizes = read_folder(folder).sizes
    keys = _key_width(sizes.kv_bytes, sizes.layers)
    return Sizes(
        weights=weights_size(folder),
        kv=sizes.kv_bytes,
        layers=sizes.layers,
        width=sizes.width,
        feed_forward=sizes.feed_forward,
        queries=_query_width(keys, sizes.heads, sizes.kv_heads),
        keys=keys,
        vocabulary=sizes.vocabulary,
        tied=sizes.tied,
    )


def _key_width(kv_bytes: int, layers: int) -> int:
    """The width of a layer's keys, half of its cache in 16-bit numbers."""
    return kv_bytes // (4 * layers) if layers else 0


def _query_width(keys: int, heads: int, kv_heads: int) -> int:
    """The width of a layer's queries: a query head is as wide as a key head."""
    return heads * (keys // kv_heads) if kv_heads else 0
