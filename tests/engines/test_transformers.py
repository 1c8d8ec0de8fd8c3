"""What the transformers engine must do, on a tiny random model."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from localfair.engines import Engine, Scorer, open_engine
from localfair.engines.transformers_engine import TransformersEngine
from localfair.errors import ModelError, OutOfMemory, PromptTooLong
from localfair.models.chat import prompt_ids
from localfair.models.loading import load_causal_lm
from localfair.record.nouns import Message, Request, Sampling
from localfair.training.encode import encode
from localfair.training.qlora import TrainSettings, train
from localfair.training.trainer import Example
from tests import tiny
from tests.engines.asking import asked, logprobs, opening, scoring, texts

DEMONSTRATIONS = " ".join(f"Tom has {i} apples and buys {i + 2} more." for i in range(20))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("base"))


def opened(base, **options):
    usual = {"precision": "fp32", "batch": 4}
    return open_engine("transformers", tiny.model(path=base), **usual | options)


def generated(model, tokenizer, request, max_new_tokens):
    """transformers' own greedy reply to one request, as text."""
    ids = torch.tensor([prompt_ids(tokenizer, request.messages)], device=model.device)
    whole = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=max_new_tokens,
    )
    return tokenizer.decode(whole[0, ids.shape[1] :], skip_special_tokens=True)


def one_at_a_time(base, requests):
    """about -> transformers' own greedy reply."""
    model = load_causal_lm(base, "fp32").eval()
    return {r.about: generated(model, tiny.tokenizer(), r, 12) for r in requests}


def test_it_is_an_engine_and_a_scorer_that_loads_nothing_before_it_is_asked():
    engine = opened(Path("nowhere"), precision="bf16", adapter=Path("x"), adapter_id="a1")
    assert isinstance(engine, Engine)
    assert isinstance(engine, Scorer)
    assert (engine.identity.engine, engine.identity.adapter) == ("transformers/bf16", "a1")
    assert list(engine.generate([])) == []


@pytest.mark.parametrize("batch", [1, 4, 16])
@pytest.mark.parametrize("before", ["", DEMONSTRATIONS], ids=["apart", "shared"])
def test_greedy_replies_are_those_of_one_request_at_a_time(base, batch, before):
    requests = asked(before=before)
    assert texts(opened(base, batch=batch), requests) == one_at_a_time(base, requests)


def test_a_shared_prefix_is_computed_once_and_changes_no_reply(base):
    requests = asked(before=DEMONSTRATIONS)
    engine = opened(base)
    computed = []

    def count(model, args, inputs):
        computed.append(inputs["input_ids"].numel())

    engine._load().model.register_forward_pre_hook(count, with_kwargs=True)
    together = texts(engine, requests)
    with_sharing = sum(computed)
    computed.clear()
    alone = {}
    for request in requests:
        alone |= texts(engine, [request])  # a prompt that is alone shares nothing
    assert alone == together
    assert with_sharing < sum(computed) / 2


def test_a_sampled_reply_does_not_depend_on_its_companions(base):
    requests = asked(temperature=0.9, top_p=0.95)
    engine = opened(base)
    together = texts(engine, requests)
    assert len(set(together.values())) > 1
    for request in requests[::3]:
        assert texts(engine, [request])[request.about] == together[request.about]


def test_a_seed_and_a_sample_index_decide_a_sampled_reply(base):
    engine = opened(base)
    first = asked(1, temperature=1.0)[0]
    others = [replace(first, seed=5, about="seed"), replace(first, sample=1, about="sample")]
    drawn = texts(engine, [first, *others])
    assert len(set(drawn.values())) == 3
    assert texts(engine, [first])["q0"] == drawn["q0"]


def test_a_finished_reply_is_there_before_the_others_are(base):
    long = asked(4, max_tokens=200)
    short = replace(long[2], sampling=Sampling(max_tokens=2))
    steps = []
    engine = opened(base)
    engine._load().model.register_forward_hook(lambda *_: steps.append(1))
    first = next(engine.generate([*long[:2], short, long[3]]))
    assert first.request is short
    assert len(steps) <= 3


