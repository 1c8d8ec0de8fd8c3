"""A model of any shape in NF4 with random weights: built on `meta`, filled layer by layer.

Reads a shape; writes nothing. What comes out is what `localfair.models.loading` makes of a folder
of such weights: bitsandbytes' layers for all linear ones but the output layer, bf16 for the rest.
The 16-bit weights of one layer at a time are the most that is held beside the model.
"""

from __future__ import annotations

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from localfair.models.loading import guard_cpu_4bit
from tests.gpu.shapes import Shape

DTYPE = torch.bfloat16
SPREAD = 0.02  # of weights, as models are initialised
OUTPUT = "lm_head"  # stays dense, as transformers leaves it


def random_nf4(shape: Shape, device: str) -> PreTrainedModel:
    """The model on `device`, ready for LoRA. Seeded: the same shape has the same weights."""
    torch.manual_seed(0)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            shape.config(), dtype=DTYPE, attn_implementation="sdpa"
        )
    for name, module in list(model.named_modules()):
        if type(module) is nn.Linear and name != OUTPUT:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, _quantised(module, device))
        else:
            _fill(module, device)
    # its frequencies are computed, not weights: on meta they are nothing
    rotary = type(model.model.rotary_emb)
    model.model.rotary_emb = rotary(config=model.config).to(device)
    model.tie_weights()
    model.is_loaded_in_4bit = True  # peft asks it which LoRA layer to take
    guard_cpu_4bit(model)
    return model


def _quantised(linear: nn.Linear, device: str) -> Linear4bit:
    """A 4-bit layer of the same sizes: NF4, doubly quantised, computed in bf16."""
    layer = Linear4bit(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        compute_dtype=DTYPE,
        compress_statistics=True,
        quant_type="nf4",
        device="meta",
    )
    weight = SPREAD * torch.randn(
        linear.out_features, linear.in_features, dtype=DTYPE, device=device
    )
    layer.weight = Params4bit(
        weight,
        requires_grad=False,
        compress_statistics=True,
        quant_type="nf4",
        module=layer,
    ).to(device)
    if linear.bias is not None:
        layer.bias = _frozen(torch.zeros(linear.out_features, dtype=DTYPE, device=device))
    return layer


def _fill(module: nn.Module, device: str) -> None:
    """Give a module's own weights, not its children's, numbers: ones where they are a norm's."""
    for name, weight in list(module.named_parameters(recurse=False)):
        if weight.dim() == 1:
            filled = torch.ones(weight.shape, dtype=DTYPE, device=device)
        else:
            filled = SPREAD * torch.randn(weight.shape, dtype=DTYPE, device=device)
        setattr(module, name, _frozen(filled))


def _frozen(weight: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(weight, requires_grad=False)
