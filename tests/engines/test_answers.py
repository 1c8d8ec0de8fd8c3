"""What servers may answer, and what is taken of it."""

import json
from dataclasses import replace

import pytest

from localfair.engines.completions import generation
from localfair.errors import ReplyError
from localfair.machine.http import Reply
from tests.engines.asking import asked
from tests.engines.stub_server import reply

(REQUEST,) = asked(1)


def read(data, request=REQUEST):
    """The generation in an answer that came as bytes."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return generation(request, Reply(200, raw).json(), 0.1, "it", raw)


def with_usage(**counts):
    return reply() | {"usage": {"prompt_tokens": 3, "completion_tokens": 2, **counts}}


def with_logprobs(*values):
    return reply(logprobs={"content": [{"logprob": value} for value in values]})


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("yes", "yes"),
        ("", ""),
        (None, ""),
        ([], ""),
        (["a", "b"], "ab"),
        ([{"type": "text", "text": "The "}, {"type": "output_text", "text": "end"}], "The end"),
        ([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes"}], "yes"),
        ("half \ud83d", "half \ufffd"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("whole \U0001f600", "whole \U0001f600"),
    ],
)
def test_a_reply_is_a_text_or_parts_of_one_and_nothing_said_is_an_empty_one(content, text):
    assert read(reply(content)).text == text
    read(reply(content)).text.encode()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "null for an object"),
        ([], "a list for an object"),
        (7, "a number for an object"),
        ({}, "without 'choices'"),
        ({"choices": None}, "null for its choices"),
        ({"choices": []}, "without"),
        ({"choices": {"0": {}}}, "an object for its choices"),
        ({"choices": reply()["choices"] * 2}, "2 choices"),
        ({"choices": ["yes"]}, "a text for a choice"),
        (reply() | {"choices": [{}]}, "without 'text'"),
        (reply() | {"choices": [{"message": None}]}, "another form"),
        ({"choices": [{"message": {}}], "usage": {}}, "without"),
        (reply(7), "a number for the text"),
        (reply(True), "true or false for the text"),
        (reply({"text": "x"}), "an object for the text"),
        (reply([{"type": "image_url"}]), "no text"),
        (reply([None]), "no text"),
        (reply([{"type": ["text"], "text": "x"}]), "no text"),
        (reply(finish="because"), "finish reason 'because'"),
        (reply(finish=["stop"]), "finish reason"),
        (with_usage(prompt_tokens=-1), "a number for prompt_tokens"),
        (with_usage(completion_tokens=2**70), "a number for completion_tokens"),
        (with_usage(completion_tokens="2"), "a text for completion_tokens"),
        (with_usage(completion_tokens=1.5), "completion_tokens"),
        (with_usage(completion_tokens=None), "null for completion_tokens"),
        (with_usage(completion_tokens=True), "true or false for completion_tokens"),
        (reply() | {"usage": None}, "another form"),
        (reply() | {"usage": [3, 2]}, "another form"),
    ],
)
def test_what_is_no_reply_is_one_line_with_its_bytes(data, problem):
    with pytest.raises(ReplyError, match=r"^q0: it answers") as failed:
        read(data)
    assert problem in failed.value.message
    assert failed.value.raw == json.dumps(data).encode()
    assert not failed.value.retryable
    assert "\n" not in failed.value.message


@pytest.mark.parametrize(
    "data",
    [
        with_logprobs("-1"),
        with_logprobs(None),
        with_logprobs(1.5),
        with_logprobs([-1]),
        with_logprobs(-(10**400)),
        reply(logprobs=[1, 2]),
        reply(logprobs={"content": 3}),
        reply(logprobs={"content": [-0.5]}),
        json.dumps(with_logprobs(-5.5)).replace("-5.5", "-1e999").encode(),
    ],
)
def test_log_probabilities_of_another_form_are_one_line(data):
    request = replace(REQUEST, logprobs=True)
    with pytest.raises(ReplyError, match=r"^q0: it answers"):
        read(data, request)
    assert read(with_logprobs(-0.5, 0), request).logprobs == (-0.5, 0.0)


@pytest.mark.parametrize(
    ("finish", "how"), [("stop", "stop"), (None, "stop"), ("EOS", "stop"), ("MAX_TOKENS", "length")]
)
def test_how_a_reply_ended_has_several_names(finish, how):
    assert read(reply(finish=finish)).finish == how
