"""The losses, against float64 by hand."""

import math
from itertools import pairwise

import pytest
import torch
from transformers import AutoModelForCausalLM

from localfair.models.forward import last_states, logits_at
from localfair.training.losses import (
    IGNORE,
    divergence,
    masked_mean,
    predicts,
    token_losses,
    token_weights,
    triplet,
    weighted_terms,
)
from localfair.training.soft_labels import top_k
from tests import tiny

LOGITS = [
    [[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [9.0, 9.0, 9.0]],
    [[0.0, 1.0, 3.0], [7.0, 7.0, 7.0], [0.0] * 3],
]
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
    assert torch.equal(
        token_losses(logits, torch.tensor(LABELS)),
        token_losses(logits.float(), torch.tensor(LABELS)),
    )


def test_masked_mean_leaves_out_what_is_masked_and_is_zero_for_nothing():
    values, mask = torch.tensor([1.0, 5.0, 100.0]), torch.tensor([True, True, False])
    assert masked_mean(values, mask) == 3.0
    assert masked_mean(values, torch.zeros(3, dtype=torch.bool)) == 0.0


def test_the_two_terms_of_fair_are_each_a_mean_over_its_own_tokens():
    sums = {"feedback": torch.tensor(6.0), "rationale": torch.tensor(20.0)}
    loss = weighted_terms(
        sums, {"feedback": 3, "rationale": 40}, {"feedback": 0.25, "rationale": 0.75}
    )
    assert loss.item() == pytest.approx(0.25 * 6 / 3 + 0.75 * 20 / 40)


def test_a_term_without_tokens_adds_nothing_and_the_other_keeps_its_weight():
    sums = {"feedback": torch.tensor(0.0), "rationale": torch.tensor(20.0)}
    loss = weighted_terms(
        sums, {"feedback": 0, "rationale": 40}, {"feedback": 0.25, "rationale": 0.75}
    )
    assert loss.item() == pytest.approx(0.75 * 20 / 40)


def test_tinyllm_is_the_answers_mean_and_alpha_of_each_teachers():
    sums = {
        "answer": torch.tensor(3.0),
        "rationale:0": torch.tensor(8.0),
        "rationale:1": torch.tensor(5.0),
    }
    weights = {"answer": 1.0, "rationale:0": 0.5, "rationale:1": 2.0}
    loss = weighted_terms(sums, {"answer": 2, "rationale:0": 16, "rationale:1": 10}, weights)
    assert loss.item() == pytest.approx(3 / 2 + 0.5 * 8 / 16 + 2 * 5 / 10)


STUDENT, MENTOR = [1.0, -0.5, 2.0, 0.0], [0.5, 1.5, 0.25, -1.0]


def distribution(scores, tau):
    total = sum(math.exp(z / tau) for z in scores)
    return [math.exp(z / tau) / total for z in scores]


@pytest.mark.parametrize("tau", [1.0, 2.0])
def test_mentor_kd_is_the_divergence_at_tau_without_tau_squared(tau):
    q, p = distribution(MENTOR, tau), distribution(STUDENT, tau)
    by_hand = sum(a * math.log(a / b) for a, b in zip(q, p, strict=True))
    indices, logprobs = top_k(torch.tensor([MENTOR]), 4, tau)
    assert divergence(
        torch.tensor([STUDENT]), indices.long(), logprobs, tau
    ).item() == pytest.approx(by_hand, rel=2e-3)
    whole = torch.tensor([[*map(math.log, q), -math.inf]], dtype=torch.float64)
    exact = divergence(torch.tensor([STUDENT]), torch.tensor([[0, 1, 2, 3]]), whole, tau)
    assert exact.item() == pytest.approx(
        by_hand, rel=1e-5
    )  # what float16 costs is all that was lost above
    lam = 0.3
    loss = weighted_terms({"rationale": torch.tensor(6.0), "kl": exact.sum()}, {"rationale": 4, "kl": 1},
                          {"rationale": 1 - lam, "kl": lam})  # fmt: skip
    assert loss.item() == pytest.approx(0.7 * 6 / 4 + 0.3 * by_hand, rel=1e-5)


def test_the_mass_outside_the_top_k_is_one_more_outcome():
    q, p = distribution(MENTOR, 1.0), distribution(STUDENT, 1.0)
    kept = [1, 0]  # the mentor's two best
    by_hand = sum(q[i] * math.log(q[i] / p[i]) for i in kept)
    by_hand += (q[2] + q[3]) * math.log((q[2] + q[3]) / (p[2] + p[3]))
    indices, logprobs = top_k(torch.tensor([MENTOR]), 2, 1.0)
    assert indices.tolist() == [kept]
    assert divergence(
        torch.tensor([STUDENT]), indices.long(), logprobs, 1.0
    ).item() == pytest.approx(by_hand, rel=5e-3)


def test_the_divergence_grows_with_k_to_the_full_one_and_is_zero_for_the_mentor_itself():
    mentor, student = (
        torch.randn(5, 30, generator=torch.Generator().manual_seed(i)) for i in (0, 1)
    )
    each = [divergence(student, *wide(top_k(mentor, k, 1.0)), 1.0) for k in (1, 4, 16, 30)]
    full = (mentor.softmax(-1) * (mentor.log_softmax(-1) - student.log_softmax(-1))).sum(-1)
    assert all((less <= more + 1e-3).all() for less, more in pairwise(each))
    assert torch.allclose(each[-1], full, atol=3e-3)
    assert divergence(mentor, *wide(top_k(mentor, 4, 1.0)), 1.0).abs().max() < 1e-3


def wide(labels):
    return labels[0].long(), labels[1].float()


def test_a_divergence_has_a_gradient_without_a_hole():
    student = torch.tensor([STUDENT, [50.0, -50.0, -50.0, -50.0]], requires_grad=True)
    for k in (2, 4):
        divergence(
            student, *wide(top_k(torch.tensor([MENTOR, [90.0, 0.0, 0.0, 0.0]]), k, 1.0)), 1.0
        ).sum().backward()
    assert torch.isfinite(student.grad).all() and student.grad.abs().sum() > 0


def test_tailored_weighs_the_prompt_and_divides_by_the_number_of_tokens():
    logits, ids = torch.tensor(LOGITS[:1]), torch.tensor([[1, 0, 2]])
    weights = token_weights(torch.tensor([[IGNORE, IGNORE, 2]]), torch.tensor([[0.1]]))
    losses = token_losses(logits, ids) * weights[:, 1:]
    by_hand_sum = 0.1 * by_hand(LOGITS[0][0], 0) + by_hand(LOGITS[0][1], 2)
    assert losses.sum().item() == pytest.approx(by_hand_sum, rel=1e-6)
    loss = weighted_terms({"lm": losses.sum()}, {"lm": 2}, {"lm": 1.0})
    assert loss.item() == pytest.approx(by_hand_sum / 2, rel=1e-6)


def test_a_triplet_is_zero_only_when_the_mistake_is_a_whole_one_farther():
    a, near, far = [1.0, 0.0], [0.8, 0.6], [0.0, 2.0]
    states = [torch.tensor([row, row]) for row in (a, near)]
    found = triplet(*states, torch.tensor([far, [-3.0, 0.0]]))
    assert found.tolist() == pytest.approx(
        [1 - 0.8 + 0.0, 0.0], abs=1e-6
    )  # cos(a, far) = 0, cos(a, -a) = -1


def test_logits_at_are_the_full_logits_at_the_kept_positions(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(tiny.build(tmp_path)).eval()
    ids = torch.tensor([[1, 40, 50, 60], [1, 41, 51, 61]])
    keep = predicts(torch.tensor([[IGNORE, IGNORE, 50, 60], [IGNORE, 41, IGNORE, IGNORE]]))
    kept = logits_at(model, keep, input_ids=ids)
    assert kept.shape == (3, model.config.vocab_size)
    assert torch.allclose(kept, model(input_ids=ids).logits[keep], atol=1e-5)


def states_by_hand(model, prompt, reply):
    return model.model(input_ids=torch.tensor([[*prompt, *reply]])).last_hidden_state[0, -1]


PROMPTS, REPLIES = [[1, 40, 50, 60, 61], [1, 41]], [[70, 71, 72], [73], [74, 75], [76, 77, 78, 79]]


def padded_states(model):
    prompts = torch.tensor([PROMPTS[0], [0, 0, 0, *PROMPTS[1]]])
    mask = torch.tensor([[1] * 5, [0, 0, 0, 1, 1]])
    replies = torch.tensor([[*reply, *[0] * (4 - len(reply))] for reply in REPLIES])
    return last_states(
        model, prompts, mask, replies, torch.tensor([len(reply) for reply in REPLIES])
    )


def test_last_states_are_those_of_each_reply_after_its_own_prompt(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(tiny.build(tmp_path)).eval()
    states = padded_states(model)
    for i, reply in enumerate(REPLIES):
        assert torch.allclose(states[i], states_by_hand(model, PROMPTS[i // 2], reply), atol=1e-4)


def test_no_gradient_goes_through_a_prompt_even_where_layers_are_recomputed(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(tiny.build(tmp_path)).train()
    model.gradient_checkpointing_enable()
    padded_states(model).sum().backward()
    moved = model.get_input_embeddings().weight.grad.abs().sum(1).nonzero().flatten().tolist()
    assert moved == [70, 71, 72, 73, 74, 75, 76, 77, 78, 79]
    assert model.is_gradient_checkpointing
