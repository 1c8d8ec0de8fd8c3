"""Weights say what they are, and a card made of that claims nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.errors import MissingWeights, UsageError
from localfair.models.gguf_header import GgufHeader
from localfair.models.metadata import card_name, card_of, read_header, weights_size
from localfair.models.safetensors_folder import FolderHeader

from .weights import card_text, gguf, safetensors


def test_the_header_of_a_file_or_a_folder_is_read(tmp_path: Path) -> None:
    assert isinstance(read_header(gguf(tmp_path / "t.gguf")), GgufHeader)
    assert isinstance(read_header(safetensors(tmp_path / "folder")), FolderHeader)


def test_the_size_of_a_folder_is_that_of_its_weights(tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "folder")
    shard = folder / "model.safetensors"
    assert weights_size(shard) == shard.stat().st_size
    assert weights_size(folder) == shard.stat().st_size


def test_a_gguf_makes_a_card_with_the_licence_that_it_names(tmp_path: Path) -> None:
    card = card_of(gguf(tmp_path / "t.gguf"))
    assert card.format == "gguf"
    assert card.file == "t.gguf"
    assert card.licence == "apache-2.0"
    assert card.licence_read_from == "general.license in the file"
    assert card.sha256 is None


def test_a_folder_names_no_licence(tmp_path: Path) -> None:
    card = card_of(safetensors(tmp_path / "folder"))
    assert card.format == "safetensors"
    assert card.licence == "unverified"
    assert card.licence_read_from == ""


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Some Model-Q4.gguf", "some-model-q4"),
        ("Qwen2.5.gguf", "qwen2.5"),
        ("..é--.gguf", "model"),
        ("folder", "folder"),
    ],
)
def test_a_name_is_made_of_what_a_name_may_hold(file: str, name: str) -> None:
    assert card_name(Path(file)) == name


def test_a_file_name_that_a_card_may_not_hold_is_changed_in_the_card(tmp_path: Path) -> None:
    assert card_of(gguf(tmp_path / ".Some Model.gguf")).file == "Some-Model.gguf"


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="no file or folder"):
        card_of(tmp_path / "absent.gguf")


def test_a_card_is_not_weights(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(card_text())
    with pytest.raises(UsageError, match="a card, not weights"):
        card_of(tmp_path / "tiny.toml")
