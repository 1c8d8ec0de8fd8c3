"""Prompts of the vLLM engine, which are made before any server is started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localfair.engines.vllm_engine import VllmEngine, environment
from localfair.errors import ModelError
from localfair.models.chat import ChatSettings
from localfair.record.nouns import Message, Request, Sampling
from tests import tiny
from tests.engines.asking import asked, opening

THINKING = tiny.CHATML + "{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("tiny"))


def engine_of(folder, template, **more):
    model = replace(tiny.model(path=folder), chat_template=template, **more)
    return VllmEngine(model, opening("vllm", model, folder))


@pytest.mark.parametrize(
    "template",
    ["{{ raise_exception('System role not supported') }}", "{{ 1 / 0 }}", "{{ messages[0].role }}"],
)
def test_what_a_template_refuses_is_one_line_with_a_hint_and_starts_nothing(folder, template):
    engine = engine_of(folder, template)
    with pytest.raises(ModelError, match="the chat template of tiny refuses q0") as refused:
        next(engine.generate(asked(1)))
    assert refused.value.hint
    assert engine._server is None


def test_card_and_request_say_whether_the_model_is_to_think(folder):
    engine = engine_of(folder, THINKING, settings=ChatSettings(enable_thinking=True))
    tokenizer = engine._load_tokenizer()
    texts = []
    for enable_thinking in (None, False):
        sampling = Sampling(enable_thinking=enable_thinking)
        request = Request(messages=(Message("user", "Tom"),), sampling=sampling)
        texts.append(tokenizer.decode(engine._prompt(request, 1)))
    assert [text.rpartition("\n")[2] for text in texts] == ["True", "False"]


def test_the_child_looks_for_no_name_server_and_the_users_address_stands(monkeypatch):
    monkeypatch.delenv("VLLM_HOST_IP", raising=False)
    assert environment()["VLLM_HOST_IP"] == "127.0.0.1"
    monkeypatch.setenv("VLLM_HOST_IP", "10.0.0.7")
    assert "VLLM_HOST_IP" not in environment()