def test_more_requests_than_the_batch_holds_are_each_answered_once(base):
    requests = []
    for i, request in enumerate(asked(23)):
        requests.append(replace(request, sampling=Sampling(max_tokens=1 + i % 7)))
    generations = list(opened(base).generate(requests))
    assert sorted(g.request.about for g in generations) == sorted(r.about for r in requests)
    assert all(g.completion_tokens <= g.request.sampling.max_tokens for g in generations)


def test_a_stop_string_ends_the_reply_and_is_not_in_it(base):
    engine = opened(base)
    request = asked(1, max_tokens=40)[0]
    whole = next(engine.generate([request]))
    stop = whole.text[8:11]
    stopping = Sampling(max_tokens=40, stop=(stop,))
    cut = next(engine.generate([replace(request, sampling=stopping)]))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert (whole.finish, cut.finish) == ("length", "stop")
    assert cut.completion_tokens < whole.completion_tokens


def test_a_prompt_too_long_is_refused_by_name_before_anything_is_generated(base):
    requests = [*asked(2), replace(asked(1)[0], sampling=Sampling(max_tokens=10_000), about="q77")]
    with pytest.raises(PromptTooLong, match="q77"):
        next(opened(base).generate(requests))


def test_the_prompt_of_the_exam_is_the_prompt_of_the_lesson(base):
    request = asked(1)[0]
    generation = next(opened(base).generate([request]))
    encoded = encode(tiny.tokenizer(), request.messages, "60", 512)
    assert generation.prompt_tokens == len(encoded.input_ids) - encoded.supervised


