"""Random NF4 models are what a load makes of a folder of weights, and the shapes are those they name."""

import pytest
import torch

from localfair.models.fit import sizes_of
from localfair.models.loading import load_causal_lm
from tests import tiny
from tests.gpu.nf4 import random_nf4
from tests.gpu.shapes import Shape, shapes

FIELDS = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
    "tie_word_embeddings",
)


def described(model):
    """Every weight's type, shape and precision by its name."""
    return {
        name: (type(weight).__name__, tuple(weight.shape), weight.dtype)
        for name, weight in model.named_parameters()
    }


def test_a_random_model_has_the_layers_that_a_loaded_one_has(tiny_student):
    loaded = load_causal_lm(tiny_student, "nf4", "bf16")
    fields = {name: getattr(loaded.config, name) for name in FIELDS}
    drawn = random_nf4(Shape("tiny", "llama", "", 0, fields), "cpu")
    assert described(drawn) == described(loaded)
    rotary = loaded.model.rotary_emb.inv_freq
    assert torch.equal(drawn.model.rotary_emb.inv_freq, rotary)


def test_a_random_model_reads_tokens_and_the_same_shape_has_the_same_weights():
    tokens = torch.arange(8)[None]
    first = random_nf4(shapes()["toy"], "cpu")(tokens).logits
    again = random_nf4(shapes()["toy"], "cpu")(tokens).logits
    assert torch.isfinite(first).all()
    assert torch.equal(first, again)


@pytest.mark.parametrize("name", list(shapes()))
def test_a_shape_has_as_many_parameters_as_it_says(name):
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(shapes()[name].config())
    assert sum(weight.numel() for weight in model.parameters()) == shapes()[name].parameters


def test_a_shape_has_the_sizes_that_a_folder_of_it_says(tmp_path):
    folder = tiny.build(tmp_path)
    sizes = sizes_of(folder)
    config = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": sizes.vocabulary,
        "tie_word_embeddings": False,
    }
    assert Shape("tiny", "llama", "", sizes.weights // 2, config).sizes() == sizes
