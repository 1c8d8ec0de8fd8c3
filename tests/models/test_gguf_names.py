"""llama.cpp's names and order of weights, for the architectures that were tried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localfair.errors import ModelError
from localfair.models.gguf_names import Shape, laid_out, namer, shape_of

from .weights import gguf, safetensors

np = pytest.importorskip("numpy")
LLAMA = Shape(architecture="llama", blocks=2, heads=4, kv_heads=2)
QWEN = Shape(architecture="qwen2", blocks=2, heads=4, kv_heads=2)


def test_a_gguf_and_a_folder_tell_the_same_shape(tmp_path: Path) -> None:
    assert shape_of(gguf(tmp_path / "t.gguf")) == LLAMA
    assert shape_of(safetensors(tmp_path / "folder")) == LLAMA


def test_a_folder_that_names_no_key_heads_has_one_for_each_head(tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "folder")
    config = json.loads((folder / "config.json").read_text())
    del config["num_key_value_heads"]
    (folder / "config.json").write_text(json.dumps(config))
    assert shape_of(folder).kv_heads == 4


@pytest.mark.parametrize(("architecture", "named"), [("phi3", "phi3"), ("", "nameless")])
def test_an_architecture_that_was_not_tried_is_refused(
    tmp_path: Path, architecture: str, named: str
) -> None:
    path = gguf(tmp_path / "t.gguf", general__architecture=architecture)
    with pytest.raises(ModelError, match=named) as refused:
        shape_of(path)
    assert "export merged" in refused.value.hint


@pytest.mark.parametrize(
    ("weight", "name"),
    [
        ("model.layers.1.self_attn.q_proj.weight", "blk.1.attn_q.weight"),
        ("model.layers.0.mlp.down_proj.weight", "blk.0.ffn_down.weight"),
        ("model.embed_tokens.weight", "token_embd.weight"),
    ],
)
def test_weights_are_called_what_llama_cpp_calls_them(weight: str, name: str) -> None:
    pytest.importorskip("gguf")
    assert namer(LLAMA)(weight) == name


def test_a_weight_that_llama_cpp_does_not_have_is_refused() -> None:
    pytest.importorskip("gguf")
    with pytest.raises(ModelError, match="no weight like"):
        namer(LLAMA)("model.layers.0.self_attn.extra.weight")


def test_rotated_halves_become_neighbouring_pairs_in_every_head() -> None:
    queries = np.arange(16).reshape(16, 1)
    order = laid_out("model.layers.0.self_attn.q_proj.weight", queries, LLAMA)[:, 0]
    assert order.tolist() == [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15]


def test_keys_are_laid_out_by_their_own_heads() -> None:
    keys = np.arange(16)
    order = laid_out("model.layers.0.self_attn.k_proj.bias", keys, LLAMA)
    assert order.tolist() == [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15]


@pytest.mark.parametrize(
    ("module", "shape"), [("v_proj", LLAMA), ("o_proj", LLAMA), ("q_proj", QWEN)]
)
def test_nothing_else_moves(module: str, shape: Shape) -> None:
    values = np.arange(16).reshape(16, 1)
    moved = laid_out(f"model.layers.0.self_attn.{module}.weight", values, shape)
    assert np.array_equal(moved, values)
