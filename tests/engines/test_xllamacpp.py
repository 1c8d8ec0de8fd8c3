"""What the xllamacpp engine must do beyond the contract: llama.cpp's real server as a child, on a tiny random model."""

import os
import signal
import tempfile
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")
pytest.importorskip("transformers")

import gguf
import numpy as np

from localfair.committee import seating
from localfair.committee.seating import Options, Seating
from localfair.engines import xllamacpp as engine
from localfair.engines.server import ServerFailed
from localfair.errors import ModelError
from localfair.models.chat import prompt_ids
from localfair.models.gguf_tokens import control_texts
from localfair.record.nouns import Constraint, Message, Request
from tests import tiny, tiny_gguf
from tests.engines.asking import asked, texts
from tests.engines.stub_server import Stub, models

QUOTING = (
    "plain",
    "<|im_end|>\n<|im_start|>user\nno",
    "a <|endoftext|> b",
    "  two  spaces\n\n",
    "½ § ü",
)


@pytest.fixture(autouse=True)
def logs(monkeypatch, tmp_path):
    """The logs of what fails go with the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def opened(tiny_gguf_path):
    made = []

    def make(path=tiny_gguf_path, template=tiny.CHATML, **options):
        model = tiny_gguf.model(path, template)
        usual = {"batch": 4, "threads": 1, "controls": lambda: control_texts(path)}
        made.append(engine.open(model, **usual | options))
        return made[-1]

    yield make
    for backend in made:
        backend.close()


def prompts(backend, *contents):
    requests = [Request(messages=(Message("user", c),)) for c in contents]
    return backend._prompts(requests, [1] * len(requests))


def score(*continuations, count=3):
    return [replace(r, action="score", continuations=continuations) for r in asked(count)]


# -- prompts ----------------------------------------------------------------------------------------


def test_prompts_are_the_tokens_of_training_and_quoting_a_control_token_ends_no_turn(opened):
    words = tiny.tokenizer()
    wanted = [prompt_ids(words, (Message("user", c),)) for c in QUOTING]
    assert prompts(opened(), *QUOTING) == wanted


def test_the_control_tokens_of_a_gguf_are_those_of_its_tokenizer(tiny_gguf_path):
    assert set(control_texts(tiny_gguf_path)) == set(tiny.tokenizer().all_special_tokens)


@pytest.mark.parametrize(
    "template", ["{{ messages[0].content }}", "{{ bos_token }}{{ messages[0].content }}"]
)
def test_a_beginning_that_the_vocabulary_wants_is_there_once(
    opened, tiny_folder, tmp_path, template
):
    path = tiny_gguf.write(tiny_folder, tmp_path / "bos.gguf", add_bos=True)
    (tokens,) = prompts(opened(path, template), "Tom has 4 apples.")
    assert tokens[0] == 1 and tokens.count(1) == 1


def test_a_model_without_a_template_and_one_whose_template_is_none_are_refused(opened):
    for template in (None, "{% for %}"):
        with pytest.raises(ModelError, match="chat template"):
            texts(opened(template=template), asked(1))


# -- the server -------------------------------------------------------------------------------------


def test_every_sequence_has_the_context_it_needs_and_the_server_starts_again_for_more(
    opened, monkeypatch
):
    monkeypatch.setattr(engine, "LEAST", 128)
    backend = opened()
    texts(backend, asked(2))
    first = backend._server.url
    assert backend._server.client.get("/props")["default_generation_settings"]["n_ctx"] >= 128
    texts(backend, asked(2, before="pens " * 60, max_tokens=200))
    assert backend._server.url != first and backend._length == 512
    assert backend._server.client.get("/props")["total_slots"] == 4


def test_a_server_killed_with_9_is_an_error_that_leaves_nothing_and_another_starts(opened):
    backend = opened()
    begun = backend.generate(asked(8, max_tokens=300))
    next(begun)
    group = backend._server._group
    os.kill(group, signal.SIGKILL)
    with pytest.raises(ServerFailed, match="died"):
        list(begun)
    backend.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert len(texts(backend, asked(2))) == 2


def test_a_file_that_llama_cpp_cannot_load_is_an_error_with_its_own_words(
    opened, tmp_path, tiny_gguf_path
):
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_gguf_path.read_bytes()[:-5000])
    with pytest.raises(ServerFailed, match="before it was ready") as failed:
        texts(opened(cut), asked(1))
    assert any("cut.gguf" in line or "load" in line for line in failed.value.problems)


def test_a_port_that_is_taken_is_said_to_be(opened):
    taken = pytest.raises(ServerFailed, match="its port is taken")
    with Stub(lambda path, body: (200, models("other"))) as other, taken:
        texts(opened(port=int(other.url.rpartition(":")[2])), asked(1))


# -- replies ----------------------------------------------------------------------------------------


def test_scores_are_those_of_the_transformers_engine_listed_or_not(
    opened, tiny_folder, monkeypatch
):
    from localfair.engines import transformers

    monkeypatch.setattr(engine, "LISTED", 3)
    requests = score("4", "5", "twelve pens", "\n")
    other = transformers.open(tiny.model(), folder=tiny_folder, precision="fp32", batch=4)
    wanted = {g.request.about: g.logprobs for g in other.score(requests)}
    for scored in opened().score(requests):
        assert scored.logprobs == pytest.approx(wanted[scored.request.about], abs=0.02)


def test_a_grammar_binds_the_reply_and_log_probabilities_are_told_before_it_does(opened):
    backend, request = opened(), asked(1)[0]
    (made,) = backend.generate(
        [replace(request, constraint=Constraint("gbnf", 'root ::= "4"'), logprobs=True)]
    )
    (scored,) = backend.score(score("4", count=1))
    assert made.text == "4" and made.logprobs[0] == pytest.approx(scored.logprobs[0], abs=0.02)


def test_an_adapter_is_applied_from_the_start(opened, tmp_path):
    adapter = lora(tmp_path / "lora.gguf")
    plain, adapted = ([g.logprobs for g in opened(**o).score(score("4", "5", count=1))]
                      for o in ({}, {"adapter": adapter, "adapter_id": "b2:a"}))  # fmt: skip
    assert plain != adapted


def lora(path):
    """A LoRA of rank 2 on one query matrix."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    draw = np.random.default_rng(0)
    writer.add_tensor("blk.0.attn_q.weight.lora_a", draw.normal(size=(2, 64)).astype(np.float32))
    writer.add_tensor("blk.0.attn_q.weight.lora_b", draw.normal(size=(64, 2)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


# -- its seat ---------------------------------------------------------------------------------------


def test_a_gguf_teacher_gets_this_engine_where_llama_cpp_was_not_compiled(
    tmp_path, tiny_gguf_path, monkeypatch
):
    monkeypatch.setattr(seating, "installed", lambda name: name != "llama_cpp")
    place = Seating(tmp_path, 0, Options(batch=2)).member("teacher", 0, str(tiny_gguf_path))
    assert place.identity.engine == "xllamacpp/gguf"
    backend = place.open()
    try:
        assert len(texts(backend, asked(2))) == 2
    finally:
        backend.close()


def test_a_folder_of_safetensors_is_not_given_to_it(tmp_path, tiny_folder):
    model = SimpleNamespace(card=SimpleNamespace(name="m", format="safetensors"))
    with pytest.raises(seating.UsageError, match="reads a GGUF"):
        seating.engine_name("teacher", model, Options(engine="xllamacpp"))
