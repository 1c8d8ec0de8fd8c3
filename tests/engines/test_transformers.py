"""What the transformers engine must do, on a tiny random model."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from localfair.engines import transformers as engine
from localfair.engines.base import Engine, Scorer
from localfair.errors import PromptTooLong
from localfair.models.chat import prompt_ids
from localfair.models.loading import load_causal_lm
from localfair.record.nouns import Message, Request, Sampling
from localfair.training.encode import encode
from localfair.training.qlora import TrainSettings, train
from localfair.training.trainer import Example
from tests import tiny

DEMONSTRATIONS = " ".join(f"Tom has {i} apples and buys {i + 2} more." for i in range(20))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("base"))


def opened(base, **options):
    return engine.open(tiny.model(), folder=base, **{"precision": "fp32", "batch": 4} | options)


def asked(count=9, before="", **sampling):
    """Requests of uneven length, with seeds of their own."""
    texts = (f"{before}How many pens {'are there ' * (i % 4)}in {i} boxes?" for i in range(count))
    drawn = Sampling(**{"max_tokens": 12} | sampling)
    return [
        Request(messages=(Message("user", text),), sampling=drawn, seed=i, about=f"q{i}")
        for i, text in enumerate(texts)
    ]


def texts(backend, requests):
    return {g.request.about: g.text for g in backend.generate(requests)}


def one_at_a_time(base, requests, **options):
    """transformers' own generate, greedy: about -> (token ids up to the end of turn)."""
    model, words = load_causal_lm(base, "fp32").eval(), tiny.tokenizer()
    replies = {}
    for request in requests:
        ids = torch.tensor([prompt_ids(words, request.messages)], device=model.device)
        made = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12
        )
        replies[request.about] = words.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    return replies


def test_it_is_a_backend_and_a_scorer_whose_engine_is_known_without_weights():
    def never():
        raise AssertionError("loaded")

    backend = engine.open(tiny.model(), folder=never, adapter=Path("x"), adapter_id="a1")
    assert isinstance(backend, Engine) and isinstance(backend, Scorer)
    assert (backend.identity.engine, backend.identity.adapter) == ("transformers/bf16", "a1")
    assert list(backend.generate([])) == []


@pytest.mark.parametrize("batch", [1, 4, 16])
@pytest.mark.parametrize("before", ["", DEMONSTRATIONS], ids=["apart", "shared"])
def test_greedy_replies_are_those_of_one_request_at_a_time(base, batch, before):
    requests = asked(before=before)
    assert texts(opened(base, batch=batch), requests) == one_at_a_time(base, requests)


def test_a_shared_prefix_is_computed_once_and_changes_no_reply(base, monkeypatch):
    requests, backend, computed = asked(before=DEMONSTRATIONS), opened(base), []
    right = engine.Batch._forward

    def counted(self, ids, *rest):
        computed.append(ids.numel())
        return right(self, ids, *rest)

    monkeypatch.setattr(engine.Batch, "_forward", counted)
    shared = texts(backend, requests)
    with_sharing, computed[:] = sum(computed), []
    monkeypatch.setattr("localfair.engines.decoding.SHARED", 10**6)
    assert texts(backend, requests) == shared
    assert with_sharing < sum(computed) / 2


def test_a_sampled_reply_does_not_depend_on_its_companions(base):
    requests, backend = asked(temperature=0.9, top_p=0.95), opened(base)
    together = texts(backend, requests)
    assert len(set(together.values())) > 1
    for request in requests[::3]:
        assert texts(backend, [request])[request.about] == together[request.about]


def test_a_seed_and_a_sample_index_decide_a_sampled_reply(base):
    backend, first = opened(base), asked(1, temperature=1.0)[0]
    others = [replace(first, seed=5, about="seed"), replace(first, sample=1, about="sample")]
    drawn = texts(backend, [first, *others])
    assert len(set(drawn.values())) == 3
    assert texts(backend, [first])["q0"] == drawn["q0"]


def test_a_finished_reply_is_there_before_the_others_are(base):
    long = asked(4, max_tokens=200)
    short = replace(long[2], sampling=Sampling(max_tokens=2))
    steps = []
    backend = opened(base)
    backend._load().model.register_forward_hook(lambda *_: steps.append(1))
    first = next(backend.generate([*long[:2], short, long[3]]))
    assert first.request is short
    assert len(steps) <= 3


def test_more_requests_than_the_batch_holds_are_each_answered_once(base):
    requests = [
        replace(r, sampling=Sampling(max_tokens=1 + i % 7)) for i, r in enumerate(asked(23))
    ]
    made = list(opened(base).generate(requests))
    assert sorted(g.request.about for g in made) == sorted(r.about for r in requests)
    assert all(g.completion_tokens <= g.request.sampling.max_tokens for g in made)


