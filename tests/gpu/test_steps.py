"""The optimizer that takes the steps is seen, and what it is can be told from its class."""

import torch

from tests.gpu.steps import Moments, described, optimizers


def stepped(optimizer, weight):
    (weight**2).sum().backward()
    optimizer.step()


def test_each_optimizer_that_takes_a_step_is_named_once():
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with optimizers() as names:
        stepped(optimizer, weight)
        stepped(optimizer, weight)
    stepped(torch.optim.Adam([weight]), weight)
    assert names == ["torch.optim.sgd.SGD"]


def test_a_paged_8_bit_optimizer_is_told_from_a_plain_one():
    from bitsandbytes.optim import AdamW

    weights = [torch.nn.Parameter(torch.ones(3))]
    paged = described(AdamW(weights, optim_bits=8, is_paged=True))
    assert paged.endswith("AdamW paged 8-bit")
    plain = described(AdamW(weights))
    assert "paged" not in plain and "8-bit" not in plain


def test_the_step_time_is_the_median_without_the_first_steps():
    moments = Moments()
    moments.seconds = [0.0, 9.0, 10.0, 12.0, 13.0]
    assert moments.median(warm=1) == 1.0
    assert moments.median(warm=99) == 1.0
