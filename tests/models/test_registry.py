"""A name becomes weights that are what the card says, or an error that says what to do."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError, UnknownModel
from localfair.machine.files import sha256_file
from localfair.models import all_cards, check, find_card, resolve
from localfair.models.chat_template import ChatSettings

from .weights import TEMPLATE, card_text, gguf, safetensors


def put_tiny(workspace: Path, **card: Any) -> Path:
    """The card `tiny` and its weights, written long ago, so that their hash may be remembered."""
    path = gguf(workspace / "models" / "weights" / "tiny.gguf")
    os.utime(path, (1, 1))
    text = card_text(**{"sha256": sha256_file(path), **card})
    (workspace / "models" / "tiny.toml").write_text(text)
    return path


def test_a_resolved_model_carries_what_engines_need(workspace: Path) -> None:
    path = put_tiny(workspace)
    model = resolve("tiny", workspace)
    assert model.path == path
    assert model.fingerprint == f"sha256:{sha256_file(path)}"
    assert model.sha256 == sha256_file(path)
    assert model.context == 128
    assert model.chat_template == TEMPLATE
    assert model.chat_template_hash.startswith("b2:")


def test_a_template_in_the_card_stands_before_the_weights_own(workspace: Path) -> None:
    put_tiny(workspace)
    plain = resolve("tiny", workspace)
    put_tiny(workspace, chat_template="{{ own }}")
    model = resolve("tiny", workspace)
    assert model.chat_template == "{{ own }}"
    assert model.chat_template_hash != plain.chat_template_hash


def test_an_unknown_name_gets_the_nearest(workspace: Path) -> None:
    put_tiny(workspace)
    with pytest.raises(UnknownModel) as refused:
        resolve("tinny", workspace)
    assert refused.value.hint == "did you mean 'tiny'?"


def test_missing_weights_say_how_to_get_them(workspace: Path) -> None:
    put_tiny(workspace).unlink()
    with pytest.raises(MissingWeights) as refused:
        resolve("tiny", workspace)
    assert "models add FILE" in refused.value.hint
    assert "fetch" not in refused.value.hint


def test_missing_weights_with_a_source_can_be_fetched(workspace: Path) -> None:
    source = {"kind": "huggingface", "repo": "some/repo"}
    put_tiny(workspace).unlink()
    inline = ", ".join(f"{key} = {json.dumps(value)}" for key, value in source.items())
    (workspace / "models" / "tiny.toml").write_text(card_text() + f"sources = [{{{inline}}}]\n")
    with pytest.raises(MissingWeights) as refused:
        resolve("tiny", workspace)
    assert "models fetch tiny" in refused.value.hint


def test_another_hash_is_corrupt_and_both_hashes_are_named(workspace: Path) -> None:
    path = put_tiny(workspace, sha256="0" * 64)
    with pytest.raises(CorruptWeights) as refused:
        resolve("tiny", workspace)
    assert "0" * 64 in refused.value.message
    assert sha256_file(path) in refused.value.message


def test_a_truncated_file_is_corrupt_before_it_is_hashed(workspace: Path) -> None:
    path = put_tiny(workspace)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CorruptWeights, match="cut short"):
        resolve("tiny", workspace)


def test_another_size_than_the_cards_is_corrupt(workspace: Path) -> None:
    put_tiny(workspace, size=5)
    with pytest.raises(CorruptWeights, match="says 5"):
        resolve("tiny", workspace)


def test_a_second_resolve_does_not_hash_and_check_does(workspace: Path) -> None:
    path = put_tiny(workspace)
    resolve("tiny", workspace)
    cache = workspace / "models" / "weights" / ".hashes.json"
    remembered = json.loads(cache.read_text())
    remembered[str(path)]["sha256"] = "f" * 64
    cache.write_text(json.dumps(remembered))
    with pytest.raises(CorruptWeights, match="f" * 64):
        resolve("tiny", workspace)
    assert check("tiny", workspace).sha256 == sha256_file(path)
    assert resolve("tiny", workspace).sha256 == sha256_file(path)


@pytest.mark.parametrize("damage", ["{", "[]", '{"x": 1}'])
def test_a_damaged_cache_does_not_change_what_is_resolved(workspace: Path, damage: str) -> None:
    path = put_tiny(workspace)
    resolve("tiny", workspace)
    (workspace / "models" / "weights" / ".hashes.json").write_text(damage)
    assert resolve("tiny", workspace).sha256 == sha256_file(path)


def test_changed_weights_are_noticed_though_size_is_the_same(workspace: Path) -> None:
    path = put_tiny(workspace)
    resolve("tiny", workspace)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptWeights):
        resolve("tiny", workspace)


def test_weights_are_found_in_the_folders_the_user_names(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_tiny(workspace).rename(tmp_path / "tiny.gguf")
    monkeypatch.setenv("LOCALFAIR_WEIGHTS", os.pathsep.join(["/nowhere", "", str(tmp_path)]))
    assert resolve("tiny", workspace).path == path


def test_the_path_in_a_card_stands_before_the_workspaces_weights(
    workspace: Path, tmp_path: Path
) -> None:
    path = gguf(tmp_path / "elsewhere.gguf")
    put_tiny(workspace, path=str(path))
    assert resolve("tiny", workspace).path == path


def test_a_path_to_weights_needs_no_card(workspace: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "My Model.gguf")
    folder = safetensors(tmp_path / "folder")
    assert resolve(str(path), workspace).name == "my-model"
    assert resolve(str(folder), workspace).card.format == "safetensors"


def test_a_path_to_a_card_is_read(workspace: Path) -> None:
    put_tiny(workspace)
    assert find_card(str(workspace / "models" / "tiny.toml"), workspace).name == "tiny"


def test_a_folders_fingerprint_changes_with_its_template(workspace: Path, tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "m")
    before = resolve(str(folder), workspace).fingerprint
    (folder / "chat_template.jinja").write_text("{{ y }}")
    assert resolve(str(folder), workspace).fingerprint != before


def test_a_workspaces_card_stands_before_the_shipped_one(workspace: Path) -> None:
    name = "smollm2-135m-instruct"
    assert all_cards(workspace)[name].family != "Mine"
    (workspace / "models" / f"{name}.toml").write_text(card_text(name, family="Mine"))
    assert all_cards(workspace)[name].family == "Mine"


def test_a_card_under_another_file_name_is_refused(workspace: Path) -> None:
    (workspace / "models" / "small.toml").write_text(card_text("tiny"))
    with pytest.raises(ModelError, match="is the card of 'tiny'") as refused:
        all_cards(workspace)
    assert refused.value.hint == "rename it to tiny.toml"


DATED = "{{ strftime_now('%Y') }}{{ messages }}"


def test_a_day_decides_prompts_of_dated_templates_alone(workspace: Path) -> None:
    told = {"settings": ChatSettings(date=date(2026, 3, 9))}
    put_tiny(workspace)
    plain = resolve("tiny", workspace)
    assert replace(plain, **told).template_id == plain.template_id == plain.chat_template_hash
    put_tiny(workspace, chat_template=DATED)
    dated = resolve("tiny", workspace)
    assert dated.is_dated
    assert replace(dated, **told).template_id != dated.template_id
    assert replace(dated, **told).chat_template_hash == dated.chat_template_hash


def test_what_a_card_says_of_thinking_is_told_to_the_template_and_decides_prompts(
    workspace: Path,
) -> None:
    put_tiny(workspace)
    plain = resolve("tiny", workspace)
    put_tiny(workspace, enable_thinking=False)
    silent = resolve("tiny", workspace)
    assert silent.settings.enable_thinking is False
    assert silent.template_id != plain.template_id
