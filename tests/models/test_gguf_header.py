"""A GGUF tells what it is without any model library, and half a file is told from a whole one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localfair.errors import CorruptWeights, MissingWeights
from localfair.models.gguf_header import BLOCKS, read_gguf_header

from .weights import TEMPLATE, gguf


@pytest.mark.parametrize("version", [2, 3])
def test_a_header_gives_what_a_card_needs(tmp_path: Path, version: int) -> None:
    path = gguf(tmp_path / "t.gguf", version=version)
    header = read_gguf_header(path)
    assert header.architecture == "llama"
    assert header.name == "Tiny"
    assert header.licence == "apache-2.0"
    assert header.context_length == 128
    assert header.chat_template == TEMPLATE
    assert header.size == path.stat().st_size


def test_a_header_gives_the_sizes_that_memory_depends_on(tmp_path: Path) -> None:
    header = read_gguf_header(gguf(tmp_path / "t.gguf", llama__feed_forward_length=128))
    assert header.block_count == 2
    assert header.width == 64
    assert header.feed_forward == 128
    assert header.heads == 4
    assert header.kv_heads == 2
    assert header.vocabulary == 4
    assert header.tied
    assert header.kv_bytes == 2 * 2 * 2 * (16 + 16)


def test_widths_of_keys_and_values_may_be_given(tmp_path: Path) -> None:
    changes = {"llama__attention__key_length": 8, "llama__attention__value_length": 4}
    header = read_gguf_header(gguf(tmp_path / "t.gguf", **changes))
    assert header.kv_bytes == 2 * 2 * 2 * (8 + 4)


def test_of_numbers_for_each_layer_the_largest_counts(tmp_path: Path) -> None:
    header = read_gguf_header(gguf(tmp_path / "t.gguf", llama__attention__head_count_kv=[1, 2]))
    assert header.kv_heads == 2


def test_what_a_header_does_not_say_is_0_or_empty(tmp_path: Path) -> None:
    absent = dict.fromkeys(["general__name", "general__license", "tokenizer__chat_template"])
    header = read_gguf_header(gguf(tmp_path / "t.gguf", llama__context_length=None, **absent))
    assert header.context_length == 0
    assert header.name == header.licence == ""
    assert header.chat_template is None


def test_the_tokenizer_hash_depends_on_the_vocabulary_only(tmp_path: Path) -> None:
    tiny = read_gguf_header(gguf(tmp_path / "1.gguf"))
    renamed = read_gguf_header(gguf(tmp_path / "2.gguf", general__name="Other", fill=b"x"))
    other = read_gguf_header(gguf(tmp_path / "3.gguf", tokenizer__ggml__tokens=["a", "bc", "d"]))
    assert tiny.tokenizer_hash == renamed.tokenizer_hash
    assert tiny.tokenizer_hash != other.tokenizer_hash


def test_a_file_cut_anywhere_is_corrupt(tmp_path: Path) -> None:
    whole = gguf(tmp_path / "t.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in [0, 3, 6, 12, *range(24, len(whole), 97), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(CorruptWeights):
            read_gguf_header(cut)


def test_a_file_of_another_format_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "t.gguf").write_bytes(b"PK\3\4" + b"\0" * 100)
    with pytest.raises(CorruptWeights, match="not a GGUF"):
        read_gguf_header(tmp_path / "t.gguf")


def test_an_absent_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights):
        read_gguf_header(tmp_path / "absent.gguf")


def test_block_sizes_agree_with_the_gguf_package() -> None:
    constants = pytest.importorskip("gguf.constants")
    theirs = {int(ggml_type): sizes for ggml_type, sizes in constants.GGML_QUANT_SIZES.items()}
    for ggml_type, sizes in BLOCKS.items():
        assert theirs.get(ggml_type, sizes) == sizes


def refusal(path: Path) -> str:
    with pytest.raises(CorruptWeights) as refused:
        read_gguf_header(path)
    assert refused.value.message.isprintable()
    assert refused.value.hint
    return refused.value.message


@pytest.mark.parametrize("value", [0, 2**31, "512", [1, 2], "x" * 10_000], ids=lambda v: str(v)[:9])
def test_a_context_that_makes_no_sense_is_corrupt(tmp_path: Path, value: Any) -> None:
    assert "context_length" in refusal(gguf(tmp_path / "t.gguf", llama__context_length=value))


@pytest.mark.parametrize("key", ["block_count", "embedding_length", "attention__head_count"])
@pytest.mark.parametrize("value", [2**32 - 1, "4", [2**31 - 1]], ids=str)
def test_sizes_that_make_no_sense_are_corrupt(tmp_path: Path, key: str, value: Any) -> None:
    path = gguf(tmp_path / "t.gguf", **{f"llama__{key}": value})
    assert key.replace("__", ".") in refusal(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"general__architecture": "\x1b[2J"},
        {"general__architecture": 7},
        {"general__name": ["a"]},
        {"general__license": 7},
        {"general__alignment": 0},
        {"general__alignment": 3},
        {"general__alignment": 2**31},
        {"general__alignment": "32"},
        {"tokenizer__chat_template": 7},
        {"tokenizer__chat_template": "x" * 2_000_000},
        {"tokenizer__ggml__tokens": [1, 2]},
        {"tokenizer__ggml__tokens": 7},
        {"tokenizer__ggml__tokens": ["a"] * 3000},
        {"tokenizer__ggml__token_type": ["a"]},
        {"tokenizer__ggml__scores": [1, 2, 3]},
        {"tokenizer__ggml__merges": [1]},
    ],
    ids=lambda changes: str(changes)[:50],
)
def test_values_that_llama_cpp_would_trip_over_are_corrupt(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    refusal(gguf(tmp_path / "t.gguf", **changes))


def test_a_key_twice_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "t.gguf"
    raw = gguf(tmp_path / "u.gguf", general__nam2="x").read_bytes()
    path.write_bytes(raw.replace(b"general.nam2", b"general.name"))
    assert "stands in it twice" in refusal(path)
