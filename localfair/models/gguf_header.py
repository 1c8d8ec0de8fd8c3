"""The header of a GGUF file, versions 2 and 3: its metadata, and how long the file must be.

Reads one file's head (arrays of a vocabulary are walked, not kept). Knows nothing of cards, and needs no
numpy: the base install has none. Layout: the GGUF specification of ggml (docs/gguf.md).
"""

from __future__ import annotations

import hashlib
import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights, MissingWeights

_SCALARS = dict(enumerate("BbHhIif?--Qqd"))
_STRING, _ARRAY = 8, 9
_KEPT_ITEMS = 1024

# ggml type -> (values in a block, bytes of a block)
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """What a GGUF says of itself; 0 or empty when it does not say.

    size: the least number of bytes the file must have. tokenizer_hash: sha256 over the raw tokens,
    token types, scores and merges, equal for two quantisations of one model.
    kv_bytes: bytes of an f16 key and value cache for one token. heads, kv_heads: of attention, the most in a layer;
    width: of the residual stream; vocabulary: rows of the embedding; tied: it serves as the output layer too.
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


class _Reader:
    """A cursor over the mapped file. Running past the end raises struct.error or IndexError."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def scalar(self, code: str) -> Any:
        value = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def string(self) -> str:
        length = self.scalar("Q")
        self._must_reach(self.at + length)
        raw = self.data[self.at : self.at + length]
        self.at += length
        return raw.decode("utf-8", errors="replace")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        return self._array() if kind == _ARRAY else self.scalar(_SCALARS[kind])

    def _array(self) -> list[Any] | None:
        """The items of a short array of numbers; None for text and long arrays, which are stepped over."""
        kind, count = self.scalar("I"), self.scalar("Q")
        if kind == _STRING:
            self._skip_strings(count)
            return None
        if kind == _ARRAY or count <= _KEPT_ITEMS:
            return [self.value(kind) for _ in range(count)]
        self.at += count * struct.calcsize("<" + _SCALARS[kind])
        self._must_reach(self.at)
        return None

    def _skip_strings(self, count: int) -> None:
        at, data, length = self.at, self.data, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length(data, at)[0]
        self.at = at
        self._must_reach(at)

    def _must_reach(self, end: int) -> None:
        if end > len(self.data):
            raise IndexError(end)


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of the GGUF at `path`.

    Raises MissingWeights when there is no such file, CorruptWeights when it is no GGUF, is cut short,
    or its header makes no sense.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            header, actual = _read(_Reader(data)), len(data)
    except OSError as error:
        raise MissingWeights(f"cannot read {path}: {error.strerror}") from error
    except _NotGguf as error:
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
            f"{path} is cut short or damaged: its header does not end", REPLACE
        ) from error
    if actual < header.size:
        raise CorruptWeights(
            f"{path} is cut short: {actual} bytes, its header says {header.size}", REPLACE
        )
    return header


REPLACE = "the file is incomplete: get it again"


class _NotGguf(Exception):
    """Another magic number, or a version this reader does not know."""


def _read(reader: _Reader) -> GgufHeader:
    magic, version = reader.data[:4], 0
    if magic == b"GGUF":
        reader.at, version = 4, struct.unpack_from("<I", reader.data, 4)[0]
    if version not in (2, 3):
        raise _NotGguf(f"it begins with {magic!r}, version {version}")
    reader.at = 8
    tensors, pairs = reader.scalar("Q"), reader.scalar("Q")
    tokenizer, meta = hashlib.sha256(), {}
    for _ in range(pairs):
        key, kind = reader.string(), reader.scalar("I")
        start = reader.at
        meta[key] = reader.value(kind)
        if key.startswith("tokenizer.ggml.") and kind == _ARRAY:
            tokenizer.update(key.encode() + b"\0" + reader.data[start : reader.at])
    seen = [_tensor(reader) for _ in range(tensors)]
    end = max((tensor_end for _, _, tensor_end in seen), default=0)
    alignment = int(meta.get("general.alignment", 32))
    size = math.ceil(reader.at / alignment) * alignment + end if tensors else reader.at
    return _header(meta, tokenizer.hexdigest(), size, {name: shape for name, shape, _ in seen})


def _tensor(reader: _Reader) -> tuple[str, list[int], int]:
    """A tensor's name, its shape, columns first, and where it ends in bytes from the start of the data.

    For a type unknown here the end is where it begins.
    """
    name = reader.string()
    shape = [reader.scalar("Q") for _ in range(reader.scalar("I"))]
    kind, offset = reader.scalar("I"), reader.scalar("Q")
    values, size = BLOCKS.get(kind, (1, 0))
    return name, shape, int(offset + math.prod(shape) // values * size)


def _header(
    meta: dict[str, Any], tokenizer_hash: str, size: int, shapes: dict[str, list[int]]
) -> GgufHeader:
    architecture = str(meta.get("general.architecture", ""))

    def own(key: str) -> int:
        value = meta.get(f"{architecture}.{key}") or 0
        return int(max(value) if isinstance(value, list) else value)

    heads = own("attention.head_count")
    width = own("embedding_length") // heads if heads else 0
    keys, values = own("attention.key_length") or width, own("attention.value_length") or width
    kv_heads = own("attention.head_count_kv") or heads
    return GgufHeader(
        architecture=architecture,
        name=str(meta.get("general.name", "")),
        licence=str(meta.get("general.license", "")),
        context_length=own("context_length"),
        chat_template=meta.get("tokenizer.chat_template"),
        block_count=own("block_count"),
        heads=heads,
        kv_heads=kv_heads,
        width=own("embedding_length"),
        feed_forward=own("feed_forward_length"),
        vocabulary=(shapes.get("token_embd.weight") or [0])[-1],
        tied="output.weight" not in shapes,
        kv_bytes=2 * own("block_count") * kv_heads * (keys + values),
        file_type=int(meta.get("general.file_type", -1)),
        tokenizer=str(meta.get("tokenizer.ggml.model", "")),
        tokenizer_hash=tokenizer_hash,
        size=size,
    )
