"""A server the user runs: what is sent to it, and what its failures become."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.engines import open_engine
from localfair.errors import EngineDied, EngineError, PromptTooLong, ReplyError
from localfair.models import Card, Model
from localfair.record.nouns import Constraint, Message, Request, Sampling
from tests.engines.asking import asked, scoring, texts
from tests.engines.stub_server import Stub, models, reply

CHAT = "/v1/chat/completions"
SCHEMA = Constraint("json_schema", '{"type":"object"}')


def engine_at(url, server="unknown", **options):
    """The engine for the model `m` of the server at `url`."""
    model = Model(
        card=Card(name="far", family="x", format="endpoint", url=url, served="m", server=server),
        path=Path(),
        fingerprint="b2:0",
        chat_template=None,
        chat_template_hash="t",
        context=0,
    )
    engine = open_engine("openai_http", model, **options)
    engine._client.limits = replace(engine._client.limits, pause=0.01, longest=0.05)
    return engine


def answering(answer):
    """A stub that lists the model `m` and gives every chat call to `answer(body)`."""

    def serve(path, body):
        if path == CHAT:
            return answer(body)
        return (200, models("m")) if path == "/v1/models" else (404, {})

    return Stub(serve)


def chat(stub):
    return [body for path, body in stub.calls if path == CHAT]


# -- what is sent and read --------------------------------------------------------------------------


def test_a_request_is_sent_whole_and_nothing_else_is(monkeypatch):
    request = Request(
        messages=(Message("system", "s"), Message("user", "u")),
        seed=5,
        sampling=Sampling(temperature=0.5, top_p=0.9, max_tokens=7, stop=("§",)),
    )
    with answering(lambda body: (200, reply())) as stub:
        (generation,) = engine_at(stub.url).generate([request])
    (body,) = chat(stub)
    assert 0 <= body.pop("seed") < 2**31
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["§"],
        "stream": False,
    }
    assert (generation.text, generation.finish) == ("yes", "stop")
    assert (generation.prompt_tokens, generation.completion_tokens) == (3, 2)


@pytest.mark.parametrize(
    ("said", "finish"), [("length", "length"), ("stop", "stop"), ("eos_token", "stop")]
)
def test_how_a_reply_ended_is_read(said, finish):
    with answering(lambda body: (200, reply(finish=said))) as stub:
        assert next(engine_at(stub.url).generate(asked(1))).finish == finish


def test_at_most_batch_requests_are_under_way_and_each_is_there_when_it_is_finished():
    under_way = []
    counts = []

    def slow(body):
        under_way.append(1)
        counts.append(len(under_way))
        time.sleep(2.0 if body["max_tokens"] == 99 else 0.02)
        under_way.pop()
        return 200, reply()

    with answering(slow) as stub:
        requests = [asked(1, max_tokens=99)[0], *asked(12)[1:]]
        answered = [g.request.about for g in engine_at(stub.url, batch=3).generate(requests)]
    assert max(counts) == 3
    assert answered[-1] == "q0"
    assert len(answered) == 12


# -- constraints and scores -------------------------------------------------------------------------


def test_a_schema_goes_along_and_a_server_that_ignores_it_is_told_on():
    bound = replace(asked(1)[0], constraint=SCHEMA)
    with answering(lambda body: (200, reply('{"a": 1}'))) as stub:
        assert next(engine_at(stub.url).generate([bound])).text == '{"a": 1}'
    assert chat(stub)[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}
    with (
        answering(lambda body: (200, reply("As you wish:"))) as stub,
        pytest.raises(EngineError, match="ignored"),
    ):
        next(engine_at(stub.url).generate([bound]))


def test_a_bound_reply_that_was_cut_is_kept_as_it_is():
    bound = replace(asked(1)[0], constraint=SCHEMA)
    with answering(lambda body: (200, reply('{"a', finish="length"))) as stub:
        assert next(engine_at(stub.url).generate([bound])).text == '{"a'


@pytest.mark.parametrize(
    ("server", "field"), [("llamacpp", "grammar"), ("vllm", "structured_outputs")]
)
def test_a_grammar_is_sent_where_it_is_taken_and_else_refused_before_anything_is_sent(
    server, field
):
    bound = replace(asked(1)[0], constraint=Constraint("gbnf", 'root ::= "a"'))
    listed = models("m", owned_by=server)
    with Stub(lambda path, body: (200, listed if path == "/v1/models" else reply("a"))) as stub:
        next(engine_at(stub.url, server).generate([bound]))
        assert field in chat(stub)[0]
    with answering(lambda body: (200, reply())) as stub:
        with pytest.raises(EngineError, match="grammar"):
            next(engine_at(stub.url).generate([bound]))
        assert stub.calls == []


def test_a_continuation_the_server_does_not_list_is_refused_not_guessed():
    four = {"token": "4", "logprob": -0.1}
    listed = {"content": [{**four, "top_logprobs": [four]}]}
    with answering(lambda body: (200, reply(logprobs=listed))) as stub:
        engine = engine_at(stub.url)
        assert next(engine.score(scoring(asked(1), "4"))).logprobs == (-0.1,)
        with pytest.raises(EngineError, match="'10' among the 20 likeliest"):
            next(engine.score(scoring(asked(1), "4", "10")))


# -- failures: the same for one call at a time, in the caller's thread, and for several ---------------

AT_ONCE = pytest.mark.parametrize("count", [1, 3])


@AT_ONCE
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, None])
def test_what_may_pass_is_tried_again(status, count):
    failures = [status, status]

    def twice_not(body):
        if failures:
            return failures.pop(), reply("busy")
        return 200, reply()

    with answering(twice_not) as stub:
        assert [g.text for g in engine_at(stub.url).generate(asked(count))] == ["yes"] * count
    assert len(chat(stub)) == count + 2


def test_what_will_not_pass_is_not_tried_again_and_names_what_it_was_about():
    refused = pytest.raises(EngineError, match=r"q0.*no such field")
    with answering(lambda body: (400, {"error": {"message": "no such field"}})) as stub, refused:
        next(engine_at(stub.url).generate(asked(1)))
    assert len(chat(stub)) == 1


@pytest.mark.parametrize(
    "words",
    [
        "request (3001 tokens) exceeds the available context size (1024 tokens)",
        "This model's maximum context length is 2048 tokens.",
        "the prompt is too long",
    ],
)
def test_a_server_that_finds_a_prompt_too_long_is_understood(words):
    refused = pytest.raises(PromptTooLong, match="q0")
    with answering(lambda body: (400, {"error": {"message": words}})) as stub, refused:
        next(engine_at(stub.url).generate(asked(1)))


@AT_ONCE
def test_a_server_that_stays_busy_is_an_error_in_the_end(count):
    with answering(lambda body: (503, {})) as stub, pytest.raises(ReplyError, match="busy"):
        next(engine_at(stub.url).generate(asked(count)))


@AT_ONCE
def test_a_dead_server_is_an_error_with_a_hint_and_not_a_hang(count):
    with answering(lambda body: (200, reply())) as stub:
        engine = engine_at(stub.url)
        assert len(texts(engine, asked(count))) == count
    started = time.monotonic()
    with pytest.raises(EngineDied) as died:
        texts(engine, asked(count))
    assert "running" in died.value.hint
    assert time.monotonic() - started < 10
    with pytest.raises(EngineDied, match="nobody answers"):
        texts(engine_at(stub.url), asked(1))


def test_one_call_at_a_time_keeps_one_connection_and_their_order():
    with answering(lambda body: (200, reply())) as stub:
        answered = [g.request.about for g in engine_at(stub.url, batch=1).generate(asked(5))]
    assert answered == ["q0", "q1", "q2", "q3", "q4"]
    assert len(chat(stub)) == 5


def test_an_answer_without_choices_is_an_error_not_a_traceback():
    refused = pytest.raises(EngineError, match="answers without")
    with answering(lambda body: (200, {"choices": []})) as stub, refused:
        next(engine_at(stub.url).generate(asked(1)))


def test_leaving_early_cancels_what_is_under_way():
    with answering(lambda body: time.sleep(0.05) or (200, reply())) as stub:
        begun = engine_at(stub.url, batch=2).generate(asked(9))
        next(begun)
        begun.close()
        count = len(chat(stub))
        time.sleep(0.2)
        assert len(chat(stub)) <= count + 2 < 9


# -- who answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["m", "M", "org/m", "m:latest", None, 7])
def test_a_name_that_may_be_the_models_is_not_spoken_of(named, capsys):
    with answering(lambda body: (200, reply() | {"model": named})) as stub:
        list(engine_at(stub.url).generate(asked(2)))
    assert capsys.readouterr().err == ""


def test_a_server_that_answers_as_another_model_is_told_on_once(capsys):
    with answering(lambda body: (200, reply() | {"model": "gpt\x1b[1m"})) as stub:
        assert len(list(engine_at(stub.url).generate(asked(3)))) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: ") and "not as 'm'" in line
    assert line.isprintable()


@AT_ONCE
def test_a_request_that_fails_by_itself_can_be_handed_over_while_the_others_go_on(count):
    def answer(body):
        odd = "in 1 boxes" in body["messages"][0]["content"]
        return 200, reply(7) if odd else reply()

    failures = []
    with answering(answer) as stub:
        engine = engine_at(
            stub.url, batch=count, failed=lambda request, error: failures.append((request, error))
        )
        answered = texts(engine, asked(4))
    assert sorted(answered) == ["q0", "q2", "q3"]
    ((request, error),) = failures
    assert request.about == "q1"
    assert b'"content": 7' in error.raw


@pytest.mark.parametrize(
    ("card", "recipe", "sent"),
    [
        (None, None, None),
        (False, None, {"enable_thinking": False}),
        (False, True, {"enable_thinking": True}),
        (None, False, {"enable_thinking": False}),
    ],
)
def test_a_server_is_told_whether_its_model_is_to_think(card, recipe, sent):
    sampling = Sampling(max_tokens=7, enable_thinking=recipe)
    request = Request(messages=(Message("user", "u"),), sampling=sampling)
    with answering(lambda body: (200, reply())) as stub:
        engine = engine_at(stub.url)
        engine._card = engine._card.model_copy(update={"enable_thinking": card})
        list(engine.generate([request]))
    (body,) = chat(stub)
    assert body.get("chat_template_kwargs") == sent
