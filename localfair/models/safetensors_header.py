"""The header of one safetensors file: whether its tensors are what they say, and fill the file.

Reads 8 bytes of length and a JSON header; never a tensor. Layout: the format's own description
(github.com/huggingface/safetensors), whose reader refuses the same.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights
from localfair.machine.bounds import must_be_file
from localfair.machine.terminal import one_line
from localfair.models.parsing import (
    Malformed,
    json_object,
    quoted,
    reading,
    shown_path,
    whole_number,
)

# Bytes of a header. The format allows 100 million; 18,000 tensors in one file need 2.4 million, and
# an adverse header of this length takes seconds and 300 MB to parse.
MOST_HEADER = 1 << 23
MOST_DIMENSIONS = 64  # of a tensor, as in torch
MOST_BYTES = 1 << 50  # of a tensor: more than any disk holds
# type -> bits of a value
BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
_AGAIN = "get the file again"


def check_safetensors(shard: Path) -> list[str]:
    """The names of the tensors in a file that is whole.

    Raises MissingWeights, CorruptWeights when the header makes no sense, or the file has not the
    size that it promises.
    """
    with reading(shard, "a safetensors file", _AGAIN):
        actual = must_be_file(shard)
        length, header = _header(shard, actual)
        tensors = {name: value for name, value in header.items() if name != "__metadata__"}
        _must_be_texts(header.get("__metadata__", {}))
        expected = 8 + length
        if header or length <= actual:
            expected += _end(tensors)
    if actual != expected:
        raise CorruptWeights(
            f"{shown_path(shard)} is cut short or damaged: {actual} bytes,"
            f" its header says {expected}",
            _AGAIN,
        )
    return list(tensors)


def _header(shard: Path, actual: int) -> tuple[int, dict[str, Any]]:
    """Length and content of the JSON; no content where the file ends before it does."""
    with shard.open("rb") as file:
        length = int(struct.unpack("<Q", file.read(8))[0])
        # a damaged length must not make us read as much
        if length > actual:
            return length, {}
        if length > MOST_HEADER:
            raise Malformed(f"its header has {length} bytes, at most {MOST_HEADER} are read")
        return length, json_object(file.read(length), unique=True)


def _must_be_texts(metadata: object) -> None:
    if not isinstance(metadata, dict):
        raise Malformed("its __metadata__ is no object")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise Malformed("its __metadata__ holds something else than texts")


def _end(tensors: dict[str, object]) -> int:
    """Bytes of all tensors together, which follow one another without a gap."""
    end = 0
    spans = sorted(_span(name, tensor) for name, tensor in tensors.items())
    for begin, next_end in spans:
        if begin != end:
            raise Malformed("its tensors overlap, or leave a gap")
        end = next_end
    return end


def _span(name: str, tensor: object) -> tuple[int, int]:
    """Begin and end of a tensor. Raises Malformed unless its shape and type need just as much."""
    shown = one_line(name, 64)
    if not isinstance(tensor, dict):
        raise Malformed(f"the tensor {shown} is no object")
    dtype = tensor.get("dtype")
    if not isinstance(dtype, str) or dtype not in BITS:
        raise Malformed(f"the tensor {shown} has the unknown type {quoted(dtype)}")
    shape = _numbers(tensor.get("shape"), f"the shape of {shown}", MOST_DIMENSIONS)
    offsets = _numbers(tensor.get("data_offsets"), f"the place of {shown}", 2)
    if len(offsets) != 2:
        raise Malformed(f"the place of {shown} is no begin and end")
    begin, end = offsets
    if (end - begin) * 8 != math.prod(shape) * BITS[dtype]:
        raise Malformed(f"the tensor {shown} has not the bytes that its shape needs")
    return begin, end


def _numbers(value: object, name: str, most: int) -> list[int]:
    if not isinstance(value, list) or len(value) > most:
        raise Malformed(f"{name} is no short list")
    return [whole_number(item, name, MOST_BYTES) for item in value]