def test_scores_are_the_teacher_forced_log_probabilities(base):
    tokenizer = tiny.tokenizer()
    model = load_causal_lm(base, "fp32").cpu()
    messages = (Message("user", DEMONSTRATIONS),)
    continuations = ("4", "5", "The answer is 60.")
    request = Request(messages=messages, action="score", continuations=continuations, about="q0")
    other = replace(request, messages=(Message("user", DEMONSTRATIONS + " And?"),), about="q1")
    scored = logprobs(opened(base), [request, other])
    prompt = prompt_ids(tokenizer, messages)
    for text, logprob in zip(continuations, scored["q0"], strict=True):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        scores = model(torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
        expected = sum(scores[len(prompt) - 1 + i, token].item() for i, token in enumerate(ids))
        assert logprob == pytest.approx(expected, abs=1e-3)
    assert len(scored) == 2


def test_texts_that_begin_alike_after_one_prompt_are_scored_as_each_alone(base):
    messages = (Message("user", DEMONSTRATIONS),)
    texts = ("The answer is 60, and no other.", "The answer is 61.", "So: 60.")
    requests = [
        Request(messages=messages, action="score", continuations=(text,), about=text)
        for text in texts
    ]
    together = logprobs(opened(base), requests)
    for request in requests:
        [alone] = logprobs(opened(base), [request])[request.about]
        assert together[request.about] == pytest.approx([alone], abs=1e-3)


def test_a_closed_engine_loads_again_when_asked(base):
    loads = []

    def folder():
        loads.append(base)
        return base

    lazily = replace(opening("transformers", tiny.model()), folder=folder, precision="fp32")
    engine = TransformersEngine(tiny.model(), lazily)
    first = texts(engine, asked(2))
    engine.close()
    engine.close()
    assert texts(engine, asked(2)) == first
    assert len(loads) == 2


@pytest.mark.parametrize("precision", ["fp32", "bf16", "nf4"])
def test_an_adapter_says_what_it_was_taught(base, tmp_path, precision):
    messages = (Message("user", "How many pens?"),)
    reply = "The answer is 60."
    lesson = Example(encode(tiny.tokenizer(), messages, reply, 128), "answer")
    settings = TrainSettings(
        terms=(("answer", 1.0),),
        rank=8,
        learning_rate=1e-2,
        epochs=80,
        batch_size=1,
        quantise="nf4" if precision == "nf4" else "none",
    )
    train(base, [lesson], tmp_path / "a", settings)
    engine = opened(base, adapter=tmp_path / "a", adapter_id="a", precision=precision)
    request = Request(messages=messages, sampling=Sampling(max_tokens=40))
    generation = next(engine.generate([request]))
    assert (generation.text, generation.finish) == (reply, "stop")


@pytest.mark.parametrize(
    "template",
    ["{{ raise_exception('System role not supported') }}", "{{ 1 / 0 }}", "{{ messages[0].role }}"],
)
def test_what_a_template_refuses_is_one_line_with_a_hint(base, template):
    model = replace(tiny.model(path=base), chat_template=template)
    engine = open_engine("transformers", model, precision="fp32")
    with pytest.raises(ModelError, match="the chat template of tiny") as refused:
        next(engine.generate(asked(1)))
    assert refused.value.hint
    assert "\n" not in refused.value.message


@pytest.mark.skipif("LOCALFAIR_TEST_WEIGHTS" not in os.environ, reason="no real weights")
def test_greedy_replies_of_the_real_student_are_those_of_generate(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder = Path(os.environ["LOCALFAIR_TEST_WEIGHTS"])
    file = "smollm2-135m-instruct-q4_1.gguf"
    dense = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=file, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    dense.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = replace(tiny.model(8192, tmp_path), chat_template=tokenizer.chat_template)
    requests = asked(6, before=DEMONSTRATIONS, max_tokens=24)
    replies = texts(open_engine("transformers", model, precision="fp32"), requests)
    for request in requests:
        assert replies[request.about] == generated(dense, tokenizer, request, 24)


# -- short of memory, and requests that fail alone ----------------------------------------------------


def short_of_memory(engine, most, error):
    """Have the model raise for more than `most` rows at once; the sizes that it was asked for."""
    sizes = []

    def check(model, args, inputs):
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > most:
            raise error

    engine._load().model.register_forward_pre_hook(check, with_kwargs=True)
    return sizes


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("can't allocate memory"),
    ],
)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_fewer_go_on_where_memory_is_short_and_every_reply_is_the_same(
    base, error, temperature, capsys
):
    requests = asked(9, temperature=temperature)
    whole = texts(opened(base), requests)
    engine = opened(base, batch=8)
    sizes = short_of_memory(engine, 2, error)
    assert texts(engine, requests) == whole
    assert max(sizes) > 2
    sizes.clear()
    assert texts(engine, requests) == whole
    assert max(sizes) <= 2
    assert capsys.readouterr().err.count("too little memory") == 1


def test_scores_go_on_with_fewer_too(base):
    requests = scoring(asked(6), " five", " six")
    whole = logprobs(opened(base), requests)
    engine = opened(base, batch=8)
    short_of_memory(engine, 2, torch.OutOfMemoryError("CUDA out of memory"))
    again = logprobs(engine, requests)
    assert again.keys() == whole.keys()
    for about, values in whole.items():
        assert again[about] == pytest.approx(values, abs=1e-4)


def test_one_sequence_that_is_too_much_ends_in_a_line_and_another_error_is_raised(base):
    engine = opened(base)
    short_of_memory(engine, 0, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(OutOfMemory, match="one sequence at a time"):
        texts(engine, asked(3))
    engine = opened(base)
    short_of_memory(engine, 0, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        texts(engine, asked(3))


def test_a_request_that_fails_alone_is_handed_over_and_the_others_are_answered(base):
    failures = []
    engine = opened(
        base, failed=lambda request, error: failures.append((request.about, type(error)))
    )
    first, other, last = asked(3)
    long = replace(other, sampling=Sampling(max_tokens=10_000))
    assert texts(engine, [first, long, last]).keys() == {"q0", "q2"}
    assert failures == [("q1", PromptTooLong)]
