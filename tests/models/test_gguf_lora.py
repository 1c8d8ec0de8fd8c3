"""A GGUF LoRA says to llama.cpp what the PEFT folder says to transformers."""

import json
import shutil

import numpy as np
import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError
from localfair.models import gguf_lora as lora_gguf
from tests.export import forced

pytest.importorskip("llama_cpp")


def copied(adapter, place, **changes):
    shutil.copytree(adapter, place)
    config = json.loads((place / lora_gguf.CONFIG).read_text())
    (place / lora_gguf.CONFIG).write_text(json.dumps(config | changes))
    return place


@pytest.mark.parametrize("kind", ["gguf", "folder"])
def test_llama_cpp_with_the_lora_gives_transformers_log_probabilities(tiny_trained, tmp_path, kind):
    lora = lora_gguf.write(
        tiny_trained.adapter, getattr(tiny_trained, kind), tmp_path / "lora.gguf"
    )
    wanted = forced.by_transformers(tiny_trained.adapted(), tiny_trained.ids)
    found = forced.by_llama_cpp(tiny_trained.gguf, tiny_trained.ids, lora)
    bare = forced.by_llama_cpp(tiny_trained.gguf, tiny_trained.ids)
    assert np.abs(wanted - found).max() < 0.01 < np.abs(wanted - bare).max()


def test_the_same_adapter_makes_the_same_bytes(tiny_trained, tmp_path):
    files = [
        lora_gguf.write(tiny_trained.adapter, tiny_trained.gguf, tmp_path / f"{i}.gguf")
        for i in range(2)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.gguf", "1.gguf"]


def test_rank_stabilised_scaling_is_kept(tiny_trained, tmp_path):
    import gguf

    rslora = copied(tiny_trained.adapter, tmp_path / "a", use_rslora=True)
    made = lora_gguf.write(rslora, tiny_trained.gguf, tmp_path / "lora.gguf")
    alpha = gguf.GGUFReader(made).get_field("adapter.lora.alpha").contents()
    assert alpha == pytest.approx(8 * 2)  # alpha / sqrt(4) is 16 / 4


@pytest.mark.parametrize(
    "odd", [{"use_dora": True}, {"bias": "all"}, {"rank_pattern": {"q_proj": 2}}], ids=str
)
def test_what_a_gguf_lora_cannot_hold_is_refused_by_name(tiny_trained, tmp_path, odd):
    with pytest.raises(ModelError, match=next(iter(odd))):
        lora_gguf.write(
            copied(tiny_trained.adapter, tmp_path / "a", **odd),
            tiny_trained.gguf,
            tmp_path / "l.gguf",
        )


def test_a_folder_that_is_no_adapter_is_refused(tiny_trained, tmp_path):
    with pytest.raises(MissingWeights, match=r"adapter_config\.json"):
        lora_gguf.write(tmp_path, tiny_trained.gguf, tmp_path / "l.gguf")


def test_a_damaged_adapter_is_refused_and_leaves_nothing(tiny_trained, tmp_path):
    broken = copied(tiny_trained.adapter, tmp_path / "a")
    (broken / lora_gguf.WEIGHTS).write_bytes((broken / lora_gguf.WEIGHTS).read_bytes()[:2000])
    with pytest.raises(CorruptWeights, match="damaged"):
        lora_gguf.write(broken, tiny_trained.gguf, tmp_path / "l.gguf")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
