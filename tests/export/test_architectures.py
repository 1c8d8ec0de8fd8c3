"""Each architecture that is written to GGUF says the same in llama.cpp as in transformers, merged and as a LoRA."""

import json

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from localfair.export import gguf as weights_gguf
from localfair.export import merged
from localfair.models import gguf_lora as lora_gguf
from localfair.models import resolve
from localfair.models.gguf_names import PAIRED
from localfair.models.loading import save_adapter
from tests import tiny
from tests.export import forced

pytest.importorskip("llama_cpp")
CONFIGS = {"llama": LlamaConfig, "qwen2": Qwen2Config}
SIZES = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.2}  # fmt: skip


def built(architecture, tied, folder):
    """A random model with its tokenizer, and a random adapter beside it."""
    words = tiny.tokenizer()
    config = CONFIGS[architecture](
        vocab_size=len(words), bos_token_id=1, eos_token_id=2, tie_word_embeddings=tied, **SIZES
    )
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_config(config)
    for name, bias in base.named_parameters():
        if name.endswith(".bias"):
            torch.nn.init.normal_(
                bias, std=0.5
            )  # fresh ones are zero: a lost or turned one would not show
    base.save_pretrained(folder / "base")
    words.save_pretrained(folder / "base")
    lora = LoraConfig(
        r=4,
        lora_alpha=4,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        init_lora_weights=False,
    )
    save_adapter(get_peft_model(base, lora), folder / "adapter")
    return (
        folder / "base",
        folder / "adapter",
        words("How many pens are in 7 boxes? The answer is 84.").input_ids,
    )


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("architecture", sorted(PAIRED))
def test_merged_and_lora_say_in_llama_cpp_what_transformers_says(architecture, tied, tmp_path):
    base, adapter, ids = built(architecture, tied, tmp_path)
    model = resolve(str(base), tmp_path)
    bare, whole = (
        AutoModelForCausalLM.from_pretrained(base).eval(),
        merged.merge(base, adapter, "fp32").eval(),
    )
    plain = weights_gguf.write(bare, model, base, "f16", "plain", tmp_path / "plain.gguf")
    taught = weights_gguf.write(whole, model, base, "f16", "taught", tmp_path / "taught.gguf")
    lora = lora_gguf.write(adapter, base, tmp_path / "lora.gguf")
    wanted, before = forced.by_transformers(whole, ids), forced.by_transformers(bare, ids)
    assert (
        np.abs(before - forced.by_llama_cpp(plain, ids)).max()
        < 0.05
        < np.abs(wanted - before).max()
    )
    for found in (forced.by_llama_cpp(taught, ids), forced.by_llama_cpp(plain, ids, lora)):
        assert np.abs(wanted - found).max() < 0.05


def test_a_scaled_rotation_is_refused(tmp_path):
    base, adapter, _ = built("llama", True, tmp_path)
    config = json.loads((base / "config.json").read_text())
    scaled = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
    (base / "config.json").write_text(json.dumps(config | {"rope_parameters": scaled}))
    with pytest.raises(merged.ModelError, match="scaled rotations"):
        weights_gguf.write(
            merged.merge(base, adapter, "fp32"),
            resolve(str(base), tmp_path),
            base,
            "f16",
            "x",
            tmp_path / "x.gguf",
        )
