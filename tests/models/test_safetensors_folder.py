"""A safetensors folder tells what it is, and a damaged one is told from a whole one."""

from __future__ import annotations

import json
import pickle
import struct
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


PICKLE = pickle.dumps({"w": 1})
ARCHIVE = b"PK\3\4" + bytes(60)


@pytest.mark.parametrize(
    "name",
    [
        "training_args.bin",
        "optimizer.pt",
        "optimizer.bin",
        "scheduler.pt",
        "rng_state.pth",
        "rng_state_3.pth",
        "random_states_0.pkl",
        "scaler.pt",
        "pytorch_model.bin",
        "model.pt",
    ],
)
def test_a_pickle_that_nothing_opens_is_named_and_left(folder: Path, name: str) -> None:
    (folder / name).write_bytes(ARCHIVE)
    header = read_folder(folder)
    assert header.left == (name,)
    assert header.size == (folder / "model.safetensors").stat().st_size
    assert name not in [path.name for path in counted_files(folder)]


@pytest.mark.parametrize(
    "name", ["x.pkl", "tokenizer.pkl", "tokenizer.pt", "vocab.bin", "tokenizer.pickle", "X.PKL"]
)
def test_a_pickle_that_a_tokenizer_could_open_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    with pytest.raises(ModelError, match="can run code"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "optimizer.pt", "w.ckpt"])
def test_pickles_without_safetensors_are_refused(folder: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(PICKLE)
    with pytest.raises(ModelError, match="can run code"):
        read_folder(folder)


@pytest.mark.parametrize("content", [PICKLE, ARCHIVE, pickle.dumps([1], 2)])
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.model", "merges.txt", "new.json"])
def test_a_pickle_under_a_name_that_is_opened_is_refused(
    folder: Path, name: str, content: bytes
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"holds {name}: such files can run code"):
        read_folder(folder)


def test_a_header_whose_length_looks_like_a_pickle_is_none(folder: Path) -> None:
    header = json.dumps({"w": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}).encode()
    length = 0x80 + 0x0400
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", length) + header.ljust(length))
    assert read_folder(folder).left == ()


def test_an_index_of_pickles_is_refused(folder: Path) -> None:
    put_index(folder, "model.safetensors.index.json", "pytorch_model-00001-of-00001.bin")
    with pytest.raises(CorruptWeights, match=r"no \.safetensors file of the folder"):
        read_folder(folder)


def test_an_adapter_among_the_files_is_refused_since_it_loads_another_model(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/else"}')
    with pytest.raises(ModelError, match="an adapter"):
        read_folder(folder)


@pytest.mark.parametrize(
    "name",
    ["config.json", "tokenizer_config.json", "generation_config.json", "preprocessor_config.json"],
)
@pytest.mark.parametrize(
    "named",
    [
        {"auto_map": {"AutoModelForCausalLM": "modeling_x.X"}},
        {"auto_map": ["else/where--x.X"]},
        {"text_config": {"vision": [{"auto_map": {"AutoConfig": "x.X"}}]}},
        {"custom_pipelines": {"p": {"impl": "x.X"}}},
    ],
)
def test_a_folder_that_names_code_of_its_own_is_refused(
    folder: Path, name: str, named: dict[str, Any]
) -> None:
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**content, **named}))
    with pytest.raises(ModelError, match="never run") as refused:
        read_folder(folder)
    assert refused.value.hint


def test_python_that_nothing_names_is_left_alone(folder: Path) -> None:
    (folder / "zero_to_fp32.py").write_text("raise SystemExit")
    change_config(folder, auto_map={})
    assert read_folder(folder).architecture == "llama"


def test_code_for_generating_is_refused(folder: Path) -> None:
    (folder / "custom_generate").mkdir()
    with pytest.raises(ModelError, match="never run"):
        read_folder(folder)


# -- nested configurations and two sets of weights --------------------------------------------------


