"""A model is loaded as its precision says, 4-bit layers are guarded, and an adapter is saved whole."""

import json
import shutil

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file

from localfair.errors import MissingDependency, ModelError
from localfair.machine.hardware import usual_precision
from localfair.models.chat import load_tokenizer
from localfair.models.loading import (
    ADAPTER_FILE,
    DTYPES,
    device,
    load_causal_lm,
    save_adapter,
    with_adapter,
)

IDS = torch.tensor([[1, 40, 50, 60]])


@pytest.fixture
def adapter(tiny_student, tmp_path):
    """An adapter whose B is not zero, so that it changes what the model says."""
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    torch.manual_seed(0)
    model = get_peft_model(load_causal_lm(tiny_student, "fp32"), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    save_adapter(model, tmp_path / "adapter")
    return tmp_path / "adapter"


@torch.no_grad()
def logits(model):
    return model.eval()(IDS.to(model.device)).logits


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_dense_model_is_held_in_its_precision(tiny_student, precision):
    model = load_causal_lm(tiny_student, precision)
    assert {weight.dtype for weight in model.parameters()} == {DTYPES[precision]}
    assert str(model.device) == device()


@pytest.mark.parametrize("compute", ["bf16", "fp32", None])
def test_what_stays_dense_beside_4_bit_layers_is_the_computes_or_the_machines(
    tiny_student, compute
):
    pytest.importorskip("bitsandbytes")
    model = load_causal_lm(tiny_student, "nf4", compute)
    expected = DTYPES[compute or usual_precision()]
    assert model.get_input_embeddings().weight.dtype == expected
    assert model.config.quantization_config.bnb_4bit_compute_dtype == expected


def test_nf4_without_bitsandbytes_names_the_extra(tiny_student, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="bitsandbytes") as missing:
        load_causal_lm(tiny_student, "nf4")
    assert "localfair[train]" in missing.value.hint


def test_nf4_gradients_after_an_eval_forward_are_those_before_it(tiny_student):
    """bitsandbytes repacks the weights in the first eval-mode forward where the CPU has AVX512_BF16."""
    bnb = pytest.importorskip("bitsandbytes")
    if torch.cuda.is_available() or not bnb.functional.has_avx512bf16():
        pytest.skip("the trap needs a CPU with AVX512_BF16")
    model = load_causal_lm(tiny_student, "nf4")
    ids = torch.randint(3, 300, (4, 32), generator=torch.Generator().manual_seed(0))

    def gradient():
        embedded = model.get_input_embeddings()(ids).detach().requires_grad_()
        model.train()(inputs_embeds=embedded, labels=ids).loss.backward()
        return embedded.grad.float().flatten()

    before = gradient()
    with torch.no_grad():
        model.eval()(ids)
    assert torch.cosine_similarity(before, gradient(), dim=0) > 0.99


def test_every_4_bit_layer_is_kept_off_the_path_that_repacks_it(tiny_student):
    """Wherever this runs: a CPU without AVX512_BF16 never takes the path, and the guard must hold there too."""
    bnb = pytest.importorskip("bitsandbytes")
    layers = []
    for module in load_causal_lm(tiny_student, "nf4").modules():
        if isinstance(module, bnb.nn.Linear4bit):
            layers.append(module)
    assert len(layers) == 14
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)


def test_without_an_adapter_the_model_is_as_it_was(tiny_student):
    model = load_causal_lm(tiny_student, "fp32")
    assert with_adapter(model, None, "fp32") is model


def test_an_adapter_is_merged_into_a_dense_base(tiny_student, adapter):
    beside = PeftModel.from_pretrained(load_causal_lm(tiny_student, "fp32"), adapter)
    merged = with_adapter(load_causal_lm(tiny_student, "fp32"), adapter, "fp32")
    assert not isinstance(merged, PeftModel)
    assert torch.allclose(logits(merged), logits(beside), atol=1e-4)
    plain = load_causal_lm(tiny_student, "fp32")
    assert not torch.allclose(logits(merged), logits(plain), atol=0.1)


def test_an_adapter_lies_beside_a_4_bit_base_and_is_never_merged_into_it(tiny_student, adapter):
    """Merged, most of it would be rounded away: what is examined must be what was trained."""
    pytest.importorskip("bitsandbytes")
    plain = load_causal_lm(tiny_student, "nf4")
    examined = with_adapter(load_causal_lm(tiny_student, "nf4"), adapter, "nf4")
    trained = PeftModel.from_pretrained(load_causal_lm(tiny_student, "nf4"), adapter)
    assert torch.equal(logits(examined), logits(trained))
    assert not torch.allclose(logits(plain), logits(examined), atol=0.1)


def test_an_adapters_folder_holds_its_weights_and_configuration_and_nothing_else(adapter):
    assert sorted(file.name for file in adapter.iterdir()) == ["adapter_config.json", ADAPTER_FILE]
    assert json.loads((adapter / "adapter_config.json").read_text())["r"] == 4
    tensors = load_file(adapter / ADAPTER_FILE)
    assert len(tensors) == 28  # A and B of fourteen layers
    assert all("lora_" in name for name in tensors)


def test_torchs_launcher_gives_each_process_its_gpu(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert device() == "cuda:0"
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert device() == "cuda:1"


@pytest.fixture
def spoilt(tiny_student, tmp_path):
    """A copy of the model to be spoilt."""
    return shutil.copytree(tiny_student, tmp_path / "spoilt")


def change_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"auto_map": {"AutoModelForCausalLM": "modeling_x.X"}},
        {"hidden_size": 128},
        {"num_hidden_layers": 4000},
        {"num_hidden_layers": 3},
        {"model_type": "unheard-of"},
        {"hidden_act": "unheard-of"},
        {"rope_parameters": 7},
        {"intermediate_size": 3},
    ],
    ids=str,
)
def test_a_folder_that_cannot_be_loaded_is_one_line(spoilt, changes):
    change_config(spoilt, **changes)
    with pytest.raises(ModelError) as refused:
        load_causal_lm(spoilt, "fp32")
    assert refused.value.message.isprintable()
    assert refused.value.hint


@pytest.mark.parametrize("content", ["[" * 100_000, "{}", "[]", '{"model": {"type": "BPE"}}'])
def test_a_tokenizer_that_cannot_be_loaded_is_one_line(spoilt, content):
    (spoilt / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError) as refused:
        load_tokenizer(spoilt)
    assert refused.value.message.isprintable()


def test_an_adapter_that_would_run_code_is_refused(tiny_student, adapter):
    config = json.loads((adapter / "adapter_config.json").read_text())
    module = {"megatron_config": {"a": 1}, "megatron_core": "antigravity"}
    (adapter / "adapter_config.json").write_text(json.dumps({**config, **module}))
    with pytest.raises(ModelError, match="never run"):
        with_adapter(load_causal_lm(tiny_student, "fp32"), adapter, "fp32")
