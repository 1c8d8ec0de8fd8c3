"""A table of tensors is believed only where ggml could have written it."""

from __future__ import annotations

import struct
import time

import pytest

from localfair.models.gguf_reader import Reader
from localfair.models.gguf_tensors import Tensor, must_not_overlap, read_tensors
from localfair.models.parsing import Malformed

from .weights import text

F32, Q8_0, NEWER, ABSURD = 0, 8, 120, 5000


def entry(
    name: str = "w", shape: tuple[int, ...] = (8, 4), ggml_type: int = F32, at: int = 0
) -> bytes:
    """An entry of the table."""
    dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + dimensions + struct.pack("<IQ", ggml_type, at)


def read(*entries: bytes) -> list[Tensor]:
    return read_tensors(Reader(b"".join(entries)), len(entries))


def test_a_tensor_has_the_bytes_of_its_type() -> None:
    assert read(entry()) == [Tensor("w", [8, 4], 0, 128)]
    assert read(entry(shape=(32, 2), ggml_type=Q8_0, at=64))[0].end == 64 + 2 * 34
    assert read(entry(shape=()))[0].end == 4


def test_a_type_newer_than_the_table_has_no_bytes() -> None:
    assert read(entry(ggml_type=NEWER))[0].end == 0


@pytest.mark.parametrize(
    ("odd", "problem"),
    [
        (entry(shape=(1,) * 5), "5 dimensions"),
        (text("w") + struct.pack("<I", 400_000) + bytes(3_200_000), "400000 dimensions"),
        (text("w") + struct.pack("<I", 2**32 - 1), "dimensions"),
        (entry(shape=(2**63, 2**63)), "more bytes"),
        (entry(at=2**63), "more bytes"),
        (entry(ggml_type=ABSURD), "unknown type"),
        (entry(shape=(33,), ggml_type=Q8_0), "inside a block"),
        (entry()[:-1], "cut short"),
        (b"", "cut short"),
    ],
    ids=range(9),
)
def test_an_entry_that_makes_no_sense_is_malformed_at_once(odd: bytes, problem: str) -> None:
    start = time.perf_counter()
    with pytest.raises(Malformed, match=problem):
        read(odd)
    assert time.perf_counter() - start < 1


def test_two_tensors_of_one_name_are_malformed() -> None:
    with pytest.raises(Malformed, match="one name"):
        read(entry(), entry(at=128))


@pytest.mark.parametrize(
    ("second", "problem"), [(96, "overlaps"), (0, "overlaps"), (130, "aligned")]
)
def test_tensors_that_share_bytes_or_begin_unaligned_are_malformed(
    second: int, problem: str
) -> None:
    must_not_overlap(read(entry("b", at=128), entry("a")), 32)
    with pytest.raises(Malformed, match=problem):
        must_not_overlap(read(entry("a"), entry("b", at=second)), 32)