@pytest.mark.parametrize("name", ["text_config", "llm_config", "language_config"])
def test_sizes_of_the_text_model_are_found_where_they_are_nested(folder: Path, name: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    outer = {"model_type": "mm", "hidden_size": 9999, name: {**config, "vocab_size": 7}}
    (folder / "config.json").write_text(json.dumps(outer))
    header = read_folder(folder)
    assert header.architecture == "mm"
    assert header.context_length == 64
    assert header.kv_bytes == 2 * 2 * 2 * 2 * 16
    assert header.sizes.vocabulary == 7


def test_sizes_under_the_names_of_gpt_2_are_found(folder: Path) -> None:
    config = {"model_type": "gpt2", "n_positions": 32, "n_layer": 1, "n_head": 2, "n_embd": 8}
    (folder / "config.json").write_text(json.dumps(config))
    header = read_folder(folder)
    assert header.context_length == 32
    assert header.kv_bytes == 1 * 2 * 2 * 4 * 2


ODD = [0, -1, 2**40, 1.5, "64", True, [], [64, -1], {}, float("nan"), float("inf"), 10**400]


@pytest.mark.parametrize("value", ODD, ids=str)
def test_a_context_that_makes_no_sense_is_corrupt(folder: Path, value: object) -> None:
    text = json.dumps({"model_type": "llama", "max_position_embeddings": value})
    (folder / "config.json").write_text(text)
    with pytest.raises(CorruptWeights) as refused:
        read_folder(folder)
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 400


@pytest.mark.parametrize("key", ["num_hidden_layers", "num_attention_heads", "hidden_size"])
@pytest.mark.parametrize("value", [-1, 2**62, "two", {}, [None]], ids=str)
def test_sizes_that_make_no_sense_are_corrupt(folder: Path, key: str, value: object) -> None:
    change_config(folder, **{key: value})
    with pytest.raises(CorruptWeights, match=key):
        read_folder(folder)


def put_index(folder: Path, name: str, *files: str) -> None:
    """An index that names the files."""
    weights = {f"w{number}": file for number, file in enumerate(files)}
    (folder / name).write_text(json.dumps({"weight_map": weights}))


def put_shard(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / "model.safetensors").read_bytes())


def test_of_sharded_and_consolidated_weights_those_of_the_index_count(folder: Path) -> None:
    put_shard(folder, "model-00001-of-00001.safetensors")
    put_shard(folder, "consolidated.safetensors")
    (folder / "model.safetensors").unlink()
    put_index(folder, "model.safetensors.index.json", "model-00001-of-00001.safetensors")
    header = read_folder(folder)
    assert header.left == ("consolidated.safetensors",)
    assert header.size == (folder / "model-00001-of-00001.safetensors").stat().st_size
    before = [path.name for path in counted_files(folder)]
    (folder / "consolidated.safetensors").unlink()
    assert [path.name for path in counted_files(folder)] == before


def test_beside_a_single_file_consolidated_weights_do_not_count(folder: Path) -> None:
    put_shard(folder, "consolidated.safetensors")
    assert read_folder(folder).left == ("consolidated.safetensors",)


def test_a_shard_that_the_index_does_not_name_is_left(folder: Path) -> None:
    put_shard(folder, "model-00001-of-00002.safetensors")
    put_shard(folder, "model-00003-of-00003.safetensors")
    (folder / "model.safetensors").unlink()
    put_index(folder, "model.safetensors.index.json", "model-00001-of-00002.safetensors")
    assert read_folder(folder).left == ("model-00003-of-00003.safetensors",)


def test_a_single_file_beside_an_index_of_others_is_ambiguous(folder: Path) -> None:
    put_shard(folder, "model-00001-of-00001.safetensors")
    put_index(folder, "model.safetensors.index.json", "model-00001-of-00001.safetensors")
    with pytest.raises(ModelError, match="an index of other files"):
        read_folder(folder)


def test_two_indexes_neither_of_which_is_read_by_default_are_ambiguous(folder: Path) -> None:
    for name in ("a.safetensors.index.json", "b.safetensors.index.json"):
        put_index(folder, name, "model.safetensors")
    with pytest.raises(ModelError, match="two indexes"):
        read_folder(folder)


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        '{"weight_map": []}',
        '{"weight_map": {}}',
        '{"weight_map": {"w": 1}}',
        '{"weight_map": {"w": ["model.safetensors"]}}',
        '{"weight_map": {"w": "../model.safetensors"}}',
        '{"weight_map": {"w": "/etc/x.safetensors"}}',
        '{"weight_map": {"w": "\\u0000.safetensors"}}',
        '{"weight_map": ' + "[" * 100_000,
        '{"weight_map": ' + '{"a":' * 200 + "1" + "}" * 201,
    ],
    ids=range(10),
)
def test_an_index_that_makes_no_sense_is_corrupt(folder: Path, content: str) -> None:
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(CorruptWeights):
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
