"""Drawing a token from torch's logits: the nucleus, the temperature, a generator of the request's own."""

from random import Random

import pytest

pytest.importorskip("torch")

import torch

from localfair.engines.torch_sampling import draw, drawing
from localfair.record.nouns import Sampling
from tests.engines.asking import asked


def drawn(logits, sampling, seed, count):
    generator = torch.Generator().manual_seed(seed)
    return [draw(logits, sampling, generator) for _ in range(count)]


@pytest.mark.parametrize(("top_p", "nucleus"), [(1.0, {0, 1, 2}), (0.85, {0, 1}), (0.5, {0})])
def test_only_the_nucleus_is_drawn_from_and_in_proportion(top_p, nucleus):
    probabilities = (0.6, 0.3, 0.1)
    logits = torch.tensor(probabilities).log()
    tokens = drawn(logits, Sampling(temperature=1.0, top_p=top_p), 0, 2000)
    assert set(tokens) == nucleus
    expected = 0.6 / sum(probabilities[token] for token in nucleus)
    assert tokens.count(0) / len(tokens) == pytest.approx(expected, abs=0.04)


def test_a_nucleus_wider_than_the_likely_is_found_too():
    tokens = drawn(torch.zeros(1000), Sampling(temperature=1.0, top_p=0.9), 0, 4000)
    assert 800 < len(set(tokens)) <= 901


def test_a_draw_is_the_same_for_the_same_seed():
    logits = torch.randn(500, generator=torch.Generator().manual_seed(0))
    sampling = Sampling(temperature=0.8, top_p=0.95)
    assert drawn(logits, sampling, 3, 50) == drawn(logits, sampling, 3, 50)
    assert drawn(logits, sampling, 3, 50) != drawn(logits, sampling, 4, 50)


def test_a_greedy_request_draws_nothing():
    assert drawing(asked(1)[0]) is None


def test_a_request_draws_from_its_own_seed():
    request, other = asked(2, temperature=1.0)
    logits = torch.zeros(500)
    first, again, another = (drawing(r) for r in (request, request, other))
    tokens = [first(logits) for _ in range(20)]
    assert [again(logits) for _ in range(20)] == tokens
    assert [another(logits) for _ in range(20)] != tokens


@pytest.mark.parametrize("sampling", [(0.3, 0.9), (0.8, 0.95), (1.0, 1.0)])
def test_it_is_llama_cpps_drawing_where_no_two_logits_are_equal(sampling):
    pytest.importorskip("llama_cpp")
    from localfair.engines import llama_sampling

    class Uniform(Random):
        """Its next number is the one that torch's generator would give."""

        def random(self):
            return torch.rand(1, generator=self.generator, dtype=torch.double).item()

    temperature, top_p = sampling
    sampling = Sampling(temperature=temperature, top_p=top_p)
    for seed in range(300):
        logits = torch.randn(400, generator=torch.Generator().manual_seed(seed)) * 3
        uniform = Uniform()
        uniform.generator = torch.Generator().manual_seed(seed)
        expected = llama_sampling.draw(logits.numpy(), sampling, uniform)
        assert drawn(logits, sampling, seed, 1) == [expected]
