"""The header of a GGUF file: what its metadata says of the model, and how long the file must be.

Reads one file's head, and those of its other shards; of a vocabulary it keeps a hash alone. What
the header says is checked before llama.cpp, which is written in C++, may see it. Knows nothing of
cards.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights
from localfair.machine.terminal import one_line
from localfair.models.gguf_hazards import TOKENS, refuse_hazards, refuse_hazards_of_tokens
from localfair.models.gguf_purpose import not_text
from localfair.models.gguf_reader import ARRAY, NotGguf, Reader, opened
from localfair.models.gguf_split import MOST_SHARDS, shards_of
from localfair.models.gguf_tensors import BLOCKS, Tensor, must_not_overlap, read_tensors
from localfair.models.parsing import Malformed, quoted, reading, shown_path, whole_number

__all__ = ["BLOCKS", "MOST_CONTEXT", "GgufHeader", "read_gguf_header", "weight_files"]

_REPLACE = "the file is incomplete: get it again"
_MALFORMED = "get it again, from where llama.cpp can read it"
MOST_CONTEXT = 1 << 27  # tokens; the longest of 2026 are ten million
MOST_TEMPLATE = 1 << 20  # characters; the longest have some 10,000
# key after the architecture -> the most that is believed; llama.cpp has 512 layers at most, the
# others are a hundred times what the largest models have
MOST = {
    "context_length": MOST_CONTEXT,
    "block_count": 512,
    "embedding_length": 1 << 20,
    "feed_forward_length": 1 << 22,
    "attention.head_count": 1 << 14,
    "attention.head_count_kv": 1 << 14,
    "attention.key_length": 1 << 16,
    "attention.value_length": 1 << 16,
}
ARCHITECTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """What a GGUF says of itself; 0 or empty when it does not say.

    heads, kv_heads: of attention, the most in a layer. width: of the residual stream.
    vocabulary: rows of the embedding. tied: the embedding is the output layer, too.
    kv_bytes: bytes of an f16 key and value cache for one token.
    tokenizer_hash: sha256 over the raw tokens, token types, scores and merges, equal for two
    quantisations of one model.
    size: the least number of bytes that the file must have, with its other shards.
    not_text: what the file is, if it is no model that writes text; else empty.
    """

    architecture: str
    name: str
    licence: str
    context_length: int
    chat_template: str | None
    block_count: int
    heads: int
    kv_heads: int
    width: int
    feed_forward: int
    vocabulary: int
    tied: bool
    kv_bytes: int
    file_type: int
    tokenizer: str
    tokenizer_hash: str
    size: int
    not_text: str


@dataclass(frozen=True, slots=True)
class _Head:
    """What one file holds. arrays: item type and length of each array. tokens: the vocabulary.

    size: the bytes that the file must have. actual: those that it has.
    """

    meta: dict[str, Any]
    arrays: dict[str, tuple[int, int]]
    tokens: list[bytes]
    tokenizer_hash: str
    tensors: list[Tensor]
    size: int
    actual: int


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of the GGUF at `path`, all shards of a split one included.

    Raises MissingWeights when it cannot be read or a shard is not there, ModelError when it is
    another shard than the first, CorruptWeights when it is no GGUF, is cut short, or its header
    makes no sense.
    """
    head = _head(path)
    with reading(path, "a usable GGUF file", _MALFORMED):
        number, count = _split(head.meta)
    heads = [head]
    if count > 1:
        shards = shards_of(path, number, count)
        heads += [_further(shard, n, count) for n, shard in enumerate(shards) if n]
    tensors = [tensor for each in heads for tensor in each.tensors]
    with reading(path, "a usable GGUF file", _MALFORMED):
        _must_be_complete(head.meta, tensors)
        return _header(head, tensors, sum(each.size for each in heads))


def weight_files(path: Path) -> list[Path]:
    """The file of a GGUF, or all of a split one, in their order.

    Raises as `read_gguf_header`, for what it needs to read.
    """
    head = _head(path)
    with reading(path, "a usable GGUF file", _MALFORMED):
        number, count = _split(head.meta)
    return [path] if count < 2 else shards_of(path, number, count)


def _head(path: Path) -> _Head:
    """What one file holds. Raises MissingWeights, CorruptWeights."""
    try:
        with reading(path, "a usable GGUF file", _MALFORMED), opened(path) as reader:
            head = _read(reader)
    except NotGguf as error:
        raise CorruptWeights(
            f"{shown_path(path)} is not a GGUF file: {error}",
            "give a .gguf, version 2 or 3",
        ) from error
    if head.actual < head.size:
        raise CorruptWeights(
            f"{shown_path(path)} is cut short: {head.actual} bytes, its header says {head.size}",
            _REPLACE,
        )
    return head


def _further(path: Path, number: int, count: int) -> _Head:
    """What another shard than the first holds. Raises as `_head`."""
    head = _head(path)
    with reading(path, "a usable GGUF file", _MALFORMED):
        if _split(head.meta) != (number, count):
            raise Malformed(f"it does not say that it is shard {number + 1} of {count}")
    return head


