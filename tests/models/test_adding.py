"""Weights that are already here get a card from their own metadata; nothing is claimed unread."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError, UsageError
from localfair.machine.files import sha256_file
from localfair.models import check, load_card, resolve
from localfair.models.adding import add, add_endpoint, record
from localfair.models.endpoint import fingerprint
from tests.engines.stub_server import Stub, models

from .weights import card_text, gguf, safetensors


def put_card(workspace: Path, **changes: object) -> Path:
    """The card `tiny` in the workspace."""
    path = workspace / "models" / "tiny.toml"
    path.write_text(card_text(**changes))
    return path


def test_a_new_card_comes_from_the_files_metadata(workspace: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "Some Model-Q4.gguf")
    card = add(path, workspace)
    assert card.name == "some-model-q4"
    assert card.family == "llama"
    assert card.context_length == 128
    assert card.licence == "apache-2.0"
    assert card.output_terms == "unverified"
    assert card.sha256 == sha256_file(path)
    assert card.size == path.stat().st_size
    assert resolve("some-model-q4", workspace).path == path


def test_a_file_that_names_no_licence_gets_an_unverified_one(
    workspace: Path, tmp_path: Path
) -> None:
    card = add(gguf(tmp_path / "t.gguf", general__license=None), workspace)
    assert card.licence == "unverified"


def test_a_safetensors_folder_gets_a_card_too(workspace: Path, tmp_path: Path) -> None:
    add(safetensors(tmp_path / "folder"), workspace, name="own")
    assert resolve("own", workspace).path == tmp_path / "folder"


def test_known_weights_take_the_known_cards_name_and_content(
    workspace: Path, tmp_path: Path
) -> None:
    path = gguf(tmp_path / "renamed.gguf")
    put_card(workspace, family="Known", sha256=sha256_file(path), roles=["teacher"])
    card = add(path, workspace)
    assert card.name == "tiny"
    assert card.family == "Known"
    assert card.roles == ("teacher",)
    assert card.path == str(path)


def test_a_known_hash_counts_before_a_known_file_name(workspace: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "tiny.gguf")
    put_card(workspace)
    by_hash = card_text("zoe", file="zoe.gguf", sha256=sha256_file(path))
    (workspace / "models" / "zoe.toml").write_text(by_hash)
    assert add(path, workspace).name == "zoe"


def test_a_known_file_name_without_a_hash_is_held_to_what_came_first(
    workspace: Path, tmp_path: Path
) -> None:
    path = gguf(tmp_path / "tiny.gguf")
    put_card(workspace)
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
    workspace: Path, tmp_path: Path
) -> None:
    path = gguf(tmp_path / "elsewhere.gguf")
    card = put_card(workspace, sha256=sha256_file(path))
    before = card.read_text()
    add(path, workspace, shipped=workspace / "models")
    assert card.read_text() == before
    assert resolve("tiny", workspace).path.resolve() == path


def test_weights_that_cannot_be_linked_are_to_be_copied(workspace: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "elsewhere.gguf")
    put_card(workspace, sha256=sha256_file(path))
    (workspace / "models" / "weights" / "tiny.gguf").mkdir(parents=True)
    with pytest.raises(ModelError, match="cannot link") as refused:
        add(path, workspace, shipped=workspace / "models")
    assert refused.value.hint == "copy the file there"


def test_what_is_recorded_first_stays(workspace: Path) -> None:
    path = put_card(workspace)
    card = record(load_card(path), "a" * 64, 7, workspace)
    again = record(card, "b" * 64, 8, workspace)
    assert again == load_card(path)
    assert again.sha256 == "a" * 64
    assert again.size == 7


def llama_server(path: str, body: object) -> tuple[int, object]:
    meta = {"n_params": 9, "size": 8}
    return (404, {}) if path == "/props" else (200, models("m", owned_by="llamacpp", meta=meta))


def silent_server(path: str, body: object) -> tuple[int, object]:
    """It lists its model and says no more."""
    return (200, models("m")) if path == "/v1/models" else (404, {})


def test_an_endpoint_gets_a_card_of_what_its_server_says(workspace: Path) -> None:
    with Stub(llama_server) as stub, Stub(llama_server) as twin:
        card = add_endpoint(stub.url + "/v1", "m", workspace, name="far")
        model = check("far", workspace)
        same = add_endpoint(twin.url, "m", workspace, name="twin")
    assert card.url == stub.url
    assert card.server == "llamacpp"
    assert card.identity == same.identity == model.fingerprint


def test_a_server_that_tells_nothing_of_its_weights_is_known_by_its_address(
    workspace: Path,
) -> None:
    with Stub(silent_server) as stub:
        add_endpoint(stub.url, "m", workspace)
    model = resolve("m", workspace)
    assert model.card.identity == ""
    assert model.fingerprint == fingerprint(stub.url, "m", "")


def test_another_endpoint_of_the_same_name_is_refused_unless_forced(workspace: Path) -> None:
    with Stub(silent_server) as stub, Stub(silent_server) as other:
        add_endpoint(stub.url, "m", workspace)
        with pytest.raises(UsageError, match="another model"):
            add_endpoint(other.url, "m", workspace)
        assert add_endpoint(other.url, "m", workspace, force=True).url == other.url


def test_a_name_that_no_card_may_have_is_one_line(workspace: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "t.gguf")
    for name in ("Two Words", "../up", "x" * 300, "\x1b[2J"):
        with pytest.raises(ModelError, match="name: ") as refused:
            add(path, workspace, name=name)
        assert refused.value.message.isprintable()


def test_a_path_with_a_line_break_is_one_line(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="path: ") as refused:
        add(gguf(tmp_path / "a\nb.gguf"), workspace)
    assert refused.value.message.isprintable()


def test_what_weights_say_of_themselves_is_cleaned(workspace: Path, tmp_path: Path) -> None:
    licence = "mit\n\x1b[2J" + "x" * 1000
    card = add(gguf(tmp_path / "t.gguf", general__license=licence), workspace)
    assert card.licence.startswith("mit \\x1b[2Jxxx")
    assert len(card.licence) == 300
    assert resolve("t", workspace).card == card


ODD_CONTEXTS = [-1, 0, 2**63, "many", [1], {"a": 1}, 1.5, True]


@pytest.mark.parametrize("context", ODD_CONTEXTS, ids=str)
def test_a_context_that_no_server_can_have_is_none(workspace: Path, context: object) -> None:
    def odd_server(path: str, body: object) -> tuple[int, object]:
        return 200, models("m", owned_by="vllm", max_model_len=context)

    with Stub(odd_server) as stub:
        assert add_endpoint(stub.url, "m", workspace).context_length is None


@pytest.mark.parametrize("odd", [[], "text", 7, {"n_ctx": []}], ids=str)
def test_odd_properties_of_a_server_are_passed_over(workspace: Path, odd: object) -> None:
    def odd_server(path: str, body: object) -> tuple[int, object]:
        if path == "/props":
            return 200, {"default_generation_settings": odd}
        return 200, models("m", owned_by="llamacpp", meta=odd)

    with Stub(odd_server) as stub:
        assert add_endpoint(stub.url, "m", workspace).server == "llamacpp"
