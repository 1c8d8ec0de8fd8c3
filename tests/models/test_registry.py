"""A name becomes weights that are what the card says, or an error that says what to do."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError, UnknownModel
from localfair.models import all_cards, check, find_card, resolve
from localfair.models.fit import memory_needed

from .weights import TEMPLATE, card_text, gguf, safetensors


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def place(workspace: Path, **card: Any) -> Path:
    """The card `tiny` and its weights in the workspace; long ago, so that the hash may be remembered."""
    path = gguf(workspace / "models" / "weights" / "tiny.gguf")
    os.utime(path, (1, 1))
    (workspace / "models" / "tiny.toml").write_text(card_text(**{"sha256": sha(path), **card}))
    return path


def test_a_resolved_model_carries_what_engines_need(workspace: Path) -> None:
    path = place(workspace)
    model = resolve("tiny", workspace)
    assert (model.path, model.fingerprint) == (path, f"sha256:{sha(path)}")
    assert (model.context, model.chat_template) == (128, TEMPLATE)
    assert model.chat_template_hash.startswith("b2:")


def test_a_template_in_the_card_stands_before_the_weights_own(workspace: Path) -> None:
    place(workspace)
    plain = resolve("tiny", workspace)
    place(workspace, chat_template="{{ own }}")
    model = resolve("tiny", workspace)
    assert model.chat_template == "{{ own }}"
    assert model.chat_template_hash != plain.chat_template_hash


def test_an_unknown_name_gets_the_nearest(workspace: Path) -> None:
    place(workspace)
    with pytest.raises(UnknownModel) as caught:
        resolve("tinny", workspace)
    assert caught.value.hint == "did you mean 'tiny'?"


def test_missing_weights_say_how_to_get_them(workspace: Path) -> None:
    place(workspace).unlink()
    with pytest.raises(MissingWeights) as caught:
        resolve("tiny", workspace)
    assert "models add FILE" in caught.value.hint and "fetch" not in caught.value.hint


def test_another_hash_is_corrupt_and_both_hashes_are_named(workspace: Path) -> None:
    path = place(workspace, sha256="0" * 64)
    with pytest.raises(CorruptWeights) as caught:
        resolve("tiny", workspace)
    assert "0" * 64 in caught.value.message and sha(path) in caught.value.message


def test_a_truncated_file_is_corrupt_before_it_is_hashed(workspace: Path) -> None:
    path = place(workspace)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CorruptWeights, match="cut short"):
        resolve("tiny", workspace)


def test_another_size_than_the_cards_is_corrupt(workspace: Path) -> None:
    place(workspace, size=5)
    with pytest.raises(CorruptWeights, match="says 5"):
        resolve("tiny", workspace)


def test_a_second_resolve_does_not_hash_and_check_does(workspace: Path) -> None:
    path = place(workspace)
    resolve("tiny", workspace)
    cache = workspace / "models" / "weights" / ".hashes.json"
    remembered = json.loads(cache.read_text())
    remembered[str(path)]["sha256"] = "f" * 64
    cache.write_text(json.dumps(remembered))
    with pytest.raises(CorruptWeights, match="f" * 64):
        resolve("tiny", workspace)
    assert check("tiny", workspace).sha256 == sha(path)
    assert resolve("tiny", workspace).sha256 == sha(path)


@pytest.mark.parametrize("damage", ["{", "[]", '{"x": 1}'])
def test_a_damaged_cache_costs_only_time(workspace: Path, damage: str) -> None:
    path = place(workspace)
    resolve("tiny", workspace)
    (workspace / "models" / "weights" / ".hashes.json").write_text(damage)
    assert resolve("tiny", workspace).sha256 == sha(path)


def test_changed_weights_are_seen_though_size_is_the_same(workspace: Path) -> None:
    path = place(workspace)
    resolve("tiny", workspace)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptWeights):
        resolve("tiny", workspace)


def test_weights_are_found_in_the_folders_the_user_names(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place(workspace)
    other = path.rename(tmp_path / "tiny.gguf")
    monkeypatch.setenv("LOCALFAIR_WEIGHTS", os.pathsep.join(["/nowhere", str(tmp_path)]))
    assert resolve("tiny", workspace).path == other


def test_a_path_to_weights_needs_no_card(workspace: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "My Model.gguf")
    assert resolve(str(path), workspace).name == "my-model"
    assert resolve(str(safetensors(tmp_path / "folder")), workspace).card.format == "safetensors"


def test_a_path_to_a_card_is_read(workspace: Path) -> None:
    place(workspace)
    assert find_card(str(workspace / "models" / "tiny.toml"), workspace).name == "tiny"


def test_a_folders_fingerprint_covers_every_file_that_counts(
    workspace: Path, tmp_path: Path
) -> None:
    folder = safetensors(tmp_path / "m")
    before = resolve(str(folder), workspace).fingerprint
    (folder / "README.md").write_text("hello")
    assert resolve(str(folder), workspace).fingerprint == before
    (folder / "chat_template.jinja").write_text("{{ y }}")
    assert resolve(str(folder), workspace).fingerprint != before


def test_a_card_under_another_file_name_is_refused(workspace: Path) -> None:
    (workspace / "models" / "small.toml").write_text(card_text("tiny"))
    with pytest.raises(ModelError, match=r"rename|is the card of 'tiny'"):
        all_cards(workspace)


def test_memory_is_weights_plus_cache_plus_scratch(workspace: Path) -> None:
    place(workspace)
    model = resolve("tiny", workspace)
    grown = memory_needed(model, 100, 3) - memory_needed(model, 0, 0)
    assert grown == 300 * 2 * 2 * 2 * (16 + 16)
