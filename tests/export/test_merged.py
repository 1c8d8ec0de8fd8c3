"""Merged weights are the base's with the adapter in them, in 16 or 32 bits alone."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

from localfair.errors import MissingWeights, ModelError
from localfair.export.merged import merge, save_merged
from localfair.export.once import Destination
from localfair.export.weights import export_merged
from localfair.models import resolve
from localfair.models.adding import add
from localfair.models.chat import load_tokenizer
from tests.export.exporting import quiet

WIDE = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


def test_merged_weights_say_what_base_and_adapter_say_together(tiny_trained):
    ids = torch.tensor([tiny_trained.ids])
    merged = merge(tiny_trained.folder, tiny_trained.adapter, "fp32").eval()
    with torch.inference_mode():
        apart = merged(ids).logits - tiny_trained.adapted()(ids).logits
    assert apart.abs().max() < 1e-4


def test_merging_into_four_bits_is_refused(tiny_trained):
    with pytest.raises(ModelError, match="never merged into nf4"):
        merge(tiny_trained.folder, tiny_trained.adapter, "nf4")


def test_a_folder_that_holds_no_adapter_is_refused(tiny_trained, tmp_path):
    with pytest.raises(MissingWeights, match="holds no"):
        merge(tiny_trained.folder, tmp_path, "fp32")


def test_an_adapter_of_another_shape_is_refused(tiny_trained, tmp_path):
    wide = shutil.copytree(tiny_trained.folder, tmp_path / "wide")
    LlamaForCausalLM(LlamaConfig(**WIDE)).save_pretrained(wide)
    with pytest.raises(ModelError, match="does not fit"):
        merge(wide, tiny_trained.adapter, "fp32")


def test_the_exported_folder_is_a_model_like_any_other(taught, tmp_path):
    folder = taught.export(export_merged, Destination(tmp_path), 0, quiet).export.path
    card = add(folder, tmp_path / "workspace", name="mine")
    assert resolve("mine", tmp_path / "workspace").sha256 == card.sha256
    saved = load_file(folder / "model.safetensors")
    expected = merge(Path(taught.student), taught.adapter, "fp32").state_dict()
    for name, weight in expected.items():
        assert torch.equal(saved[name], weight)


def test_a_saved_folder_keeps_the_chat_template_and_no_path_of_this_machine(tiny_trained, tmp_path):
    model = resolve(str(tiny_trained.folder), tmp_path)
    merged = merge(tiny_trained.folder, tiny_trained.adapter, "fp32")
    save_merged(merged, tiny_trained.folder, model, tmp_path / "saved")
    assert load_tokenizer(tmp_path / "saved").chat_template == model.chat_template
    assert str(tiny_trained.folder) not in (tmp_path / "saved/config.json").read_text()
