"""The losses, against float64 by hand."""

import math
from itertools import pairwise

import pytest
import torch

from localfair.training.losses import (
    IGNORE,
    cross_entropy,
    divergence,
    predicts,
    sums_by_term,
    token_weights,
    triplet,
    weighted_terms,
)
from localfair.training.soft_labels import top_k

LOGITS = [
    [[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [9.0, 9.0, 9.0]],
    [[0.0, 1.0, 3.0], [7.0, 7.0, 7.0], [0.0] * 3],
]
LABELS = [[IGNORE, 0, 2], [1, 2, IGNORE]]


def token_losses(logits, labels):
    """The loss of each next token that is supervised, as the trainer takes them."""
    keep = predicts(labels)
    return cross_entropy(logits[keep], labels.roll(-1, 1)[keep])


def by_hand(logits, target):
    return math.log(sum(math.exp(z) for z in logits)) - logits[target]


def test_a_position_predicts_the_next_token_where_that_is_supervised():
    assert predicts(torch.tensor(LABELS)).tolist() == [[True, True, False], [True, False, False]]


def test_losses_are_those_of_the_next_tokens_that_are_supervised():
    expected = [by_hand(LOGITS[0][0], 0), by_hand(LOGITS[0][1], 2), by_hand(LOGITS[1][0], 2)]
    losses = token_losses(torch.tensor(LOGITS), torch.tensor(LABELS))
    assert losses.dtype == torch.float32
    assert losses.tolist() == pytest.approx(expected, abs=1e-6)


def test_losses_of_bfloat16_logits_are_computed_in_float32():
    logits = torch.tensor(LOGITS).bfloat16()  # all of them exact in bfloat16
    labels = torch.tensor(LABELS)
    assert torch.equal(token_losses(logits, labels), token_losses(logits.float(), labels))


def test_losses_are_summed_term_by_term():
    losses = torch.tensor([1.0, 2.0, 4.0])
    sums = sums_by_term(losses, torch.tensor([1, 0, 1]), ("feedback", "rationale", "answer"))
    assert sums == {"feedback": 2.0, "rationale": 5.0, "answer": 0.0}


FAIR_SUMS = {"feedback": torch.tensor(6.0), "rationale": torch.tensor(20.0)}
FAIR_WEIGHTS = {"feedback": 0.25, "rationale": 0.75}


def test_the_two_terms_of_fair_are_each_a_mean_over_its_own_tokens():
    loss = weighted_terms(FAIR_SUMS, {"feedback": 3, "rationale": 40}, FAIR_WEIGHTS)
    assert loss.item() == pytest.approx(0.25 * 6 / 3 + 0.75 * 20 / 40)


def test_a_term_without_tokens_adds_nothing_and_the_other_keeps_its_weight():
    sums = {**FAIR_SUMS, "feedback": torch.tensor(0.0)}
    loss = weighted_terms(sums, {"feedback": 0, "rationale": 40}, FAIR_WEIGHTS)
    assert loss.item() == pytest.approx(0.75 * 20 / 40)


def test_tinyllm_is_the_answers_mean_and_alpha_of_each_teachers():
    sums = {
        "answer": torch.tensor(3.0),
        "rationale:0": torch.tensor(8.0),
        "rationale:1": torch.tensor(5.0),
    }
    counts = {"answer": 2, "rationale:0": 16, "rationale:1": 10}
    weights = {"answer": 1.0, "rationale:0": 0.5, "rationale:1": 2.0}
    loss = weighted_terms(sums, counts, weights)
    assert loss.item() == pytest.approx(3 / 2 + 0.5 * 8 / 16 + 2 * 5 / 10)


STUDENT = [1.0, -0.5, 2.0, 0.0]
MENTOR = [0.5, 1.5, 0.25, -1.0]


def distribution(scores, tau):
    total = sum(math.exp(score / tau) for score in scores)
    return [math.exp(score / tau) / total for score in scores]


def kl(mentor, student):
    """The full divergence of two distributions, by hand."""
    return sum(q * math.log(q / p) for q, p in zip(mentor, student, strict=True))


def labels_of(scores, k, tau=1.0):
    """A mentor's soft labels of these scores, as the loss takes them."""
    indices, logprobs = top_k(scores, k, tau)
    return indices.long(), logprobs.float()


@pytest.mark.parametrize("tau", [1.0, 2.0])
def test_mentor_kd_is_the_divergence_at_tau_without_tau_squared(tau):
    mentor = distribution(MENTOR, tau)
    expected = kl(mentor, distribution(STUDENT, tau))
    student = torch.tensor([STUDENT])
    stored = divergence(student, *labels_of(torch.tensor([MENTOR]), 4, tau), tau)
    assert stored.item() == pytest.approx(expected, rel=2e-3)
    # what float16 costs is all that was lost above
    logprobs = [math.log(q) for q in mentor]
    label = torch.tensor([[*logprobs, -math.inf]], dtype=torch.float64)
    exact = divergence(student, torch.tensor([[0, 1, 2, 3]]), label, tau)
    assert exact.item() == pytest.approx(expected, rel=1e-5)


def test_mentor_kds_loss_is_one_minus_lambda_of_ce_and_lambda_of_the_divergence():
    sums = {"rationale": torch.tensor(6.0), "kl": torch.tensor(0.5)}
    weights = {"rationale": 1 - 0.3, "kl": 0.3}
    loss = weighted_terms(sums, {"rationale": 4, "kl": 1}, weights)
    assert loss.item() == pytest.approx(0.7 * 6 / 4 + 0.3 * 0.5, rel=1e-5)


def test_the_mass_outside_the_top_k_is_one_more_outcome():
    q = distribution(MENTOR, 1.0)
    p = distribution(STUDENT, 1.0)
    expected = kl([q[1], q[0], q[2] + q[3]], [p[1], p[0], p[2] + p[3]])
    indices, logprobs = labels_of(torch.tensor([MENTOR]), 2)
    assert indices.tolist() == [[1, 0]]  # the mentor's two best
    merged = divergence(torch.tensor([STUDENT]), indices, logprobs, 1.0)
    assert merged.item() == pytest.approx(expected, rel=5e-3)


def random_scores(seed):
    return torch.randn(5, 30, generator=torch.Generator().manual_seed(seed))


def test_the_divergence_grows_with_k_to_the_full_one():
    mentor = random_scores(0)
    student = random_scores(1)
    by_k = [divergence(student, *labels_of(mentor, k), 1.0) for k in (1, 4, 16, 30)]
    for less, more in pairwise(by_k):
        assert (less <= more + 1e-3).all()
    q = mentor.log_softmax(-1)
    full = (q.exp() * (q - student.log_softmax(-1))).sum(-1)
    assert torch.allclose(by_k[-1], full, atol=3e-3)


def test_the_divergence_is_zero_for_the_mentor_itself():
    mentor = random_scores(0)
    assert divergence(mentor, *labels_of(mentor, 4), 1.0).abs().max() < 1e-3


@pytest.mark.parametrize("k", [2, 4])
def test_a_divergence_has_a_gradient_without_a_hole(k):
    student = torch.tensor([STUDENT, [50.0, -50.0, -50.0, -50.0]], requires_grad=True)
    mentor = torch.tensor([MENTOR, [90.0, 0.0, 0.0, 0.0]])
    divergence(student, *labels_of(mentor, k), 1.0).sum().backward()
    assert torch.isfinite(student.grad).all()
    assert student.grad.abs().sum() > 0


def test_tailored_weighs_the_prompt_and_divides_by_the_number_of_tokens():
    ids = torch.tensor([[1, 0, 2]])
    weights = token_weights(torch.tensor([[IGNORE, IGNORE, 2]]), torch.tensor([[0.1]]))
    losses = token_losses(torch.tensor(LOGITS[:1]), ids) * weights[0, 1:]
    expected = 0.1 * by_hand(LOGITS[0][0], 0) + by_hand(LOGITS[0][1], 2)
    assert losses.sum().item() == pytest.approx(expected, rel=1e-6)
    loss = weighted_terms({"lm": losses.sum()}, {"lm": 2}, {"lm": 1.0})
    assert loss.item() == pytest.approx(expected / 2, rel=1e-6)


def test_a_triplet_is_zero_only_when_the_mistake_is_a_whole_one_farther():
    anchor = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    positive = torch.tensor([[0.8, 0.6], [0.8, 0.6]])  # cosine 0.8
    negative = torch.tensor([[0.0, 2.0], [-3.0, 0.0]])  # cosines 0 and -1
    hinges = triplet(anchor, positive, negative)
    assert hinges.tolist() == pytest.approx([1 - 0.8 + 0.0, 0.0], abs=1e-6)
