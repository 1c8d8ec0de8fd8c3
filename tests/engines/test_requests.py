"""What every engine asks of a request."""

from dataclasses import replace

import pytest

from localfair.engines.requests import draw_seed, refuse_constraint, refuse_too_long
from localfair.errors import PromptTooLong, UsageError
from localfair.record.nouns import Constraint, EngineIdentity
from tests.engines.asking import asked

IDENTITY = EngineIdentity(model="small", fingerprint="f", chat_template="", engine="scripted")
(REQUEST,) = asked(1)


@pytest.mark.parametrize(("prompt", "reply"), [(90, 10), (100, 0), (0, 100)])
def test_a_prompt_and_a_reply_that_just_fit_are_not_refused(prompt, reply):
    refuse_too_long(REQUEST, prompt, reply, IDENTITY, 100)


def test_what_does_not_fit_is_refused_with_what_it_is_about_and_both_lengths():
    with pytest.raises(PromptTooLong) as refused:
        refuse_too_long(REQUEST, 90, 11, IDENTITY, 100)
    assert refused.value.message == (
        "q0: 90 tokens of prompt and 11 of reply do not fit the 100 tokens of small"
    )
    assert "max_tokens" in refused.value.hint


def test_only_a_request_that_wants_its_reply_bound_is_refused():
    refuse_constraint(REQUEST, "scripted")
    bound = replace(REQUEST, constraint=Constraint("gbnf", "root ::= [1-5]"))
    with pytest.raises(UsageError, match=r"the scripted engine cannot constrain a reply \(q0\)"):
        refuse_constraint(bound, "scripted")


@pytest.mark.parametrize("bits", [31, 63])
def test_a_seed_has_its_bits_and_depends_on_seed_and_sample_alone(bits):
    others = [replace(REQUEST, seed=5), replace(REQUEST, sample=1)]
    seeds = {draw_seed(request, bits) for request in (REQUEST, *others)}
    assert len(seeds) == 3
    assert all(0 <= seed < 2**bits for seed in seeds)
    assert draw_seed(replace(REQUEST, about="other"), bits) == draw_seed(REQUEST, bits)


def test_a_seed_is_what_it_has_always_been():
    assert draw_seed(REQUEST) == 1713438071
