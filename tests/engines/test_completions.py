"""Requests as an OpenAI-compatible server's JSON, and back."""

from dataclasses import replace

import pytest

from localfair.engines.completions import constrained, drawing, generation, leaning, written
from localfair.errors import EngineError, ReplyError
from localfair.record.nouns import Constraint
from localfair.tasks.reply import SplitReply, answer_of, split_reply
from tests.engines.asking import asked
from tests.engines.stub_server import reply

DIALECTS = ("llamacpp", "vllm", "ollama")
SCHEMA = Constraint("json_schema", '{"type":"object"}')
GRAMMAR = Constraint("gbnf", 'root ::= "a"')
(REQUEST,) = asked(1, temperature=0.5, top_p=0.9)


def bound(constraint):
    return replace(REQUEST, constraint=constraint)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_server_is_told_how_to_draw(dialect):
    body = drawing(REQUEST, dialect)
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.5, 0.9, 12)
    assert "stop" not in body
    assert body["stream"] is False


@pytest.mark.parametrize("dialect", ["llamacpp", "vllm"])
def test_a_server_that_draws_otherwise_by_itself_is_told_not_to(dialect):
    body = drawing(REQUEST, dialect)
    assert (body["top_k"], body["min_p"]) == (0, 0.0)


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("llamacpp", {"json_schema": {"type": "object"}}),
        ("vllm", {"structured_outputs": {"json": {"type": "object"}}}),
        (
            "ollama",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True},
                }
            },
        ),
    ],
)
def test_a_schema_is_given_in_the_servers_own_field(dialect, fields):
    assert constrained(bound(SCHEMA), dialect) == fields


def test_a_grammar_is_given_to_the_servers_that_take_one():
    assert constrained(bound(GRAMMAR), "llamacpp") == {"grammar": GRAMMAR.text}
    assert constrained(bound(GRAMMAR), "vllm") == {"structured_outputs": {"grammar": GRAMMAR.text}}
    with pytest.raises(EngineError, match="q0 binds its reply by a grammar"):
        constrained(bound(GRAMMAR), "ollama")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_free_request_binds_nothing(dialect):
    assert constrained(REQUEST, dialect) == {}


def test_leaning_leaves_a_token_no_rival():
    assert leaning(7) == {"logit_bias": [[7, 1e4]]}


def test_a_chats_and_a_completions_answer_are_both_read():
    chat = generation(REQUEST, reply("yes"), 0.5, "it")
    data = reply("yes")
    data["choices"][0]["text"] = data["choices"][0].pop("message")["content"]
    assert generation(REQUEST, data, 0.5, "it") == chat
    assert (chat.text, chat.prompt_tokens, chat.completion_tokens) == ("yes", 3, 2)


def test_an_answer_without_text_is_an_empty_reply():
    assert generation(REQUEST, reply(None), 0.5, "it").text == ""


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_a_request_that_the_server_gave_up_is_an_error(reason):
    with pytest.raises(ReplyError, match="it gave up q0"):
        generation(REQUEST, reply(finish=reason), 0.5, "it")


@pytest.mark.parametrize("missing", ["choices", "usage"])
def test_an_answer_that_is_no_completion_is_an_error(missing):
    data = reply()
    del data[missing]
    with pytest.raises(EngineError, match=f"it answers without '{missing}'"):
        generation(REQUEST, data, 0.5, "it")


def test_a_reply_that_ended_by_itself_and_is_no_json_is_told_on():
    with pytest.raises(EngineError, match="it ignored the JSON schema of q0"):
        generation(bound(SCHEMA), reply("As you wish"), 0.5, "it")
    cut = generation(bound(SCHEMA), reply('{"a', finish="length"), 0.5, "it")
    assert cut.text == '{"a'


def test_log_probabilities_are_read_in_both_forms_that_servers_use():
    listed = {"content": [{"logprob": -0.5}, {"logprob": -1}]}
    assert written({"logprobs": listed}) == (-0.5, -1.0)
    assert written({"logprobs": {"token_logprobs": [None, -0.5, -1]}}) == (-0.5, -1.0)
    assert written({"logprobs": None}) == ()


def with_thinking(content, finish="stop", **message):
    """A server's answer whose message has fields beside its content."""
    data = reply(content, finish)
    data["choices"][0]["message"] |= message
    return generation(REQUEST, data, 1.0, "s")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thinking_that_a_server_tells_apart_stands_before_the_content(field):
    found = with_thinking("It is 5.", **{field: "2 and 3?"})
    assert split_reply(found.text) == SplitReply("\n2 and 3?\n", "\n\nIt is 5.", "")


@pytest.mark.parametrize("content", ["", None])
def test_thinking_without_content_was_never_left(content):
    found = with_thinking(content, finish="length", reasoning_content="2 and 3?")
    assert (found.text, found.finish) == ("<think>\n2 and 3?", "length")
    assert answer_of(found.text) is None


@pytest.mark.parametrize("thinking", ["", None, 3, []])
def test_a_message_without_thinking_is_its_content(thinking):
    assert with_thinking("It is 5.", reasoning_content=thinking).text == "It is 5."


def test_a_schema_binds_the_content_and_not_the_thinking():
    data = reply('{"a": 1}')
    data["choices"][0]["message"]["reasoning_content"] = "An object."
    assert generation(bound(SCHEMA), data, 1.0, "s").text.endswith('</think>\n\n{"a": 1}')
