"""Log-probabilities of continuations out of those of single tokens."""

import pytest

from localfair.engines.scoring import Scoring
from tests.engines.asking import asked, scoring

PROMPT = [1, 2]


def pending(*texts):
    (request,) = scoring(asked(1), *map(str, texts))
    return Scoring(request, PROMPT, [list(text) for text in texts])


def test_what_several_continuations_ask_after_one_beginning_is_asked_once():
    assert pending((7,), (8,), (7,)).wanted() == {(1, 2): [7, 8]}


def test_a_token_is_asked_for_after_those_before_it():
    assert pending((7, 8, 9)).wanted() == {(1, 2): [7], (1, 2, 7): [8], (1, 2, 7, 8): [9]}


def test_what_is_known_is_not_wanted_any_more():
    scores = pending((7,), (8, 9))
    scores.take((1, 2), {7: -1.0, 8: -2.0, 99: -3.0}, 0.25)
    assert scores.wanted() == {(1, 2, 8): [9]}
    scores.take((1, 2, 8), {9: -0.5}, 0.5)
    assert scores.wanted() == {}


def test_a_continuation_has_the_sum_of_its_tokens_in_the_order_asked():
    scores = pending((8, 9), (7,))
    scores.take((1, 2), {7: -1.0, 8: -2.0}, 0.25)
    scores.take((1, 2, 8), {9: -0.5}, 0.5)
    generation = scores.generation()
    assert generation.logprobs == pytest.approx((-2.5, -1.0))
    assert (generation.prompt_tokens, generation.completion_tokens) == (2, 3)
    assert generation.seconds == pytest.approx(0.75)