def test_a_stop_string_ends_the_reply_and_is_not_in_it(base):
    backend, request = opened(base), asked(1, max_tokens=40)[0]
    whole = next(backend.generate([request]))
    stop = whole.text[8:11]
    cut = next(backend.generate([replace(request, sampling=Sampling(max_tokens=40, stop=(stop,)))]))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert (whole.finish, cut.finish) == ("length", "stop")
    assert cut.completion_tokens < whole.completion_tokens


def test_a_prompt_too_long_is_refused_by_name_before_anything_is_generated(base):
    requests = [*asked(2), replace(asked(1)[0], sampling=Sampling(max_tokens=10_000), about="q77")]
    with pytest.raises(PromptTooLong, match="q77"):
        next(opened(base).generate(requests))


def test_the_prompt_of_the_exam_is_the_prompt_of_the_lesson(base):
    request = asked(1)[0]
    made = next(opened(base).generate([request]))
    encoded = encode(tiny.tokenizer(), request.messages, "60", 512)
    assert made.prompt_tokens == len(encoded.input_ids) - encoded.supervised


def test_scores_are_the_teacher_forced_log_probabilities(base):
    words, model = tiny.tokenizer(), load_causal_lm(base, "fp32").cpu()
    messages, continuations = (Message("user", DEMONSTRATIONS),), ("4", "5", "The answer is 60.")
    request = Request(messages=messages, action="score", continuations=continuations)
    other = replace(request, messages=(Message("user", DEMONSTRATIONS + " And?"),))
    scored = {g.request.messages: g.logprobs for g in opened(base).score([request, other])}
    prompt = prompt_ids(words, messages)
    for text, logprob in zip(continuations, scored[messages], strict=True):
        ids = words(text, add_special_tokens=False).input_ids
        scores = model(torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
        expected = sum(scores[len(prompt) - 1 + i, token].item() for i, token in enumerate(ids))
        assert logprob == pytest.approx(expected, abs=1e-3)
    assert len(scored) == 2


def test_a_closed_backend_loads_again_when_asked(base):
    loads = []
    backend = opened(lambda: loads.append(1) or base)
    first = texts(backend, asked(2))
    backend.close()
    backend.close()
    assert texts(backend, asked(2)) == first
    assert len(loads) == 2


@pytest.mark.parametrize("precision", ["fp32", "bf16", "nf4"])
def test_an_adapter_says_what_it_was_taught(base, tmp_path, precision):
    messages, reply = (Message("user", "How many pens?"),), "The answer is 60."
    lesson = Example(encode(tiny.tokenizer(), messages, reply, 128), "answer")
    kept = "nf4" if precision == "nf4" else "none"
    settings = TrainSettings(
        terms=(("answer", 1.0),), rank=8, learning_rate=1e-2, epochs=80, batch_size=1, quantise=kept
    )
    train(base, [lesson], tmp_path / "a", settings)
    backend = opened(base, adapter=tmp_path / "a", adapter_id="a", precision=precision)
    made = next(backend.generate([Request(messages=messages, sampling=Sampling(max_tokens=40))]))
    assert (made.text, made.finish) == (reply, "stop")


@pytest.mark.parametrize(("top_p", "seen"), [(1.0, {0, 1, 2}), (0.85, {0, 1}), (0.5, {0})])
def test_only_the_nucleus_is_drawn_from_and_in_proportion(top_p, seen):
    logits, generator = torch.tensor([0.6, 0.3, 0.1]).log(), torch.Generator().manual_seed(0)
    sampling = Sampling(temperature=1.0, top_p=top_p)
    drawn = [engine.draw(logits, sampling, generator) for _ in range(2000)]
    assert set(drawn) == seen
    expected = 0.6 / sum((0.6, 0.3, 0.1)[i] for i in seen)
    assert drawn.count(0) / len(drawn) == pytest.approx(expected, abs=0.04)


@pytest.mark.skipif("LOCALFAIR_TEST_WEIGHTS" not in os.environ, reason="no real weights")
def test_greedy_replies_of_the_real_student_are_those_of_generate(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, file = Path(os.environ["LOCALFAIR_TEST_WEIGHTS"]), "smollm2-135m-instruct-q4_1.gguf"
    dense = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=file, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    ).eval()
    words = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    dense.save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    model = tiny.model(8192)
    model.chat_template = words.chat_template
    requests = asked(6, before=DEMONSTRATIONS, max_tokens=24)
    made = texts(engine.open(model, folder=tmp_path, precision="fp32"), requests)
    for request in requests:
        ids = torch.tensor([prompt_ids(words, request.messages)])
        whole = dense.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24
        )
        assert made[request.about] == words.decode(
            whole[0, ids.shape[1] :], skip_special_tokens=True
        )
