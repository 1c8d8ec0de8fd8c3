"""A safetensors folder tells what it is, and a damaged one is told from a whole one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError
from localfair.models.safetensors_folder import counted_files, read_folder

from .weights import TEMPLATE, safetensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return safetensors(tmp_path / "folder")


def change_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_a_folder_gives_what_a_card_needs(folder: Path) -> None:
    header = read_folder(folder)
    assert header.architecture == "llama"
    assert header.context_length == 64
    assert header.chat_template == TEMPLATE
    assert header.kv_bytes == 2 * 2 * 2 * 2 * 16
    assert header.size == (folder / "model.safetensors").stat().st_size


def test_the_width_of_a_head_may_be_given(folder: Path) -> None:
    change_config(folder, head_dim=8)
    assert read_folder(folder).kv_bytes == 2 * 2 * 2 * 2 * 8


def test_what_a_folder_does_not_say_is_0_or_empty(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer_config.json").unlink()
    header = read_folder(folder)
    assert header.architecture == ""
    assert header.context_length == header.kv_bytes == 0
    assert header.chat_template is None


def test_a_template_file_stands_before_the_tokenizer_settings(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ x }}")
    assert read_folder(folder).chat_template == "{{ x }}"


def test_files_that_do_not_change_the_model_do_not_count(folder: Path) -> None:
    for name in ("README.md", ".hidden.json"):
        (folder / name).write_text("{}")
    (folder / "more.json").mkdir()
    names = [path.name for path in counted_files(folder)]
    assert names == ["config.json", "model.safetensors", "tokenizer_config.json"]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "x.pkl"])
def test_pickled_weights_are_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    with pytest.raises(ModelError, match="can run code"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_an_absent_file_is_missing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(MissingWeights, match="no "):
        read_folder(folder)


def test_a_shard_that_the_index_names_is_missing(folder: Path) -> None:
    index = {"weight_map": {"v": "model.safetensors", "w": "two.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(MissingWeights, match=r"lacks two\.safetensors"):
        read_folder(folder)


@pytest.mark.parametrize("change", [lambda whole: whole[:-1], lambda whole: whole + b"x"])
def test_weights_of_another_size_than_their_header_says_are_corrupt(folder: Path, change) -> None:
    shard = folder / "model.safetensors"
    shard.write_bytes(change(shard.read_bytes()))
    with pytest.raises(CorruptWeights, match="cut short or damaged"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a safetensors file"),
        (b"\2\0\0\0\0\0\0\0[]", "not a safetensors file"),
        (b"\xff\xff\0\0\0\0\0\0{}", "cut short or damaged"),
    ],
)
def test_a_damaged_head_is_corrupt(folder: Path, content: bytes, problem: str) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(CorruptWeights, match=problem):
        read_folder(folder)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_config_that_is_no_object_is_corrupt(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(CorruptWeights, match="JSON"):
        read_folder(folder)
