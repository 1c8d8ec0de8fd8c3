"""A safetensors header is believed only as far as its file bears it out."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from localfair.errors import CorruptWeights
from localfair.models.safetensors_header import MOST_HEADER, check_safetensors

PLAIN = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def put(folder: Path, header: bytes, data: bytes = bytes(4)) -> Path:
    """A file of this header and this data."""
    path = folder / "t.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


def tensor(**changes: Any) -> bytes:
    """A header of one tensor."""
    return json.dumps({"w": {**PLAIN, **changes}}).encode()


def refusal(path: Path) -> str:
    with pytest.raises(CorruptWeights) as refused:
        check_safetensors(path)
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 600
    assert refused.value.hint
    return refused.value.message


def test_a_whole_file_gives_the_names_of_its_tensors(tmp_path: Path) -> None:
    two = {"v": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [0, 4]}, "w": {**PLAIN}}
    two["w"]["data_offsets"] = [4, 8]
    header = json.dumps({"__metadata__": {"format": "pt"}, **two}).encode()
    assert check_safetensors(put(tmp_path, header, bytes(8))) == ["v", "w"]


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "F99"},
        {"dtype": None},
        {"dtype": ["F32"]},
        {"shape": None},
        {"shape": [-1]},
        {"shape": [2]},
        {"shape": ["1"]},
        {"shape": [True]},
        {"shape": [1.0]},
        {"shape": [float("nan")]},
        {"shape": [2**63, 2**63]},
        {"shape": [1] * 100},
        {"shape": [1] * 400_000},
        {"shape": {"0": 1}},
        {"data_offsets": [0]},
        {"data_offsets": [0, 4, 8]},
        {"data_offsets": [4, 0]},
        {"data_offsets": [-4, 0]},
        {"data_offsets": [4, 8]},
        {"data_offsets": [0, 2**63]},
        {"data_offsets": ["0", "4"]},
        {"data_offsets": 4},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_tensor_that_makes_no_sense_is_corrupt(tmp_path: Path, change: dict[str, Any]) -> None:
    start = time.perf_counter()
    assert "t.safetensors" in refusal(put(tmp_path, tensor(**change)))
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("second", "problem"),
    [([0, 4], "overlap"), ([2, 6], "overlap"), ([8, 12], "gap")],
)
def test_tensors_follow_one_another(tmp_path: Path, second: list[int], problem: str) -> None:
    header = json.dumps({"v": PLAIN, "w": {**PLAIN, "data_offsets": second}}).encode()
    assert problem in refusal(put(tmp_path, header, bytes(12)))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"w": []}',
        b'{"w": null}',
        b'{"__metadata__": []}',
        b'{"__metadata__": {"format": 1}}',
        b'{"w": ' + tensor()[6:-1] + b', "w": ' + tensor()[6:],
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"w": {"dtype": "F32", "shape": [' + b"9" * 10_000 + b'], "data_offsets": [0, 4]}}',
    ],
    ids=range(13),
)
def test_a_header_that_is_no_table_of_tensors_is_corrupt(tmp_path: Path, header: bytes) -> None:
    assert "t.safetensors" in refusal(put(tmp_path, header))


def test_a_header_larger_than_any_is_not_read(tmp_path: Path) -> None:
    path = put(tmp_path, b" " * (MOST_HEADER + 1))
    assert "at most" in refusal(path)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 20])
def test_a_file_cut_anywhere_is_corrupt(tmp_path: Path, length: int) -> None:
    path = put(tmp_path, tensor())
    path.write_bytes(path.read_bytes()[:length])
    refusal(path)


def test_a_name_with_escape_codes_is_shown_without_them(tmp_path: Path) -> None:
    header = json.dumps({"\x1b[2Jw\n" + "x" * 5000: {**PLAIN, "dtype": "?"}}).encode()
    assert "\x1b" not in refusal(put(tmp_path, header))
