"""A forward pass that makes logits or states only where they are wanted makes the same ones."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from localfair.models.forward import last_states, logits_at

PROMPTS = [[1, 40, 50, 60, 61], [1, 41]]
REPLIES = [[70, 71, 72], [73], [74, 75], [76, 77, 78, 79]]  # two to each prompt


@pytest.fixture
def model(tiny_student):
    return AutoModelForCausalLM.from_pretrained(tiny_student).eval()


def test_logits_at_are_the_full_logits_at_the_kept_positions(model):
    ids = torch.tensor([[1, 40, 50, 60], [1, 41, 51, 61]])
    keep = torch.tensor([[False, True, True, False], [True, False, False, False]])
    kept = logits_at(model, keep, input_ids=ids)
    assert kept.shape == (3, model.config.vocab_size)
    assert torch.allclose(kept, model(input_ids=ids).logits[keep], atol=1e-5)


def test_a_model_gives_all_its_logits_again_afterwards(model):
    ids = torch.tensor([[1, 40]])
    logits_at(model, torch.tensor([[False, True]]), input_ids=ids)
    assert model(input_ids=ids).logits.shape == (1, 2, model.config.vocab_size)


def padded_states(model):
    prompts = torch.tensor([PROMPTS[0], [0, 0, 0, *PROMPTS[1]]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 0, 1, 1]])
    replies = torch.tensor([[70, 71, 72, 0], [73, 0, 0, 0], [74, 75, 0, 0], [76, 77, 78, 79]])
    return last_states(model, prompts, mask, replies, torch.tensor([3, 1, 2, 4]))


@torch.no_grad()
def test_last_states_are_those_of_each_reply_after_its_own_prompt(model):
    states = padded_states(model)
    for number, reply in enumerate(REPLIES):
        ids = torch.tensor([[*PROMPTS[number // 2], *reply]])
        alone = model.model(input_ids=ids).last_hidden_state[0, -1]
        assert torch.allclose(states[number], alone, atol=1e-4)


def test_no_gradient_goes_through_a_prompt_even_where_layers_are_recomputed(model):
    model.train().gradient_checkpointing_enable()
    padded_states(model).sum().backward()
    gradients = model.get_input_embeddings().weight.grad.abs().sum(1)
    moved = gradients.nonzero().flatten().tolist()
    assert moved == [70, 71, 72, 73, 74, 75, 76, 77, 78, 79]
    assert model.is_gradient_checkpointing
