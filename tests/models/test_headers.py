"""Weights tell what they are without any model library, and half a file is told from a whole one."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError
from localfair.models.gguf_header import BLOCKS, read_gguf_header
from localfair.models.safetensors_folder import read_folder

from .weights import TEMPLATE, gguf, safetensors


@pytest.mark.parametrize("version", [2, 3])
def test_a_gguf_header_gives_what_a_card_needs(tmp_path: Path, version: int) -> None:
    path = gguf(tmp_path / "t.gguf", version=version)
    header = read_gguf_header(path)
    assert (header.architecture, header.name, header.licence) == ("llama", "Tiny", "apache-2.0")
    assert (header.context_length, header.block_count, header.chat_template) == (128, 2, TEMPLATE)
    assert header.kv_bytes == 2 * 2 * 2 * (16 + 16)
    assert header.size == path.stat().st_size


def test_the_tokenizer_hash_depends_on_the_vocabulary_only(tmp_path: Path) -> None:
    one = read_gguf_header(gguf(tmp_path / "1.gguf"))
    same = read_gguf_header(gguf(tmp_path / "2.gguf", general__name="Other", fill=b"x"))
    other = read_gguf_header(gguf(tmp_path / "3.gguf", tokenizer__ggml__tokens=["a", "bc", "d"]))
    assert one.tokenizer_hash == same.tokenizer_hash != other.tokenizer_hash


def test_a_gguf_cut_anywhere_is_corrupt(tmp_path: Path) -> None:
    whole = gguf(tmp_path / "t.gguf").read_bytes()
    for length in [0, 3, 6, 12, *range(24, len(whole), 97), len(whole) - 1]:
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(whole[:length])
        with pytest.raises(CorruptWeights):
            read_gguf_header(cut)


def test_a_file_of_another_kind_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "t.gguf").write_bytes(b"PK\3\4" + b"\0" * 100)
    with pytest.raises(CorruptWeights, match="not a GGUF"):
        read_gguf_header(tmp_path / "t.gguf")
    with pytest.raises(MissingWeights):
        read_gguf_header(tmp_path / "absent.gguf")


def test_block_sizes_agree_with_the_gguf_package() -> None:
    constants = pytest.importorskip("gguf.constants")
    theirs = {int(kind): sizes for kind, sizes in constants.GGML_QUANT_SIZES.items()}
    assert all(theirs[kind] == sizes for kind, sizes in BLOCKS.items() if kind in theirs)


def test_a_safetensors_folder_gives_what_a_card_needs(tmp_path: Path) -> None:
    header = read_folder(safetensors(tmp_path / "m"))
    assert (header.architecture, header.context_length, header.chat_template) == (
        "llama",
        64,
        TEMPLATE,
    )
    assert header.kv_bytes == 2 * 2 * 2 * 2 * 16


def test_a_template_file_stands_before_the_tokenizer_settings(tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "m")
    (folder / "chat_template.jinja").write_text("{{ x }}")
    assert read_folder(folder).chat_template == "{{ x }}"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "x.pkl"])
def test_pickled_weights_are_refused(tmp_path: Path, name: str) -> None:
    folder = safetensors(tmp_path / "m")
    (folder / name).write_bytes(b"")
    with pytest.raises(ModelError, match="can run code"):
        read_folder(folder)


def test_a_short_safetensors_file_is_corrupt_and_an_absent_shard_missing(tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "m")
    shard = folder / "model.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(CorruptWeights, match="cut short"):
        read_folder(folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"w": "two.safetensors"}}')
    with pytest.raises(MissingWeights, match="two"):
        read_folder(folder)
