"""The losses, against float64 by hand."""

import math

import pytest
import torch
from transformers import AutoModelForCausalLM

from localfair.losses import IGNORE, logits_at, masked_mean, predicts, token_losses, weighted_terms
from tests import tiny

LOGITS = [[[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [9.0, 9.0, 9.0]], [[0.0, 1.0, 3.0], [7.0, 7.0, 7.0], [0.0] * 3]]
LABELS = [[IGNORE, 0, 2], [1, 2, IGNORE]]


def by_hand(logits: list[float], target: int) -> float:
    return math.log(sum(math.exp(z) for z in logits)) - logits[target]


def test_token_losses_are_those_of_the_next_token_and_zero_where_it_is_not_supervised():
    expected = [
        [by_hand(LOGITS[0][0], 0), by_hand(LOGITS[0][1], 2)],
        [by_hand(LOGITS[1][0], 2), 0.0],
    ]
    losses = token_losses(torch.tensor(LOGITS), torch.tensor(LABELS))
    assert losses.dtype == torch.float32
    assert torch.allclose(losses.double(), torch.tensor(expected, dtype=torch.float64), atol=1e-6)


def test_losses_of_bfloat16_logits_are_computed_in_float32():
    logits = torch.tensor(LOGITS).bfloat16()  # all of them exact in bfloat16
    assert torch.equal(token_losses(logits, torch.tensor(LABELS)), token_losses(logits.float(), torch.tensor(LABELS)))


def test_masked_mean_leaves_out_what_is_masked_and_is_zero_for_nothing():
    values, mask = torch.tensor([1.0, 5.0, 100.0]), torch.tensor([True, True, False])
    assert masked_mean(values, mask) == 3.0
    assert masked_mean(values, torch.zeros(3, dtype=torch.bool)) == 0.0


def test_the_two_terms_of_fair_are_each_a_mean_over_its_own_tokens():
    sums = {"feedback": torch.tensor(6.0), "rationale": torch.tensor(20.0)}
    loss = weighted_terms(sums, {"feedback": 3, "rationale": 40}, {"feedback": 0.25, "rationale": 0.75})
    assert loss.item() == pytest.approx(0.25 * 6 / 3 + 0.75 * 20 / 40)


def test_a_term_without_tokens_adds_nothing_and_the_other_keeps_its_weight():
    sums = {"feedback": torch.tensor(0.0), "rationale": torch.tensor(20.0)}
    loss = weighted_terms(sums, {"feedback": 0, "rationale": 40}, {"feedback": 0.25, "rationale": 0.75})
    assert loss.item() == pytest.approx(0.75 * 20 / 40)


def test_logits_at_are_the_full_logits_at_the_kept_positions(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(tiny.build(tmp_path)).eval()
    ids = torch.tensor([[1, 40, 50, 60], [1, 41, 51, 61]])
    keep = predicts(torch.tensor([[IGNORE, IGNORE, 50, 60], [IGNORE, 41, IGNORE, IGNORE]]))
    kept = logits_at(model, keep, input_ids=ids)
    assert kept.shape == (3, model.config.vocab_size)
    assert torch.allclose(kept, model(input_ids=ids).logits[keep], atol=1e-5)
