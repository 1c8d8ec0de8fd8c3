"""Thinking shows in a reply's text, whoever wrote its tags, in every engine that renders a prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localfair.engines import engine_named, open_engine
from localfair.engines.thinking import hidden_ids, thinking_tokens, with_opening
from localfair.record.nouns import Constraint, Generation, Message, Request
from localfair.tasks.reply import split_reply
from tests.engines.asking import asked, opening

tiny = pytest.importorskip("tests.tiny")
tiny_gguf = pytest.importorskip("tests.tiny_gguf")

OPENS = tiny.CHATML.replace("assistant\n' }}", "assistant\n<think>\n' }}")
DONE = tiny.CHATML.replace("<|im_end|>", "<|done|>")
SPECIAL = ("[THINK]", "[/THINK]", "<|done|>")
LOCAL = ("transformers", "llama_cpp", "xllamacpp")


def generation(text, **request):
    asks = Request(messages=(Message("user", "How many?"),), **request)
    return Generation(
        request=asks,
        text=text,
        finish="stop",
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.0,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`made(says)`: the folder and the GGUF of a model that says one token for ever, or anything."""
    models = {}

    def make(says=""):
        if says not in models:
            folder = tiny.build(tmp_path_factory.mktemp("says"), special=SPECIAL, says=says)
            models[says] = folder, tiny_gguf.write(folder, folder / "tiny.gguf")
        return models[says]

    return make


@pytest.fixture(params=LOCAL)
def reply(request, made):
    """`reply(says, template)`: what each engine replies."""
    name = request.param
    if not engine_named(name).installed:
        pytest.skip(f"{name} is not installed")
    engines = []

    def replied(says="", template=tiny.CHATML, **sampling):
        folder, path = made(says)
        model = tiny_gguf.model(path, template)
        if name == "transformers":
            model = replace(tiny.model(path=folder), chat_template=template)
        engine = open_engine(name, model, precision="fp32", batch=2, threads=1)
        engines.append(engine)
        (answer,) = engine.generate(asked(1, max_tokens=5, **sampling))
        return answer

    yield replied
    for engine in engines:
        engine.close()


def test_a_tag_that_the_template_opened_stands_before_the_reply(reply):
    answer = reply(template=OPENS)
    assert answer.text.startswith("<think>\n")
    assert answer.completion_tokens <= 5
    assert split_reply(answer.text).answer is None
    assert not reply().text.startswith("<think>")


def test_tags_that_are_control_tokens_stay_in_the_reply(reply):
    assert reply("[THINK]").text == "[THINK]" * 5
    assert reply("[/THINK]", OPENS).text == "<think>\n" + "[/THINK]" * 5


def test_other_control_tokens_are_no_text(reply):
    answer = reply("<|done|>")
    assert (answer.text, answer.finish) == ("", "length")


def test_a_reply_ends_at_the_token_that_the_template_ends_a_turn_with(reply):
    answer = reply("<|done|>", DONE)
    assert (answer.text, answer.finish) == ("", "stop")
    assert answer.completion_tokens <= 1


def test_a_bound_reply_does_not_think():
    bound = generation("[4]", constraint=Constraint("grammar", 'root ::= "[4]"'))
    assert with_opening(bound, "assistant\n<think>\n") is bound
    assert with_opening(generation("4?"), "assistant\n<think>\n").text == "<think>\n4?"


def test_of_special_tokens_a_reply_shows_those_that_mark_thinking():
    words = tiny.tokenizer(special=SPECIAL)
    shown = words.convert_tokens_to_ids(["[THINK]", "[/THINK]"])
    hidden = words.convert_tokens_to_ids(["<|im_end|>", "<|done|>"])
    assert hidden_ids(words).issuperset(hidden)
    assert hidden_ids(words).isdisjoint(shown)
    assert thinking_tokens(["<|im_end|>", "<|channel|>", "◁think▷"]) == ("<|channel|>", "◁think▷")


def test_vllm_writes_control_tokens_where_they_mark_thinking(made, tmp_path):
    from localfair.engines.vllm_engine import VllmEngine

    folder, _ = made()
    plain = tiny.build(tmp_path)
    asks = asked(1)[0]
    for path, asked_for in ((folder, False), (plain, None)):
        model = replace(tiny.model(path=path), chat_template=OPENS)
        engine = VllmEngine(model, opening("vllm", model, path))
        assert engine._completion(asks).body.get("skip_special_tokens") is asked_for
    (engine, prompt) = engine_and_prompt(folder, asks)
    raw = replace(generation("4?[/THINK]<|done|>Five."), request=asks)
    assert engine._with_thinking(raw, prompt).text == "<think>\n4?[/THINK]Five."


def engine_and_prompt(folder, request):
    from localfair.engines.vllm_engine import VllmEngine

    model = replace(tiny.model(path=folder), chat_template=OPENS)
    engine = VllmEngine(model, opening("vllm", model, folder))
    return engine, engine._prompt(request, 1)
