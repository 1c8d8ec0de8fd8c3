"""Replies as server-sent events, and servers that send something else."""

import json

import pytest

from localfair.engines import open_engine, stream
from localfair.errors import LocalfairError, ReplyError
from localfair.models import Card, Model
from localfair.record.nouns import Message, Request, Sampling
from tests.engines.asking import streamed
from tests.engines.stub_server import Stub, reply

EVENTS = {"Content-Type": "text/event-stream"}
REQUEST = Request(messages=(Message("user", "How many?"),), sampling=Sampling(max_tokens=9))


def events(*values):
    """The bytes of some events: JSON, or text as it is."""
    lines = []
    for value in values:
        text = value if isinstance(value, str) else json.dumps(value)
        lines.append(f": a comment\ndata: {text}\n\n")
    return "".join(lines).encode()


def delta(finish=None, **said):
    return {"choices": [{"delta": said, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


@pytest.fixture
def engine():
    """`engine(answer)` is the engine of a stub that answers completions with `answer(body)`."""
    stubs = []

    def make(answer):
        def respond(path, body):
            if path == "/v1/models":
                return 200, {"data": [{"id": "m"}]}
            return answer(body) if path == "/v1/chat/completions" else (404, {})

        stub = Stub(respond).__enter__()
        stubs.append(stub)
        card = Card(
            name="far", family="x", format="endpoint", url=stub.url, served="m", server="other"
        )
        model = Model(
            card=card,
            path=None,
            fingerprint="b2:0",
            chat_template=None,
            chat_template_hash="t",
            context=0,
        )
        made = open_engine("openai_http", model)
        made._is_known = True
        return made, stub

    yield make
    for stub in stubs:
        stub.__exit__()


def read(engine):
    """The pieces that say something, and the generation that they end in."""
    pieces, generation = streamed(engine, REQUEST)
    return [piece for piece in pieces if piece], generation


def test_events_are_pieces_and_the_last_ones_say_how_it_ended(engine):
    said = events(
        delta(role="assistant"),
        delta(content="It is"),
        delta(content=" 7."),
        delta("stop"),
        USAGE,
        "[DONE]",
    )
    made, stub = engine(lambda body: (200, said, EVENTS))
    pieces, generation = read(made)
    assert pieces == ["It is", " 7."]
    assert (generation.text, generation.finish) == ("It is 7.", "stop")
    assert (generation.prompt_tokens, generation.completion_tokens) == (3, 2)
    assert stub.calls[-1][1]["stream"] is True


def test_thinking_that_is_told_apart_stands_before_the_answer_in_its_tags(engine):
    said = events(delta(reasoning_content="4 + 3"), delta(content="7"), delta("length"), "[DONE]")
    pieces, generation = read(engine(lambda body: (200, said, EVENTS))[0])
    assert "".join(pieces) == generation.text == "<think>\n4 + 3\n</think>\n\n7"
    assert generation.finish == "length"


@pytest.mark.parametrize("other", [b"", events("{oops"), events("[1]"), events(USAGE)])
def test_a_server_that_sends_no_events_is_asked_in_the_usual_way(engine, other):
    def answer(body):
        return (200, other, EVENTS) if body["stream"] else (200, reply("At once."))

    assert read(engine(answer)[0])[0] == ["At once."]


def test_a_server_that_ignores_the_wish_is_asked_in_the_usual_way(engine):
    assert read(engine(lambda body: (200, reply("At once.")))[0])[0] == ["At once."]


def test_a_server_that_refuses_is_told_as_ever(engine):
    with pytest.raises(LocalfairError, match="no such thing"):
        read(engine(lambda body: (400, {"error": {"message": "no such thing"}}))[0])


@pytest.mark.parametrize("broken", ["{oops", {"error": {"message": "it fell over"}}])
def test_a_reply_that_breaks_in_the_middle_is_an_error_after_what_was_shown(engine, broken):
    made, _ = engine(lambda body: (200, events(delta(content="It is"), broken), EVENTS))
    reading = stream(made, REQUEST)
    assert next(reading) == "It is"
    with pytest.raises(LocalfairError):
        list(reading)


def test_a_reply_that_the_server_gives_up_is_one_that_failed(engine):
    made, _ = engine(lambda body: (200, events(delta(content="It"), delta("error")), EVENTS))
    with pytest.raises(ReplyError):
        read(made)
