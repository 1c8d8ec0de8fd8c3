"""What must hold over a 4-bit base."""

import json
import os
from dataclasses import replace

import pytest
import torch

from localfair.models.loading import load_causal_lm, with_adapter
from localfair.record.nouns import Message
from localfair.training.encode import encode
from localfair.training.qlora import train
from localfair.training.trainer import Example
from tests.training.settings import SETTINGS, losses, weights


def test_lora_weights_are_float32_in_every_precision(base, lessons, tmp_path):
    train(base, lessons, tmp_path, replace(SETTINGS, quantise="nf4", compute="bf16", epochs=1))
    assert {w.dtype for w in weights(tmp_path).values()} == {torch.float32}
    assert json.loads((tmp_path / "adapter_config.json").read_text())["r"] == 4


def test_nf4_gradients_after_an_eval_forward_are_those_before_it(base):
    """bitsandbytes repacks the weights in the first eval-mode forward where the CPU has AVX512_BF16."""
    bnb = pytest.importorskip("bitsandbytes")
    if torch.cuda.is_available() or not bnb.functional.has_avx512bf16():
        pytest.skip("the trap needs a CPU with AVX512_BF16")
    model = load_causal_lm(base, "nf4")
    ids = torch.randint(3, 300, (4, 32), generator=torch.Generator().manual_seed(0))

    def gradient():
        given = model.get_input_embeddings()(ids).detach().requires_grad_()
        model.train()(inputs_embeds=given, labels=ids).loss.backward()
        return given.grad.float().flatten()

    before = gradient()
    with torch.no_grad():
        model.eval()(ids)
    assert torch.cosine_similarity(before, gradient(), dim=0) > 0.99


def test_every_4_bit_layer_is_kept_off_the_path_that_repacks_it(base):
    """Wherever this runs: a CPU without AVX512_BF16 never takes the path, and the guard must hold there too."""
    pytest.importorskip("bitsandbytes")
    from bitsandbytes.nn import Linear4bit

    layers = [
        layer for layer in load_causal_lm(base, "nf4").modules() if isinstance(layer, Linear4bit)
    ]
    assert len(layers) == 14 and not any(layer.support_avx512bf16_for_cpu for layer in layers)


def test_an_adapter_lies_beside_a_4_bit_base_and_is_never_merged_into_it(base, lessons, tmp_path):
    """Merged, most of it would be rounded away: what is examined must be what was trained."""
    pytest.importorskip("bitsandbytes")
    from peft import PeftModel

    train(base, lessons, tmp_path, replace(SETTINGS, quantise="nf4", compute="bf16", epochs=4))
    ids = torch.tensor([lessons[0].encoded.input_ids])
    plain, examined, trained = (load_causal_lm(base, "nf4") for _ in range(3))
    examined, trained = (
        with_adapter(examined, tmp_path, "nf4"),
        PeftModel.from_pretrained(trained, tmp_path),
    )
    with torch.no_grad():
        logits = [model.eval()(ids).logits for model in (plain, examined, trained)]
    assert torch.equal(logits[1], logits[2]) and not torch.allclose(logits[0], logits[1], atol=0.1)


@pytest.mark.skipif("LOCALFAIR_TEST_WEIGHTS" not in os.environ, reason="no real weights")
def test_the_real_student_learns_two_lessons_in_nf4(tmp_path):
    from pathlib import Path

    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, file = Path(os.environ["LOCALFAIR_TEST_WEIGHTS"]), "smollm2-135m-instruct-q4_1.gguf"
    dense = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=file,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    dense.save_pretrained(tmp_path / "base")
    words = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    asked = [(Message("user", f"What is {i} glorps?"),) for i in (2, 3)]
    made = [Example(encode(words, ask, "It is blue.", 128), "rationale") for ask in asked]
    settings = replace(
        SETTINGS, quantise="nf4", compute="bf16", rank=16, alpha=32, learning_rate=1e-3, epochs=12
    )
    result = train(tmp_path / "base", made, tmp_path / "out", settings)
    assert losses(result)[-1] < 0.3 * losses(result)[0]
