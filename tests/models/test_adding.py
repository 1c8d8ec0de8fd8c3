"""Weights that are already here get a card from their own metadata; nothing is claimed unread."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.errors import CorruptWeights, MissingWeights, UsageError
from localfair.machine.files import sha256_file
from localfair.models import load_card, resolve
from localfair.models.adding import add, record

from .weights import card_text, gguf, safetensors


def test_a_new_card_comes_from_the_files_metadata(workspace: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "Some Model-Q4.gguf")
    card = add(path, workspace)
    assert (card.name, card.family, card.context_length) == ("some-model-q4", "llama", 128)
    assert (card.licence, card.output_terms) == ("apache-2.0", "unverified")
    assert card.sha256 == sha256_file(path) and card.size == path.stat().st_size
    assert resolve("some-model-q4", workspace).path == path


def test_a_file_that_names_no_licence_gets_an_unverified_one(
    workspace: Path, tmp_path: Path
) -> None:
    assert add(gguf(tmp_path / "t.gguf", general__license=None), workspace).licence == "unverified"


def test_a_safetensors_folder_gets_a_card_too(workspace: Path, tmp_path: Path) -> None:
    add(safetensors(tmp_path / "folder"), workspace, name="own")
    assert resolve("own", workspace).path == tmp_path / "folder"


def test_known_weights_take_the_known_cards_name_and_content(
    workspace: Path, tmp_path: Path
) -> None:
    path = gguf(tmp_path / "renamed.gguf")
    text = card_text(family="Known", sha256=sha256_file(path), roles=["teacher"])
    (workspace / "models" / "tiny.toml").write_text(text)
    card = add(path, workspace)
    assert (card.name, card.family, card.roles, card.path) == (
        "tiny",
        "Known",
        ("teacher",),
        str(path),
    )


def test_a_known_file_name_without_a_hash_is_held_to_what_came_first(
    workspace: Path, tmp_path: Path
) -> None:
    path = gguf(tmp_path / "tiny.gguf")
    (workspace / "models" / "tiny.toml").write_text(card_text())
    assert add(path, workspace).sha256 == sha256_file(path)
    gguf(path, fill=b"x")
    with pytest.raises(CorruptWeights):
        resolve("tiny", workspace)


def test_another_model_of_the_same_name_is_refused_unless_forced(
    workspace: Path, tmp_path: Path
) -> None:
    add(gguf(tmp_path / "a" / "t.gguf"), workspace)
    other = gguf(tmp_path / "b" / "t.gguf", fill=b"x")
    with pytest.raises(UsageError, match="another model"):
        add(other, workspace)
    assert add(other, workspace, force=True).path == str(other)
    assert add(other, workspace).path == str(other)


def test_an_absent_file_is_missing(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights):
        add(tmp_path / "absent.gguf", workspace)


def test_a_shipped_card_is_never_given_a_path_of_this_machine(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localfair.models.adding.packaged_dir", lambda kind: workspace / kind)
    path = gguf(tmp_path / "elsewhere.gguf")
    shipped = workspace / "models" / "tiny.toml"
    shipped.write_text(card_text(sha256=sha256_file(path)))
    before = shipped.read_text()
    add(path, workspace)
    assert shipped.read_text() == before
    assert resolve("tiny", workspace).path.resolve() == path


def test_what_is_recorded_first_stays(workspace: Path) -> None:
    (workspace / "models" / "tiny.toml").write_text(card_text())
    card = record(load_card(workspace / "models" / "tiny.toml"), "a" * 64, 7, workspace)
    again = record(card, "b" * 64, 8, workspace)
    assert again == load_card(workspace / "models" / "tiny.toml")
    assert (again.sha256, again.size) == ("a" * 64, 7)
