"""A student that exists only as GGUF becomes a folder that can be trained: once, and whole."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.errors import ModelError
from localfair.models import Model, resolve
from localfair.models.chat import load_tokenizer, prompt_ids
from localfair.models.dequantise import MANIFEST, dequantised
from localfair.models.registry import weights_dir
from localfair.record.nouns import Message, Request
from tests import tiny, tiny_gguf
from tests.models.weights import gguf, split_gguf


@pytest.fixture
def model(tmp_path: Path, tiny_gguf_student: Path) -> Model:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    path = tmp_path / "tiny.gguf"
    shutil.copy(tiny_gguf_student, path)
    return resolve(str(path), tmp_path)


def written_at(folder: Path) -> int:
    return (folder / "model.safetensors").stat().st_mtime_ns


def test_a_gguf_becomes_a_folder_with_its_template(model: Model, workspace: Path) -> None:
    folder = dequantised(model, workspace)
    assert folder == weights_dir(workspace) / "dequantised" / model.sha256[:16]
    made = resolve(str(folder), workspace)
    assert made.card.format == "safetensors"
    assert made.chat_template == model.chat_template


def test_it_is_made_once(model: Model, workspace: Path) -> None:
    folder = dequantised(model, workspace)
    before = written_at(folder)
    assert dequantised(model, workspace) == folder
    assert written_at(folder) == before


def damage(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def forget_the_origin(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["from"] = "sha256:other"
    (folder / MANIFEST).write_text(json.dumps(manifest))


def lose_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


@pytest.mark.parametrize("spoil", [damage, forget_the_origin, lose_the_manifest])
def test_a_folder_that_is_not_whole_is_made_again(model: Model, workspace: Path, spoil) -> None:
    folder = dequantised(model, workspace)
    spoil(folder)
    assert dequantised(model, workspace) == folder
    assert "llama" in (folder / "config.json").read_text()
    assert json.loads((folder / MANIFEST).read_text())["from"] == model.fingerprint
    assert list(folder.parent.iterdir()) == [folder]


def test_a_safetensors_folder_is_taken_as_it_is(tiny_student: Path, workspace: Path) -> None:
    model = resolve(str(tiny_student), workspace)
    assert dequantised(model, workspace) == model.path


def test_an_architecture_that_cannot_be_read_leaves_nothing(workspace: Path, tmp_path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("gguf")
    strange = resolve(str(gguf(tmp_path / "t.gguf", general__architecture="strange")), workspace)
    with pytest.raises(ModelError, match="cannot read") as refused:
        dequantised(strange, workspace)
    assert "safetensors" in refused.value.hint
    assert list((weights_dir(workspace) / "dequantised").iterdir()) == []


def test_what_lies_beside_a_gguf_is_not_read(model: Model, workspace: Path) -> None:
    code = json.dumps({"auto_map": {"AutoTokenizer": ["x.X", None]}, "model_type": "x"})
    for name in ("config.json", "tokenizer_config.json", "adapter_config.json"):
        (model.path.parent / name).write_text(code)
    folder = dequantised(model, workspace)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"


def test_a_split_gguf_is_to_be_joined_first(workspace: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("gguf")
    first, _ = split_gguf(tmp_path)
    with pytest.raises(ModelError, match="several shards") as refused:
        dequantised(resolve(str(first), tmp_path), workspace)
    assert "--merge" in refused.value.hint


NO_BOS = "{% for m in messages %}[{{ m.role }}] {{ m.content }}<|im_end|>\n{% endfor %}"


def test_lessons_of_a_folder_begin_as_llama_cpps_prompts_do(
    tmp_path: Path, workspace: Path
) -> None:
    low = pytest.importorskip("llama_cpp").llama_cpp
    from localfair.engines.llama_vocabulary import Vocabulary

    built = tiny.build(tmp_path / "built")
    path = tiny_gguf.write(built, tmp_path / "bos.gguf", add_bos=True, added=("[user]",))
    model = replace(resolve(str(path), workspace), chat_template=NO_BOS)
    messages = (Message("user", "Tom [user] <|im_end|>"),)
    weights = low.llama_model_load_from_file(str(path).encode(), low.llama_model_default_params())
    asked = Vocabulary(weights, model).prompt(Request(messages=messages))
    low.llama_model_free(weights)
    folder = dequantised(model, workspace)
    assert prompt_ids(load_tokenizer(folder, NO_BOS), messages) == asked
    # others, who render the folder's template by transformers, get the same beginning
    saved = load_tokenizer(folder)
    turns = [{"role": "user", "content": "Tom"}]
    theirs = saved.apply_chat_template(turns, tokenize=True, return_dict=False)
    assert theirs[0] == asked[0] == saved.bos_token_id
    assert theirs.count(saved.bos_token_id) == 1
