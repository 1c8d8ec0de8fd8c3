"""A GGUF LoRA says to llama.cpp what the PEFT folder says to transformers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError
from localfair.models.gguf_lora import CONFIG, WEIGHTS, read_config, write
from tests.export import forced
from tests.trained import Tiny

pytest.importorskip("llama_cpp")


def changed(adapter: Path, folder: Path, **settings: Any) -> Path:
    """A copy of an adapter in `folder`, with other settings."""
    shutil.copytree(adapter, folder)
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**config, **settings}))
    return folder


@pytest.mark.parametrize("base", ["gguf", "folder"])
def test_llama_cpp_with_the_lora_gives_transformers_log_probabilities(
    tiny_trained: Tiny, tmp_path: Path, base: str
) -> None:
    lora = write(tiny_trained.adapter, getattr(tiny_trained, base), tmp_path / "lora.gguf")
    expected = forced.by_transformers(tiny_trained.adapted(), tiny_trained.ids)
    with_lora = forced.by_llama_cpp(tiny_trained.gguf, tiny_trained.ids, lora)
    without = forced.by_llama_cpp(tiny_trained.gguf, tiny_trained.ids)
    assert np.abs(expected - with_lora).max() < 0.01
    assert np.abs(expected - without).max() > 0.01


def test_the_same_adapter_makes_the_same_bytes(tiny_trained: Tiny, tmp_path: Path) -> None:
    first = write(tiny_trained.adapter, tiny_trained.gguf, tmp_path / "1.gguf")
    second = write(tiny_trained.adapter, tiny_trained.gguf, tmp_path / "2.gguf")
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_rank_stabilised_scaling_is_kept(tiny_trained: Tiny, tmp_path: Path) -> None:
    import gguf

    adapter = changed(tiny_trained.adapter, tmp_path / "adapter", use_rslora=True)
    lora = write(adapter, tiny_trained.gguf, tmp_path / "lora.gguf")
    alpha = gguf.GGUFReader(lora).get_field("adapter.lora.alpha").contents()
    # llama.cpp divides by the rank: 16 / 4 is alpha 8 / sqrt(4)
    assert alpha == pytest.approx(16)


@pytest.mark.parametrize(
    "setting", [{"use_dora": True}, {"bias": "all"}, {"rank_pattern": {"q_proj": 2}}], ids=str
)
def test_what_a_gguf_lora_cannot_hold_is_refused_by_name(
    tiny_trained: Tiny, tmp_path: Path, setting: dict[str, Any]
) -> None:
    adapter = changed(tiny_trained.adapter, tmp_path / "adapter", **setting)
    (name,) = setting
    with pytest.raises(ModelError, match=name):
        write(adapter, tiny_trained.gguf, tmp_path / "lora.gguf")


def test_an_adapter_that_is_no_lora_is_refused(tiny_trained: Tiny, tmp_path: Path) -> None:
    adapter = changed(tiny_trained.adapter, tmp_path / "adapter", peft_type="IA3")
    with pytest.raises(ModelError, match="not a LoRA"):
        read_config(adapter)


def test_settings_that_are_not_json_are_corrupt(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text("{")
    with pytest.raises(CorruptWeights, match="not JSON"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"r": "16"},
        {"r": -1},
        {"r": 10**9},
        {"r": None},
        {"lora_alpha": "big"},
        {"lora_alpha": float("nan")},
        {"lora_alpha": True},
    ],
)
def test_a_rank_and_an_alpha_that_no_lora_has_are_a_line(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    settings = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, **changes}
    (tmp_path / CONFIG).write_text(json.dumps(settings))
    (name,) = changes
    with pytest.raises(CorruptWeights, match=f"not the configuration of an adapter: {name}"):
        read_config(tmp_path)


def test_settings_that_are_nested_without_end_are_a_line(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text('{"r":' * 5000 + "1" + "}" * 5000)
    with pytest.raises(CorruptWeights, match="nested"):
        read_config(tmp_path)


def test_a_folder_that_holds_no_adapter_is_refused(tiny_trained: Tiny, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"adapter_config\.json"):
        write(tmp_path, tiny_trained.gguf, tmp_path / "lora.gguf")


def test_an_adapter_without_weights_is_refused(tiny_trained: Tiny, tmp_path: Path) -> None:
    adapter = changed(tiny_trained.adapter, tmp_path / "adapter")
    (adapter / WEIGHTS).unlink()
    with pytest.raises(MissingWeights, match=r"adapter_model\.safetensors"):
        write(adapter, tiny_trained.gguf, tmp_path / "lora.gguf")


def test_a_damaged_adapter_is_refused_and_leaves_nothing(
    tiny_trained: Tiny, tmp_path: Path
) -> None:
    adapter = changed(tiny_trained.adapter, tmp_path / "adapter")
    weights = adapter / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(CorruptWeights, match="damaged"):
        write(adapter, tiny_trained.gguf, tmp_path / "lora.gguf")
    assert list(tmp_path.iterdir()) == [adapter]


def test_a_weight_that_is_neither_a_nor_b_is_refused(tiny_trained: Tiny, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    adapter = changed(tiny_trained.adapter, tmp_path / "adapter")
    embedding = "base_model.model.model.embed_tokens.lora_embedding_A"
    save_file({embedding: np.zeros((4, 8), dtype="float32")}, adapter / WEIGHTS)
    with pytest.raises(ModelError, match="neither A nor B"):
        write(adapter, tiny_trained.gguf, tmp_path / "lora.gguf")
