"""A merged model as GGUF says in llama.cpp what it says in transformers, and so does its LoRA."""

import json

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from localfair.errors import ModelError
from localfair.export import gguf
from localfair.export.merged import merge
from localfair.models import gguf_lora, resolve
from localfair.models.gguf_header import read_gguf_header
from localfair.models.gguf_names import PAIRED, shape_of
from localfair.models.loading import save_adapter
from tests import tiny
from tests.export import forced

pytest.importorskip("llama_cpp")
CONFIGS = {"llama": LlamaConfig, "qwen2": Qwen2Config}
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
}


def farthest(first, second):
    return np.abs(first - second).max()


def build(architecture, tied, folder):
    """The folders of a random model with its tokenizer and of a random adapter, and token ids."""
    tokenizer = tiny.tokenizer()
    config = CONFIGS[architecture](
        vocab_size=len(tokenizer), bos_token_id=1, eos_token_id=2, tie_word_embeddings=tied, **SIZES
    )
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_config(config)
    for name, bias in base.named_parameters():
        if name.endswith(".bias"):
            # fresh biases are zero: one that is lost or turned would not show
            torch.nn.init.normal_(bias, std=0.5)
    base.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    lora = LoraConfig(
        r=4,
        lora_alpha=4,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        init_lora_weights=False,
    )
    save_adapter(get_peft_model(base, lora), folder / "adapter")
    ids = tokenizer("How many pens are in 7 boxes? The answer is 84.").input_ids
    return folder / "base", folder / "adapter", ids


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("architecture", sorted(PAIRED))
def test_merged_and_lora_say_in_llama_cpp_what_transformers_says(architecture, tied, tmp_path):
    base, adapter, ids = build(architecture, tied, tmp_path)
    model = resolve(str(base), tmp_path)
    bare = AutoModelForCausalLM.from_pretrained(base).eval()
    merged = merge(base, adapter, "fp32").eval()
    bare_file = gguf.write(
        bare, model, base, "f16", {"general.name": "bare"}, tmp_path / "bare.gguf"
    )
    merged_file = gguf.write(
        merged, model, base, "f16", {"general.name": "merged"}, tmp_path / "merged.gguf"
    )
    lora = gguf_lora.write(adapter, base, tmp_path / "lora.gguf")

    before = forced.by_transformers(bare, ids)
    after = forced.by_transformers(merged, ids)
    assert farthest(before, after) > 0.05
    assert farthest(before, forced.by_llama_cpp(bare_file, ids)) < 0.05
    assert farthest(after, forced.by_llama_cpp(merged_file, ids)) < 0.05
    assert farthest(after, forced.by_llama_cpp(bare_file, ids, lora)) < 0.05


@pytest.mark.parametrize(("format", "apart"), [("f16", 0.03), ("bf16", 0.03), ("q8_0", 0.15)])
def test_every_format_keeps_the_log_probabilities_of_a_trained_student(
    tiny_trained, tmp_path, format, apart
):
    merged = merge(tiny_trained.folder, tiny_trained.adapter, "fp32").eval()
    model = resolve(str(tiny_trained.folder), tmp_path)
    path = gguf.write(
        merged, model, tiny_trained.folder, format, {"general.name": "tiny"}, tmp_path / "m.gguf"
    )
    wanted = forced.by_transformers(merged, tiny_trained.ids)
    assert farthest(wanted, forced.by_llama_cpp(path, tiny_trained.ids)) < apart
    assert farthest(wanted, forced.by_llama_cpp(tiny_trained.gguf, tiny_trained.ids)) > 0.5


def test_the_same_weights_make_the_same_bytes(tiny_trained, tmp_path):
    merged = merge(tiny_trained.folder, tiny_trained.adapter, "fp32")
    model = resolve(str(tiny_trained.folder), tmp_path)
    for name in ("first.gguf", "second.gguf"):
        gguf.write(
            merged, model, tiny_trained.folder, "q8_0", {"general.name": "tiny"}, tmp_path / name
        )
    assert (tmp_path / "first.gguf").read_bytes() == (tmp_path / "second.gguf").read_bytes()


def test_a_base_that_came_as_gguf_lends_its_metadata(tiny_trained, tmp_path):
    model = resolve(str(tiny_trained.gguf), tmp_path)
    merged = merge(tiny_trained.folder, tiny_trained.adapter, "fp32")
    path = gguf.write(
        merged, model, tiny_trained.folder, "f16", {"general.name": "taught"}, tmp_path / "m.gguf"
    )
    old = read_gguf_header(tiny_trained.gguf)
    new = read_gguf_header(path)
    assert new.tokenizer_hash == old.tokenizer_hash
    assert new.chat_template == old.chat_template
    assert new.heads == old.heads
    assert (new.name, new.file_type) == ("taught", 1)


def test_a_number_too_large_for_f16_is_refused_and_bf16_holds_it(tiny_trained, tmp_path):
    merged = merge(tiny_trained.folder, tiny_trained.adapter, "fp32")
    merged.model.embed_tokens.weight.data[0, 0] = 1e5
    model = resolve(str(tiny_trained.folder), tmp_path)
    with pytest.raises(ModelError, match="numbers that f16 cannot") as refused:
        gguf.write(
            merged, model, tiny_trained.folder, "f16", {"general.name": "tiny"}, tmp_path / "m.gguf"
        )
    assert "--type bf16" in refused.value.hint
    assert list(tmp_path.glob("*.gguf")) == []
    gguf.write(
        merged, model, tiny_trained.folder, "bf16", {"general.name": "tiny"}, tmp_path / "m.gguf"
    )


def test_an_architecture_that_was_not_tried_is_refused_by_name(tiny_trained, tmp_path):
    config = json.loads((tiny_trained.folder / "config.json").read_text())
    config["model_type"] = "gemma3"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="not gemma3"):
        shape_of(tmp_path)
