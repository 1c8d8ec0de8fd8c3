"""Drawing a token from llama.cpp's logits: the nucleus, the temperature, one uniform number a token."""

from random import Random

import numpy
import pytest

pytest.importorskip("llama_cpp")

from localfair.engines.llama_sampling import draw, nucleus_candidates
from localfair.record.nouns import Sampling


class Given(Random):
    """Its next uniform numbers are those given."""

    def __init__(self, *numbers):
        super().__init__(0)
        self.numbers = list(numbers)

    def random(self):
        return self.numbers.pop(0)


def logits(size=500, spread=3.0, seed=0):
    return (numpy.random.default_rng(seed).standard_normal(size) * spread).astype(numpy.float32)


def nucleus(scores, temperature, top_p):
    """The definition, token by token (arXiv 1904.09751, section 3.1): the kept tokens and their shares."""
    weights = numpy.exp((scores.astype(float) - scores.max()) / temperature)
    kept = []
    mass = 0.0
    for token in numpy.argsort(-weights):
        kept.append(int(token))
        mass += weights[token] / weights.sum()
        if mass >= top_p:
            break
    return kept, weights[kept] / weights[kept].sum()


@pytest.mark.parametrize("temperature", [0.3, 0.8, 2.0])
@pytest.mark.parametrize("top_p", [0.1, 0.9, 0.95, 0.9999])
@pytest.mark.parametrize("spread", [0.01, 3.0])
def test_every_token_of_the_nucleus_and_no_other_is_drawn_where_its_mass_lies(
    temperature, top_p, spread
):
    scores = logits(spread=spread)
    kept, shares = nucleus(scores, temperature, top_p)
    middles = shares.cumsum() - shares / 2
    sampling = Sampling(temperature=temperature, top_p=top_p)
    assert [draw(scores, sampling, Given(m)) for m in middles] == kept
    assert draw(scores, sampling, Given(0.0)) == kept[0]
    assert draw(scores, sampling, Given(1 - 2**-53)) == kept[-1]


def test_without_a_nucleus_every_token_has_its_share():
    scores = logits(size=8, spread=1.0)
    sampling = Sampling(temperature=0.7)
    random = Random(1)
    tokens = [draw(scores, sampling, random) for _ in range(20_000)]
    drawn = numpy.bincount(tokens, minlength=8) / len(tokens)
    expected = numpy.exp(scores / 0.7) / numpy.exp(scores / 0.7).sum()
    assert drawn == pytest.approx(expected, abs=0.02)


def test_the_vocabulary_is_sorted_whole_only_where_the_likely_are_too_few():
    assert sorted_to_draw(logits(size=50_000), temperature=0.8, top_p=0.5) < 10_000
    assert sorted_to_draw(peak(), temperature=1.0, top_p=0.95) == 50_000


def sorted_to_draw(scores, temperature, top_p):
    """How many tokens are sorted to find the nucleus."""
    weights = numpy.exp((scores - scores.max()) / numpy.float32(temperature))
    return len(nucleus_candidates(weights, top_p * weights.sum()))


def peak():
    """Logits of one likely token, 7. Each of the others is rare; together they are four fifths."""
    scores = numpy.zeros(50_000, numpy.float32)
    scores[7] = 9.5
    return scores


def test_rare_tokens_are_drawn_where_the_nucleus_needs_them():
    sampling = Sampling(temperature=1.0, top_p=0.95)
    assert draw(peak(), sampling, Given(0.1)) == 7
    assert draw(peak(), sampling, Given(0.9)) != 7


def test_a_draw_is_the_same_for_the_same_seed():
    scores = logits()
    sampling = Sampling(temperature=0.8, top_p=0.95)

    def tokens(seed):
        random = Random(seed)
        return [draw(scores, sampling, random) for _ in range(50)]

    assert tokens(3) == tokens(3)
    assert tokens(3) != tokens(4)
