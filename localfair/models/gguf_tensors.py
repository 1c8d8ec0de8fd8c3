"""The table of tensors in a GGUF: names, shapes, and where each lies in the file.

Reads the part of a head that begins after the metadata. Knows nothing of what tensors are for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from localfair.machine.terminal import one_line
from localfair.models.gguf_reader import Reader
from localfair.models.parsing import Malformed

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
MOST_DIMENSIONS = 4  # of a tensor, as in ggml
MOST_BYTES = 1 << 50  # of a tensor: more than any disk holds
MOST_TYPE = 255  # of ggml, which numbers them from 0 and is at 42


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's name, its shape, columns first, and its begin and end in bytes from the start of
    the data.
    """

    name: str
    shape: list[int]
    begin: int
    end: int


def read_tensors(reader: Reader, count: int) -> list[Tensor]:
    """The table that begins here. Raises Malformed for one that llama.cpp could not use."""
    tensors = [_tensor(reader) for _ in range(count)]
    if len({tensor.name for tensor in tensors}) < count:
        raise Malformed("two of its tensors have one name")
    return tensors


def must_not_overlap(tensors: list[Tensor], alignment: int) -> None:
    """Raises Malformed for tensors that do not begin aligned or share bytes."""
    end = 0
    for tensor in sorted(tensors, key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.begin % alignment:
            raise Malformed(f"the tensor {one_line(tensor.name, 64)} does not begin aligned")
        if tensor.begin < end:
            raise Malformed(f"the tensor {one_line(tensor.name, 64)} overlaps another")
        end = tensor.end


def _tensor(reader: Reader) -> Tensor:
    name = reader.name()
    dimensions = reader.scalar("I")
    if dimensions > MOST_DIMENSIONS:
        raise Malformed(f"a tensor in it has {dimensions} dimensions, ggml knows {MOST_DIMENSIONS}")
    shape = [int(reader.scalar("Q")) for _ in range(dimensions)]
    ggml_type = reader.scalar("I")
    offset = int(reader.scalar("Q"))
    if ggml_type > MOST_TYPE:
        raise Malformed(f"a tensor in it has the unknown type {ggml_type}")
    # a tensor of a type that is newer than this table is taken to have no bytes
    block_values, block_bytes = BLOCKS.get(ggml_type, (1, 0))
    if shape and shape[0] % block_values:
        raise Malformed(f"a row of the tensor {one_line(name, 64)} ends inside a block")
    values = math.prod(shape)
    size = values // block_values * block_bytes
    if max(values, size, offset) > MOST_BYTES:
        raise Malformed(f"the tensor {one_line(name, 64)} claims more bytes than a disk holds")
    return Tensor(name, shape, offset, offset + size)
