"""The same weights as another type: a file and a card of their own, made once; what cannot be is said."""

import shutil

import pytest

from localfair.errors import ModelError, UsageError
from localfair.models import resolve
from localfair.models.adding import add
from localfair.models.gguf_header import read_gguf_header
from localfair.models.requantise import requantise


@pytest.fixture
def workspace(tmp_path, tiny_gguf_student, monkeypatch):
    """A workspace that knows the tiny student's GGUF as `tiny`."""
    monkeypatch.delenv("LOCALFAIR_WEIGHTS", raising=False)
    source = tmp_path / "source.gguf"
    shutil.copy(tiny_gguf_student, source)
    add(source, tmp_path, name="tiny")
    return tmp_path


def test_requantised_weights_get_a_card_of_their_own_and_are_written_once(workspace):
    card = requantise("tiny", "bf16", workspace)
    model = resolve("tiny-bf16", workspace)
    assert (card.name, model.sha256) == ("tiny-bf16", card.sha256) and card.sha256 != resolve(
        "tiny", workspace
    ).sha256
    assert card.licence == resolve("tiny", workspace).card.licence and not card.sources
    assert resolve("tiny", workspace).sha256 in card.note
    assert (
        read_gguf_header(model.path).architecture
        == read_gguf_header(workspace / "source.gguf").architecture
    )
    written = model.path.stat().st_mtime_ns
    assert (
        requantise("tiny", "bf16", workspace) == card and model.path.stat().st_mtime_ns == written
    )
    model.path.unlink()
    assert requantise("tiny", "bf16", workspace).sha256 == card.sha256 and model.path.exists()


def test_an_unknown_type_is_named_with_the_nearest(workspace):
    with pytest.raises(UsageError, match="no type 'q8'") as refused:
        requantise("tiny", "q8", workspace)
    assert "q8_0" in refused.value.hint


def test_what_is_no_gguf_is_refused(workspace, tiny_student):
    with pytest.raises(UsageError, match="no GGUF"):
        requantise(str(tiny_student), "q8_0", workspace)


def test_what_llama_cpp_cannot_write_leaves_nothing_behind(workspace, monkeypatch):
    monkeypatch.setattr("llama_cpp.llama_model_quantize", lambda *_: 1)
    with pytest.raises(ModelError, match="could not write"):
        requantise("tiny", "q8_0", workspace)
    assert (
        not list(workspace.rglob("*.part"))
        and not (workspace / "models" / "tiny-q8_0.toml").exists()
    )
