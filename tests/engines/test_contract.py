"""What every engine promises, asked of each of them on something tiny."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.engines import Engine, Scorer, engine_named, open_engine, stream
from localfair.errors import PromptTooLong, UsageError
from localfair.models import Card, Model
from localfair.record.nouns import Constraint, Message, Sampling, canonical_json
from tests.engines.asking import SERVERS, asked, logprobs, scoring, streamed, texts

ENDPOINT = Model(
    card=Card(
        name="far", family="x", format="endpoint", url="http://127.0.0.1:1", served="m", server="s"
    ),
    path=Path(),
    fingerprint="b2:0",
    chat_template=None,
    chat_template_hash="t",
    context=0,
)
SCHEMA = {"type": "object", "properties": {"score": {"enum": [1, 2, 3]}}, "required": ["score"]}


def agree(name, again, before):
    """Equal replies; a server rounds otherwise after what it has cached, so most: the record keeps the first."""
    same = sum(again[about] == text for about, text in before.items())
    wanted = len(before) / 2 if name in SERVERS else len(before)
    return again.keys() == before.keys() and same >= wanted


def test_each_request_gets_one_generation_with_itself_in_it(opened):
    requests = asked(11)
    generations = list(opened().generate(requests))
    assert sorted(g.request.about for g in generations) == sorted(r.about for r in requests)
    assert all(any(g.request is r for r in requests) for g in generations)
    assert all(g.prompt_tokens > 0 and g.seconds >= 0 for g in generations)


def test_nothing_asked_is_nothing_answered(opened):
    assert list(opened().generate([])) == []


def test_requests_may_come_from_an_iterator(opened):
    assert set(texts(opened(), iter(asked(3)))) == {"q0", "q1", "q2"}


@pytest.mark.parametrize("limit", ["prompt", "reply"])
def test_what_does_not_fit_is_refused_by_name_before_anything_is_generated(opened, limit):
    engine = opened()
    first, other = asked(2)
    long = {
        "prompt": replace(other, messages=(Message("user", "pens " * 600),), about="q77"),
        "reply": replace(other, sampling=Sampling(max_tokens=10_000), about="q77"),
    }
    with pytest.raises(PromptTooLong, match="q77"):
        next(engine.generate([first, long[limit]]))


@pytest.mark.parametrize("most", [1, 2])
def test_a_reply_has_at_most_max_tokens_and_says_that_it_was_cut(opened, most):
    generations = list(opened().generate(asked(4, max_tokens=most)))
    assert {g.completion_tokens for g in generations} == {most}
    assert {g.finish for g in generations} == {"length"}


def test_a_stop_string_ends_the_reply_and_is_not_in_it(opened, name):
    if name == "scripted":
        pytest.skip("a script's replies end where they were written to")
    engine = opened()
    request = asked(1, max_tokens=40)[0]
    whole = next(engine.generate([request]))
    stop = re.findall("[a-z]{2}", whole.text)[1]
    stopping = Sampling(max_tokens=40, stop=("§§", stop))
    cut = next(engine.generate([replace(request, sampling=stopping)]))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish == "stop"
    assert cut.completion_tokens < whole.completion_tokens


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_same_requests_get_the_same_replies(opened, name, temperature):
    requests = asked(temperature=temperature, top_p=0.95)
    first, second = opened(), opened()
    once = texts(first, requests)
    assert agree(name, texts(first, requests), once)
    assert agree(name, texts(second, requests), once)


def test_a_sampled_reply_does_not_depend_on_its_companions(opened, name):
    if name in ("llama_cpp", *SERVERS):
        pytest.skip(
            "its flash attention rounds otherwise beside longer companions; see test_llama_cpp"
        )
    engine = opened()
    requests = asked(temperature=0.9, top_p=0.95)
    together = texts(engine, requests)
    for request in requests[::3]:
        assert texts(engine, [request])[request.about] == together[request.about]


def test_another_seed_is_another_reply_and_greedy_has_no_seed(opened, name):
    engine = opened()
    request = asked(1, temperature=1.0)[0]
    seeds = [replace(request, seed=seed, about=str(seed)) for seed in range(3)]
    assert len(set(texts(engine, seeds).values())) == 3
    greedy = [replace(r, sampling=Sampling(max_tokens=12)) for r in seeds]
    if name != "scripted":
        assert len(set(texts(engine, greedy).values())) == 1


def test_another_sample_index_is_another_reply(opened, name):
    if name == "scripted":
        pytest.skip("a script chooses by the seed alone")
    request = asked(1, temperature=1.0)[0]
    samples = [replace(request, sample=i, about=str(i)) for i in range(3)]
    assert len(set(texts(opened(), samples).values())) == 3


def test_a_short_reply_is_there_before_the_long_ones_are(opened, name):
    if name == "scripted":
        pytest.skip("a script answers at once, in the order asked")
    long = asked(4, max_tokens=400)
    short = replace(long[2], sampling=Sampling(max_tokens=2))
    engine = opened()

    def first():
        begun = engine.generate([*long[:2], short, long[3]])
        request = next(begun).request
        begun.close()
        return request

    # a busy machine may send the short one to a server when a long one is done already
    assert any(first() is short for _ in range(5))


def test_a_generation_that_nobody_finishes_asking_for_leaves_the_engine_usable(opened, name):
    engine = opened()
    requests = asked()
    whole = texts(engine, requests)
    begun = engine.generate(requests)
    next(begun)
    begun.close()
    assert agree(name, texts(engine, requests), whole)


def test_a_closed_engine_can_be_asked_again_and_closed_twice(opened):
    engine = opened()
    engine.close()
    before = texts(engine, asked(2))
    engine.close()
    engine.close()
    assert texts(engine, asked(2)) == before


def test_the_identity_is_known_without_weights_and_names_the_adapter(name, script):
    tiny = pytest.importorskip("tests.tiny")
    models = {"scripted": script, "openai_http": ENDPOINT}
    model = models.get(name, tiny.model(path=Path("nowhere")))
    engine = open_engine(name, model, adapter=Path("nowhere"), adapter_id="a1")
    assert isinstance(engine, Engine)
    assert engine.identity == engine_named(name).identity(model, "bf16", "a1")
    assert engine.identity.engine.split("/")[0] == name
    assert engine.identity.adapter == "a1"
    assert engine.identity.fingerprint


def test_a_reply_keeps_to_its_json_schema_or_the_engine_says_that_it_cannot(opened, name):
    request = asked(1, max_tokens=60, temperature=1.0)[0]
    bound = replace(request, constraint=Constraint("json_schema", canonical_json(SCHEMA)))
    requests = [replace(bound, seed=i) for i in range(3)]
    if not engine_named(name).binds:
        with pytest.raises(UsageError, match="cannot constrain"):
            list(opened().generate(requests))
        return
    for generation in opened().generate(requests):
        assert generation.finish == "length" or json.loads(generation.text)["score"] in (1, 2, 3)


def test_a_reply_comes_with_the_log_probability_of_each_of_its_tokens(opened, name):
    if name == "scripted":
        pytest.skip("a script has no probabilities of its own words")
    request = replace(asked(1)[0], logprobs=True)
    generation = next(opened().generate([request]))
    assert len(generation.logprobs) == generation.completion_tokens
    assert all(logprob <= 0 for logprob in generation.logprobs)
    assert next(opened().generate([asked(1)[0]])).logprobs == ()


ALIKE = ("There are 12 pens in all.", "There are 12 pens, I think.", "No pens.")


def test_texts_that_begin_alike_after_one_prompt_are_scored_as_each_alone(opened, name):
    if not engine_named(name).scores_texts or name == "scripted":
        pytest.skip("it scores no texts, or counts no tokens")
    [request] = asked(1)
    requests = [replace(scoring([request], text)[0], about=text) for text in ALIKE]
    together = {each.request.about: each for each in opened().score(requests)}
    alone = {each.about: next(opened(batch=1).score([each])) for each in requests}
    for text in ALIKE:
        assert together[text].completion_tokens == alone[text].completion_tokens > 1
        assert together[text].logprobs == pytest.approx(alone[text].logprobs, rel=0.02)


def test_each_continuation_is_scored_by_itself(opened, name):
    engine = opened()
    assert isinstance(engine, Scorer) == engine_named(name).scores
    assert list(engine.score([])) == []
    requests = scoring(asked(5), "4", "5", "6")
    scored = logprobs(engine, requests)
    assert sorted(scored) == sorted(r.about for r in requests)
    assert all(len(values) == 3 and max(values) < 0 for values in scored.values())
    alone = logprobs(opened(batch=1), requests)
    for about, values in scored.items():
        assert values == pytest.approx(alone[about], abs=0.05)


@pytest.mark.parametrize("stop", [(), ("§§", "answer")])
def test_a_streamed_reply_is_the_reply_in_pieces(opened, stop):
    engine = opened()
    (request,) = asked(1, max_tokens=12)
    request = replace(request, sampling=replace(request.sampling, stop=stop))
    pieces, generation = streamed(engine, request)
    assert "".join(pieces) == generation.text
    whole = next(engine.generate([request]))
    assert (generation.text, generation.finish) == (whole.text, whole.finish)
    assert generation.completion_tokens == whole.completion_tokens


def test_a_streamed_reply_that_does_not_fit_is_refused_before_its_first_piece(opened):
    (request,) = asked(1)
    with pytest.raises(PromptTooLong):
        next(stream(opened(), replace(request, messages=(Message("user", "pens " * 600),))))


def test_a_stream_that_nobody_reads_to_its_end_leaves_the_engine_as_it_was(opened):
    engine = opened()
    (request,) = asked(1, max_tokens=12)
    reading = stream(engine, request)
    next(reading)
    reading.close()
    pieces, generation = streamed(engine, request)
    assert "".join(pieces) == generation.text
