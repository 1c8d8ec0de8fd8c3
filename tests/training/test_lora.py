"""The model that is trained: LoRA weights in float32, fresh or an earlier adapter's, over a base that stays."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from localfair.errors import TrainingError
from localfair.models.loading import load_causal_lm, with_adapter
from localfair.record.nouns import Message
from localfair.training.encode import encode
from localfair.training.lora import lora_model
from localfair.training.qlora import train
from localfair.training.trainer import Example
from tests.training.settings import SETTINGS, distance, losses, weights

NF4 = replace(SETTINGS, quantise="nf4", compute="bf16")


def test_only_the_lora_weights_are_trained(base):
    for name, weight in lora_model(base, SETTINGS, None).named_parameters():
        assert weight.requires_grad == ("lora_" in name), name


def test_targets_may_be_named(base):
    model = lora_model(base, replace(SETTINGS, targets=("q_proj", "v_proj")), None)
    adapted = {name.split(".")[-4] for name, _ in model.named_parameters() if "lora_A" in name}
    assert adapted == {"q_proj", "v_proj"}


def test_an_adapter_names_its_base_without_a_path_of_this_machine(base):
    config = lora_model(base, SETTINGS, None).peft_config["default"]
    assert config.base_model_name_or_path == base.name


def test_lora_weights_are_float32_in_every_precision(base, lessons, tmp_path):
    train(base, lessons, tmp_path, replace(NF4, epochs=1))
    assert {weight.dtype for weight in weights(tmp_path).values()} == {torch.float32}
    assert json.loads((tmp_path / "adapter_config.json").read_text())["r"] == 4


def test_a_training_can_go_on_from_an_earlier_adapter(base, lessons, tmp_path):
    first = train(base, lessons, tmp_path / "one", SETTINGS)
    slow = replace(SETTINGS, learning_rate=1e-9)
    second = train(base, lessons, tmp_path / "two", slow, start=tmp_path / "one")
    assert losses(second)[0] < losses(first)[0]
    assert distance(weights(tmp_path / "one"), weights(tmp_path / "two")) < 1e-6
    assert (tmp_path / "two" / "adapter_config.json").exists()


@pytest.mark.parametrize("change", [{"rank": 8}, {"alpha": 16}])
def test_an_earlier_adapter_of_another_rank_or_alpha_is_refused(base, lessons, tmp_path, change):
    train(base, lessons, tmp_path, replace(SETTINGS, epochs=1))
    with pytest.raises(TrainingError, match="has rank 4 and alpha 8") as refused:
        lora_model(base, replace(SETTINGS, **change), tmp_path)
    assert "same adapter" in refused.value.hint


def test_an_adapter_trained_over_4_bit_is_examined_as_it_was_trained(base, lessons, tmp_path):
    """Beside the base: merged into 4 bits, most of it would be rounded away."""
    pytest.importorskip("bitsandbytes")
    from peft import PeftModel

    train(base, lessons, tmp_path, replace(NF4, epochs=4))
    plain = load_causal_lm(base, "nf4")
    examined = with_adapter(load_causal_lm(base, "nf4"), tmp_path, "nf4")
    trained = PeftModel.from_pretrained(load_causal_lm(base, "nf4"), tmp_path)
    ids = torch.tensor([lessons[0].encoded.input_ids])
    with torch.no_grad():
        logits = [model.eval()(ids).logits for model in (plain, examined, trained)]
    assert torch.equal(logits[1], logits[2])
    assert not torch.allclose(logits[0], logits[1], atol=0.1)


@pytest.mark.skipif("LOCALFAIR_TEST_WEIGHTS" not in os.environ, reason="no real weights")
def test_the_real_student_learns_two_lessons_in_nf4(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder = Path(os.environ["LOCALFAIR_TEST_WEIGHTS"])
    file = "smollm2-135m-instruct-q4_1.gguf"
    dense = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=file,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    dense.save_pretrained(tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    examples = []
    for number in (2, 3):
        prompt = (Message("user", f"What is {number} glorps?"),)
        examples.append(Example(encode(tokenizer, prompt, "It is blue.", 128), "rationale"))
    settings = replace(NF4, rank=16, alpha=32, learning_rate=1e-3, epochs=12)
    result = train(tmp_path / "base", examples, tmp_path / "out", settings)
    assert losses(result)[-1] < 0.3 * losses(result)[0]
