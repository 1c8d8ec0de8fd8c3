"""The header of a GGUF file: what its metadata says of the model, and how long the file must be.

Reads one file's head; of a vocabulary it keeps a hash alone. Knows nothing of cards.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights, MissingWeights
from localfair.models.gguf_reader import ARRAY, NotGguf, Reader, opened

# ggml type -> (values in a block, bytes of a block)
BLOCKS = {
    0: (1, 4),  # F32
    1: (1, 2),  # F16
    2: (32, 18),  # Q4_0
    3: (32, 20),  # Q4_1
    6: (32, 22),  # Q5_0
    7: (32, 24),  # Q5_1
    8: (32, 34),  # Q8_0
    10: (256, 84),  # Q2_K
    11: (256, 110),  # Q3_K
    12: (256, 144),  # Q4_K
    13: (256, 176),  # Q5_K
    14: (256, 210),  # Q6_K
    15: (256, 292),  # Q8_K
    16: (256, 66),  # IQ2_XXS
    17: (256, 74),  # IQ2_XS
    18: (256, 98),  # IQ3_XXS
    19: (256, 50),  # IQ1_S
    20: (32, 18),  # IQ4_NL
    21: (256, 110),  # IQ3_S
    22: (256, 82),  # IQ2_S
    23: (256, 136),  # IQ4_XS
    24: (1, 1),  # I8
    25: (1, 2),  # I16
    26: (1, 4),  # I32
    27: (1, 8),  # I64
    28: (1, 8),  # F64
    29: (256, 56),  # IQ1_M
    30: (1, 2),  # BF16
    34: (256, 54),  # TQ1_0
    35: (256, 66),  # TQ2_0
    39: (32, 17),  # MXFP4
}
_REPLACE = "the file is incomplete: get it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """What a GGUF says of itself; 0 or empty when it does not say.

    heads, kv_heads: of attention, the most in a layer. width: of the residual stream.
    vocabulary: rows of the embedding. tied: the embedding is the output layer, too.
    kv_bytes: bytes of an f16 key and value cache for one token.
    tokenizer_hash: sha256 over the raw tokens, token types, scores and merges, equal for two
    quantisations of one model.
    size: the least number of bytes that the file must have.
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


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor's name, its shape, columns first, and its end in bytes from the start of the
    data.
    """

    name: str
    shape: list[int]
    end: int


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of the GGUF at `path`.

    Raises MissingWeights when it cannot be read, CorruptWeights when it is no GGUF, is cut short,
    or its header makes no sense.
    """
    try:
        with opened(path) as reader:
            header = _read(reader)
            actual = len(reader.data)
    except OSError as error:
        raise MissingWeights(f"cannot read {path}: {error.strerror}") from error
    except NotGguf as error:
        raise CorruptWeights(
            f"{path} is not a GGUF file: {error}", "give a .gguf, version 2 or 3"
        ) from error
    except (
        ValueError,
        struct.error,
        LookupError,
        TypeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise CorruptWeights(
            f"{path} is cut short or damaged: its header does not end", _REPLACE
        ) from error
    if actual < header.size:
        raise CorruptWeights(
            f"{path} is cut short: {actual} bytes, its header says {header.size}", _REPLACE
        )
    return header


def _read(reader: Reader) -> GgufHeader:
    tensor_count, key_count = reader.begin()
    meta, tokenizer_hash = _metadata(reader, key_count)
    tensors = [_tensor(reader) for _ in range(tensor_count)]
    return _header(meta, tokenizer_hash, tensors, _size(reader.at, meta, tensors))


def _metadata(reader: Reader, count: int) -> tuple[dict[str, Any], str]:
    """The metadata by key, and the sha256 of the tokenizer's arrays as they lie in the file."""
    meta: dict[str, Any] = {}
    tokenizer = hashlib.sha256()
    for _ in range(count):
        key = reader.string()
        value_type = reader.scalar("I")
        start = reader.at
        meta[key] = reader.value(value_type)
        if key.startswith("tokenizer.ggml.") and value_type == ARRAY:
            tokenizer.update(key.encode() + b"\0" + reader.data[start : reader.at])
    return meta, tokenizer.hexdigest()


def _tensor(reader: Reader) -> _Tensor:
    name = reader.string()
    shape = [reader.scalar("Q") for _ in range(reader.scalar("I"))]
    ggml_type = reader.scalar("I")
    offset = reader.scalar("Q")
    # a tensor of a type that is unknown here is taken to have no bytes
    block_values, block_bytes = BLOCKS.get(ggml_type, (1, 0))
    size = math.prod(shape) // block_values * block_bytes
    return _Tensor(name, shape, int(offset + size))


def _size(head: int, meta: dict[str, Any], tensors: list[_Tensor]) -> int:
    """Bytes of the whole file, whose head has `head` bytes. The data begins aligned."""
    alignment = int(meta.get("general.alignment", 32))
    if not tensors:
        return head
    start = math.ceil(head / alignment) * alignment
    return start + max(tensor.end for tensor in tensors)


def _header(
    meta: dict[str, Any], tokenizer_hash: str, tensors: list[_Tensor], size: int
) -> GgufHeader:
    architecture = str(meta.get("general.architecture", ""))

    def number(key: str) -> int:
        return _number(meta, f"{architecture}.{key}")

    shapes = {tensor.name: tensor.shape for tensor in tensors}
    width = number("embedding_length")
    heads = number("attention.head_count")
    kv_heads = number("attention.head_count_kv") or heads
    head_width = width // heads if heads else 0
    key_width = number("attention.key_length") or head_width
    value_width = number("attention.value_length") or head_width
    return GgufHeader(
        architecture=architecture,
        name=str(meta.get("general.name", "")),
        licence=str(meta.get("general.license", "")),
        context_length=number("context_length"),
        chat_template=meta.get("tokenizer.chat_template"),
        block_count=number("block_count"),
        heads=heads,
        kv_heads=kv_heads,
        width=width,
        feed_forward=number("feed_forward_length"),
        vocabulary=(shapes.get("token_embd.weight") or [0])[-1],
        tied="output.weight" not in shapes,
        kv_bytes=2 * number("block_count") * kv_heads * (key_width + value_width),
        file_type=int(meta.get("general.file_type", -1)),
        tokenizer=str(meta.get("tokenizer.ggml.model", "")),
        tokenizer_hash=tokenizer_hash,
        size=size,
    )


def _number(meta: dict[str, Any], key: str) -> int:
    """A number of the metadata, the largest where each layer has its own; 0 when there is none."""
    value = meta.get(key) or 0
    if isinstance(value, list):
        return int(max(value))
    return int(value)
