"""What every engine promises, asked of each of them on something tiny."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from localfair.engines.base import Engine, Scorer, open_engine
from localfair.errors import PromptTooLong, UsageError
from localfair.record.nouns import Constraint, Message, Sampling, canonical_json
from tests.engines.asking import ENGINES, SERVERS, asked, texts

ENDPOINT = SimpleNamespace(
    card=SimpleNamespace(name="far", url="http://127.0.0.1:1", served="m", server="vllm", identity=""),
    fingerprint="b2:0", chat_template_hash="t", context=0,
)  # fmt: skip


def agree(engine, again, before):
    """Equal replies; a server rounds otherwise after what it has cached, so most: the record keeps the first."""
    same = sum(again[about] == text for about, text in before.items())
    return again.keys() == before.keys() and same >= (
        len(before) / 2 if engine in SERVERS else len(before)
    )


def test_each_request_gets_one_generation_with_itself_in_it(opened):
    requests = asked(11)
    made = list(opened().generate(requests))
    assert sorted(g.request.about for g in made) == sorted(r.about for r in requests)
    assert all(any(g.request is r for r in requests) for g in made)
    assert all(g.prompt_tokens > 0 and g.seconds >= 0 for g in made)


def test_nothing_asked_is_nothing_answered(opened):
    assert list(opened().generate([])) == []


def test_requests_may_come_from_an_iterator(opened):
    assert set(texts(opened(), iter(asked(3)))) == {"q0", "q1", "q2"}


@pytest.mark.parametrize("limit", ["prompt", "reply"])
def test_what_does_not_fit_is_refused_by_name_before_anything_is_generated(opened, limit):
    backend, (first, other) = opened(), asked(2)
    long = {
        "prompt": replace(other, messages=(Message("user", "pens " * 600),), about="q77"),
        "reply": replace(other, sampling=Sampling(max_tokens=10_000), about="q77"),
    }[limit]
    with pytest.raises(PromptTooLong, match="q77"):
        next(backend.generate([first, long]))


@pytest.mark.parametrize("most", [1, 2])
def test_a_reply_has_at_most_max_tokens_and_says_that_it_was_cut(opened, most):
    made = list(opened().generate(asked(4, max_tokens=most)))
    assert {g.completion_tokens for g in made} == {most}
    assert {g.finish for g in made} == {"length"}


def test_a_stop_string_ends_the_reply_and_is_not_in_it(opened, engine):
    if engine == "scripted":
        pytest.skip("a script's replies end where they were written to")
    backend, request = opened(), asked(1, max_tokens=40)[0]
    whole = next(backend.generate([request]))
    stop = re.findall("[a-z]{2}", whole.text)[1]
    cut = next(
        backend.generate([replace(request, sampling=Sampling(max_tokens=40, stop=("§§", stop)))])
    )
    assert (cut.text, cut.finish) == (whole.text[: whole.text.index(stop)], "stop")
    assert cut.completion_tokens < whole.completion_tokens


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_same_requests_get_the_same_replies(opened, engine, temperature):
    requests = asked(temperature=temperature, top_p=0.95)
    first, second = opened(), opened()
    once = texts(first, requests)
    assert agree(engine, texts(first, requests), once)
    assert agree(engine, texts(second, requests), once)


def test_a_sampled_reply_does_not_depend_on_its_companions(opened, engine):
    if engine in ("llama_cpp", *SERVERS):
        pytest.skip(
            "its flash attention rounds otherwise beside longer companions; see test_llama_cpp"
        )
    backend, requests = opened(), asked(temperature=0.9, top_p=0.95)
    together = texts(backend, requests)
    for request in requests[::3]:
        assert texts(backend, [request])[request.about] == together[request.about]


def test_another_seed_is_another_reply_and_greedy_has_no_seed(opened, engine):
    backend, request = opened(), asked(1, temperature=1.0)[0]
    seeds = [replace(request, seed=seed, about=str(seed)) for seed in range(3)]
    assert len(set(texts(backend, seeds).values())) == 3
    greedy = [replace(r, sampling=Sampling(max_tokens=12)) for r in seeds]
    if engine != "scripted":
        assert len(set(texts(backend, greedy).values())) == 1


def test_another_sample_index_is_another_reply(opened, engine):
    if engine == "scripted":
        pytest.skip("a script chooses by the seed alone")
    request = asked(1, temperature=1.0)[0]
    samples = [replace(request, sample=i, about=str(i)) for i in range(3)]
    assert len(set(texts(opened(), samples).values())) == 3


def test_a_short_reply_is_there_before_the_long_ones_are(opened, engine):
    if engine == "scripted":
        pytest.skip("a script answers at once, in the order asked")
    long = asked(4, max_tokens=400)
    short = replace(long[2], sampling=Sampling(max_tokens=2))
    assert next(opened().generate([*long[:2], short, long[3]])).request is short


def test_a_generation_that_nobody_finishes_asking_for_leaves_the_backend_usable(opened, engine):
    backend, requests = opened(), asked()
    whole = texts(backend, requests)
    begun = backend.generate(requests)
    next(begun)
    begun.close()
    assert agree(engine, texts(backend, requests), whole)


def test_a_closed_backend_can_be_asked_again_and_closed_twice(opened):
    backend = opened()
    backend.close()
    before = texts(backend, asked(2))
    backend.close()
    backend.close()
    assert texts(backend, asked(2)) == before


def test_the_engine_is_known_without_weights_and_names_the_adapter(engine, script):
    tiny = pytest.importorskip("tests.tiny")
    model = {"scripted": script, "openai_http": ENDPOINT}.get(engine) or tiny.model()
    adapted = {
        "transformers": {"folder": "nowhere", "adapter": "nowhere"},
        "xllamacpp": {"adapter": "nowhere"},
    }
    own = adapted.get(engine, {})
    backend = open_engine(engine, model, adapter_id="a1", **own)
    assert isinstance(backend, Engine)
    assert backend.identity.engine.split("/")[0] == engine
    assert (backend.identity.adapter, bool(backend.identity.fingerprint)) == ("a1", True)


CONSTRAINING = ("llama_cpp", "xllamacpp", "openai_http", "vllm")
SCHEMA = {"type": "object", "properties": {"score": {"enum": [1, 2, 3]}}, "required": ["score"]}


def test_a_reply_keeps_to_its_json_schema_or_the_engine_says_that_it_cannot(opened, engine):
    request = asked(1, max_tokens=60, temperature=1.0)[0]
    requests = [
        replace(request, constraint=Constraint("json_schema", canonical_json(SCHEMA)), seed=i)
        for i in range(3)
    ]
    if engine not in CONSTRAINING:
        with pytest.raises(UsageError, match="cannot constrain"):
            list(opened().generate(requests))
        return
    for made in opened().generate(requests):
        assert made.finish == "length" or json.loads(made.text)["score"] in (1, 2, 3)


def test_a_reply_comes_with_the_log_probability_of_each_of_its_tokens(opened, engine):
    if engine == "scripted":
        pytest.skip("a script has no probabilities of its own words")
    request = replace(asked(1)[0], logprobs=True)
    made = next(opened().generate([request]))
    assert len(made.logprobs) == made.completion_tokens
    assert all(p <= 0 for p in made.logprobs)
    assert next(opened().generate([asked(1)[0]])).logprobs == ()


def test_each_continuation_is_scored_by_itself(opened, engine):
    backend = opened()
    requests = [replace(r, action="score", continuations=("4", "5", "6")) for r in asked(5)]
    scored = list(backend.score(requests))
    assert isinstance(backend, Scorer) and list(backend.score([])) == []
    assert sorted(g.request.about for g in scored) == sorted(r.about for r in requests)
    assert all(len(g.logprobs) == 3 and all(p < 0 for p in g.logprobs) for g in scored)
    again = {g.request.about: g.logprobs for g in opened(batch=1).score(requests)}
    assert all(g.logprobs == pytest.approx(again[g.request.about], abs=0.05) for g in scored)


def test_an_unknown_engine_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError) as refused:
        open_engine("lama_cpp", None)
    assert "llama_cpp" in refused.value.hint


def test_every_shipped_engine_is_held_to_this_contract():
    from localfair.engines.base import ENGINES as SHIPPED

    assert set(ENGINES) == set(SHIPPED)
