"""The same weights as another type: a file and a card of their own, written once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from localfair.errors import ModelError, UsageError
from localfair.machine.files import sha256_file
from localfair.models import load_card, resolve
from localfair.models.adding import add
from localfair.models.card import card_path
from localfair.models.gguf_header import read_gguf_header
from localfair.models.registry import weights_dir
from localfair.models.requantise import requantise
from tests.models.weights import gguf

BF16 = 32  # LLAMA_FTYPE_MOSTLY_BF16


@pytest.fixture
def tiny(workspace: Path, tmp_path: Path, tiny_gguf_student: Path) -> Path:
    """The tiny student's GGUF, which the workspace knows as `tiny`."""
    path = tmp_path / "source.gguf"
    shutil.copy(tiny_gguf_student, path)
    add(path, workspace, name="tiny")
    return path


def test_requantised_weights_are_those_of_the_model_in_another_type(
    workspace: Path, tiny: Path
) -> None:
    requantise("tiny", "bf16", workspace)
    header = read_gguf_header(resolve("tiny-bf16", workspace).path)
    source = read_gguf_header(tiny)
    assert header.file_type == BF16 != source.file_type
    assert header.architecture == source.architecture
    assert header.tokenizer_hash == source.tokenizer_hash


@pytest.mark.usefixtures("tiny")
def test_requantised_weights_get_a_card_of_their_own(workspace: Path) -> None:
    card = requantise("tiny", "bf16", workspace)
    source = resolve("tiny", workspace)
    assert card == load_card(card_path("tiny-bf16", workspace))
    assert resolve("tiny-bf16", workspace).sha256 == card.sha256
    assert card.sha256 != source.sha256
    assert source.sha256 in card.note
    assert card.licence == source.card.licence
    assert card.sources == ()
    assert card.path == ""


@pytest.mark.usefixtures("tiny")
def test_they_are_written_once(workspace: Path) -> None:
    card = requantise("tiny", "bf16", workspace)
    path = weights_dir(workspace) / card.file
    written = path.stat().st_mtime_ns
    assert requantise("tiny", "bf16", workspace) == card
    assert path.stat().st_mtime_ns == written


@pytest.mark.usefixtures("tiny")
def test_they_are_written_again_when_their_file_is_gone(workspace: Path) -> None:
    card = requantise("tiny", "bf16", workspace)
    path = weights_dir(workspace) / card.file
    path.unlink()
    assert requantise("tiny", "bf16", workspace) == card
    assert sha256_file(path) == card.sha256


@pytest.mark.usefixtures("tiny")
def test_an_unknown_type_is_named_with_the_nearest(workspace: Path) -> None:
    with pytest.raises(UsageError, match="no type 'q8'") as refused:
        requantise("tiny", "q8", workspace)
    assert "q8_0" in refused.value.hint


def test_what_is_no_gguf_is_refused(workspace: Path, tiny_student: Path) -> None:
    with pytest.raises(UsageError, match="no GGUF"):
        requantise(str(tiny_student), "q8_0", workspace)


def test_what_llama_cpp_cannot_write_leaves_nothing_behind(workspace: Path, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    add(gguf(tmp_path / "no-layers.gguf"), workspace)
    with pytest.raises(ModelError, match="could not write") as refused:
        requantise("no-layers", "q8_0", workspace)
    assert "space left" in refused.value.hint
    assert list(weights_dir(workspace).glob("no-layers*")) == []
    assert not card_path("no-layers-q8_0", workspace).exists()