def _read(reader: Reader) -> _Head:
    tensor_count, key_count = reader.begin()
    meta: dict[str, Any] = {}
    arrays: dict[str, tuple[int, int]] = {}
    tokens: list[bytes] = []
    tokenizer = hashlib.sha256()
    for _ in range(key_count):
        key = reader.name()
        if key in meta:
            raise Malformed(f"the key {one_line(key, 64)} stands in it twice")
        value_type = reader.scalar("I")
        start = reader.at
        if value_type == ARRAY:
            arrays[key] = reader.array()
        if value_type == ARRAY and key == TOKENS:
            tokens = reader.texts()
        meta[key] = reader.value(value_type)
        # the arrays as they lie in the file
        if key.startswith("tokenizer.ggml.") and value_type == ARRAY:
            tokenizer.update(key.encode() + b"\0" + reader.data[start : reader.at])
    tensors = read_tensors(reader, tensor_count)
    size = _size(reader.at, _alignment(meta), tensors)
    return _Head(meta, arrays, tokens, tokenizer.hexdigest(), tensors, size, len(reader.data))


def _size(head: int, alignment: int, tensors: list[Tensor]) -> int:
    """Bytes of the whole file, whose head has `head` bytes. The data begins aligned."""
    must_not_overlap(tensors, alignment)
    if not tensors:
        return head
    return math.ceil(head / alignment) * alignment + max(tensor.end for tensor in tensors)


def _alignment(meta: dict[str, object]) -> int:
    """Bytes; llama.cpp takes powers of two alone."""
    alignment = whole_number(meta.get("general.alignment", 32), "general.alignment", 1 << 20, 1)
    if alignment & (alignment - 1):
        raise Malformed(f"general.alignment is {alignment}, no power of two")
    return alignment


def _split(meta: dict[str, object]) -> tuple[int, int]:
    """Which shard of how many the file is; (0, 1) for a file that was not split."""
    count = whole_number(meta.get("split.count", 1), "split.count", MOST_SHARDS) or 1
    number = whole_number(meta.get("split.no", 0), "split.no", count - 1)
    return number, count


def _must_be_complete(meta: dict[str, object], tensors: list[Tensor]) -> None:
    """Raises Malformed when shards hold a tensor twice, or fewer than they should."""
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise Malformed("two of its shards hold one tensor")
    expected = meta.get("split.tensors.count")
    if expected is not None and _split(meta)[1] > 1 and expected != len(tensors):
        raise Malformed(f"its shards hold {len(tensors)} tensors, not {quoted(expected)}")


def _header(head: _Head, tensors: list[Tensor], size: int) -> GgufHeader:
    meta = head.meta
    architecture = _text(meta, "general.architecture")
    if architecture and not ARCHITECTURE.fullmatch(architecture):
        raise Malformed(f"general.architecture is {quoted(architecture)}, no name")
    refuse_hazards(meta, head.arrays, architecture)
    refuse_hazards_of_tokens(head.tokens, meta.get("tokenizer.ggml.model"))

    def number(key: str) -> int:
        return _number(meta, f"{architecture}.{key}", MOST[key])

    shapes = {tensor.name: tensor.shape for tensor in tensors}
    width = number("embedding_length")
    heads = number("attention.head_count")
    kv_heads = number("attention.head_count_kv") or heads
    head_width = width // heads if heads else 0
    key_width = number("attention.key_length") or head_width
    value_width = number("attention.value_length") or head_width
    return GgufHeader(
        architecture=architecture,
        name=_text(meta, "general.name"),
        licence=_text(meta, "general.license"),
        context_length=_context(meta, f"{architecture}.context_length"),
        chat_template=_template(meta),
        block_count=number("block_count"),
        heads=heads,
        kv_heads=kv_heads,
        width=width,
        feed_forward=number("feed_forward_length"),
        vocabulary=(shapes.get("token_embd.weight") or [0])[-1],
        tied="output.weight" not in shapes,
        kv_bytes=2 * number("block_count") * kv_heads * (key_width + value_width),
        file_type=whole_number(meta.get("general.file_type", -1), "general.file_type", 1 << 16, -1),
        tokenizer=_text(meta, "tokenizer.ggml.model"),
        tokenizer_hash=head.tokenizer_hash,
        size=size,
        not_text=not_text(meta, shapes),
    )


def _context(meta: dict[str, object], key: str) -> int:
    """The context that the file says, 0 when it says none: a 0 in the file would fit no prompt."""
    if key not in meta:
        return 0
    return whole_number(meta[key], key, MOST_CONTEXT, 1)


def _template(meta: dict[str, object]) -> str | None:
    """The chat template of the weights."""
    key = "tokenizer.chat_template"
    if key not in meta:
        return None
    template = _text(meta, key)
    if len(template) > MOST_TEMPLATE:
        raise Malformed(f"{key} has {len(template)} characters, at most {MOST_TEMPLATE} are read")
    return template


def _text(meta: dict[str, object], key: str) -> str:
    value = meta.get(key, "")
    if not isinstance(value, str):
        raise Malformed(f"{key} is no text: {quoted(value)}")
    return value


def _number(meta: dict[str, object], key: str, most: int) -> int:
    """A number of the metadata, the largest where each layer has its own; 0 when there is none."""
    value = meta.get(key, 0)
    if not isinstance(value, list):
        return whole_number(value, key, most)
    return max((whole_number(item, key, most) for item in value), default=0)
