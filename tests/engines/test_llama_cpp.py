"""What the llama.cpp engine must do beyond the contract, on a tiny random model."""

import os
from dataclasses import replace

import pytest

pytest.importorskip("llama_cpp")
pytest.importorskip("gguf")
pytest.importorskip("transformers")

from localfair.engines import llama_context
from localfair.engines import llama_cpp as engine
from localfair.errors import CorruptWeights, EngineDied, EngineError, ModelError
from localfair.models.chat import prompt_ids
from localfair.record.nouns import Constraint, Message, Request
from tests import tiny, tiny_gguf
from tests.engines.asking import asked, texts

PLAIN = "{{ messages[0].content }}"
DEMONSTRATIONS = " ".join(f"Tom has {i} apples." for i in range(20))


@pytest.fixture
def backend(tiny_gguf_path):
    made = engine.open(tiny_gguf.model(tiny_gguf_path), batch=4, threads=1)
    yield made
    made.close()


@pytest.fixture
def exact(monkeypatch):
    """An f32 cache and plain attention, whose rounding does not depend on the other sequences."""
    usual = llama_context._params

    def params(*given):
        made = usual(*given)
        made.flash_attn_type = made.type_k = made.type_v = 0  # off, f32, f32
        return made

    monkeypatch.setattr(llama_context, "_params", params)


def scored(backend, *continuations, count=6):
    requests = [
        replace(r, action="score", continuations=continuations)
        for r in asked(count, before=DEMONSTRATIONS)
    ]
    return {g.request.about: g.logprobs for g in backend.score(requests)}


def test_scores_are_those_of_the_transformers_engine(backend, exact, tiny_folder):
    from localfair.engines import transformers

    other = transformers.open(tiny.model(), folder=tiny_folder, precision="fp32", batch=4)
    texts = ("4", "5", "The answer is 60.", " and so it is")
    mine, theirs = scored(backend, *texts), scored(other, *texts)
    assert mine.keys() == theirs.keys() and len(mine) == 6
    assert all(mine[about] == pytest.approx(theirs[about], abs=1e-2) for about in mine)


def test_a_shared_beginning_and_a_chunked_prompt_change_no_score(
    tiny_gguf_path, exact, monkeypatch
):
    alone = engine.open(tiny_gguf.model(tiny_gguf_path), batch=1, threads=1)
    expected = {
        about: s
        for i in range(6)
        for about, s in scored(alone, "4", "The answer is 60.", count=i + 1).items()
    }
    monkeypatch.setattr(llama_context, "PROMPT_CHUNK", 24)
    together = scored(
        engine.open(tiny_gguf.model(tiny_gguf_path), batch=4, threads=1), "4", "The answer is 60."
    )
    assert all(together[about] == pytest.approx(expected[about], abs=1e-2) for about in expected)


def test_a_bound_greedy_digit_is_the_likeliest_and_its_log_probability_the_models_own(
    backend, exact
):
    digits = ("1", "2", "3", "4", "5")
    request = replace(asked(1)[0], logprobs=True, constraint=Constraint("gbnf", "root ::= [1-5]"))
    made = next(backend.generate([request]))
    scores = next(
        backend.score([replace(asked(1)[0], action="score", continuations=digits)])
    ).logprobs
    assert made.text == digits[scores.index(max(scores))]
    assert made.logprobs[0] == pytest.approx(max(scores), abs=1e-2)


def test_a_constraint_that_is_no_grammar_is_refused_in_words(backend):
    broken = replace(asked(1)[0], constraint=Constraint("gbnf", "root ::= ("))
    with pytest.raises(EngineError, match="grammar"):
        list(backend.generate([broken]))
    assert len(texts(backend, asked(2))) == 2


def test_a_grammar_binds_a_reply(backend):
    request = replace(asked(1)[0], constraint=Constraint("gbnf", 'root ::= "[" [1-5] "]"'))
    made = next(backend.generate([request]))
    assert made.text in {f"[{n}]" for n in range(1, 6)} and made.finish == "stop"


def prompted(path, template, *contents):
    backend = engine.open(tiny_gguf.model(path, template), threads=1)
    backend._load()
    return [backend._prompt_tokens(Request(messages=(Message("user", c),))) for c in contents]


def test_greedy_replies_are_those_of_the_transformers_engine(backend, exact, tiny_folder):
    from localfair.engines import transformers

    other = transformers.open(tiny.model(), folder=tiny_folder, precision="fp32", batch=4)
    assert texts(backend, asked()) == texts(other, asked())


def test_a_sampled_reply_depends_on_its_companions_by_rounding_alone(backend, exact):
    requests = asked(temperature=0.9, top_p=0.95, max_tokens=40)
    together = texts(backend, requests)
    for request in requests[::3]:
        assert texts(backend, [request])[request.about] == together[request.about]


def test_a_shared_beginning_is_read_once_and_changes_no_reply(backend, exact, monkeypatch):
    requests, read = asked(before=DEMONSTRATIONS), []
    right = llama_context.Context._add
    monkeypatch.setattr(
        llama_context.Context, "_add", lambda *a, **k: read.append(1) or right(*a, **k)
    )
    shared, with_sharing = texts(backend, requests), len(read)
    monkeypatch.setattr(engine, "SHARED", 10**6)
    assert texts(backend, requests) == shared
    assert with_sharing < (len(read) - with_sharing) / 2


def test_two_beginnings_in_turn_are_each_read_once(backend, monkeypatch):
    pairs = zip(asked(6, before=DEMONSTRATIONS), asked(6, before=DEMONSTRATIONS[::-1]), strict=True)
    requests = [replace(r, about=f"{r.about}{i}") for pair in pairs for i, r in enumerate(pair)]
    copied = []
    right = llama_context.Context.copy
    monkeypatch.setattr(llama_context.Context, "copy", lambda *a: copied.append(a[1:]) or right(*a))
    assert len(texts(backend, requests)) == 12
    assert len(copied) >= 3


def test_the_last_sequences_close_up_and_a_copied_reply_goes_on_as_it_would_have(
    backend, exact, monkeypatch
):
    """A gap in the sequence ids cuts a step in pieces; some replies are short, so that gaps come where none wait."""
    requests = [
        replace(r, sampling=replace(r.sampling, max_tokens=4 + 9 * (i % 3)))
        for i, r in enumerate(asked(10))
    ]
    steps = []
    right = llama_context.Context.step
    monkeypatch.setattr(
        llama_context.Context,
        "step",
        lambda self, s: steps.append([one.sequence for one in s]) or right(self, s),
    )
    closed = texts(backend, requests)
    last = steps[max(i for i, ids in enumerate(steps) if len(ids) == 4) + 1 :]
    assert len(last) > 3 and all(ids == list(range(len(ids))) for ids in last)
    steps.clear()
    monkeypatch.setattr(engine, "_closed_up", lambda context, running: running)
    assert texts(backend, requests) == closed
    assert any(ids != list(range(len(ids))) for ids in steps)


@pytest.mark.parametrize(
    "text", ["a <|im_end|> b", "<|<|im_end|>im_end|>", "<|endoftext|><|im_start|>", "né 漢 🙂\n"]
)
def test_a_prompt_is_the_same_tokens_as_in_training_and_quoting_ends_no_turn(tiny_gguf_path, text):
    (tokens,) = prompted(tiny_gguf_path, tiny.CHATML, text)
    assert tokens == prompt_ids(tiny.tokenizer(), (Message("user", text),))
    assert [t for t in tokens if t < 3] == [1, 2, 1]


@pytest.mark.parametrize("template", [PLAIN, "{{ bos_token }}" + PLAIN])
def test_a_text_begins_once_where_the_model_wants_it(tiny_folder, tmp_path, template):
    path = tiny_gguf.write(tiny_folder, tmp_path / "bos.gguf", add_bos=True)
    (tokens,) = prompted(path, template, "Tom")
    assert [t for t in tokens if t < 3] == tokens[:1] == [1]


def test_nothing_is_put_before_a_text_where_the_model_wants_nothing(tiny_gguf_path):
    (tokens,) = prompted(tiny_gguf_path, PLAIN, "Tom")
    assert min(tokens) > 2


@pytest.mark.parametrize("most", range(1, 9))
def test_a_reply_cut_within_a_character_is_still_text(backend, most):
    for made in backend.generate(asked(4, max_tokens=most)):
        assert made.text.encode().decode() == made.text


@pytest.mark.parametrize(
    ("template", "error"),
    [
        (None, ModelError),
        ("{% if %}", ModelError),
        ("{{ raise_exception('no system message') }}", EngineError),
        ("{{ messages[7].content }}", EngineError),
    ],
)
def test_a_template_that_cannot_be_used_is_said_so_with_a_hint(tiny_gguf_path, template, error):
    with pytest.raises(error, match=r"tiny has no chat template|chat template of tiny") as refused:
        next(engine.open(tiny_gguf.model(tiny_gguf_path, template), threads=1).generate(asked(1)))
    assert refused.value.hint


def test_a_file_that_llama_cpp_cannot_load_is_corrupt_and_llama_cpp_says_why(
    tmp_path, tiny_gguf_path, capfd
):
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_gguf_path.read_bytes()[:-5000])
    with pytest.raises(CorruptWeights, match=r"cut\.gguf: .+"):
        next(engine.open(tiny_gguf.model(cut), threads=1).generate(asked(1)))
    assert capfd.readouterr() == ("", "")


def test_nothing_is_written_to_stderr(backend, capfd):
    texts(backend, asked(3, max_tokens=100))
    assert capfd.readouterr() == ("", "")


def test_fewer_sequences_run_together_where_memory_is_short(backend, monkeypatch):
    right, tried = engine.low.llama_init_from_model, []

    def short(model, params):
        tried.append(params.n_seq_max)
        return right(model, params) if params.n_seq_max <= 1 else None

    monkeypatch.setattr(engine.low, "llama_init_from_model", short)
    assert len(texts(backend, asked())) == 9
    assert tried == [4, 2, 1]
    monkeypatch.setattr(engine.low, "llama_init_from_model", lambda *_: None)
    with pytest.raises(EngineDied):
        texts(backend, asked())


def test_a_generation_left_early_frees_all_it_had(backend, monkeypatch):
    counted = []
    for name in (
        "llama_sampler_chain_init",
        "llama_sampler_free",
        "llama_init_from_model",
        "llama_free",
    ):
        right = getattr(engine.low, name)
        counting = lambda *a, name=name, right=right: counted.append(name) or right(*a)  # noqa: E731
        monkeypatch.setattr(engine.low, name, counting)
    bound = Constraint("gbnf", "root ::= [a-z]+")  # one that llama.cpp's own samplers follow
    begun = backend.generate(replace(r, constraint=bound) for r in asked(9, max_tokens=3))
    next(begun)
    begun.close()
    assert counted.count("llama_sampler_chain_init") == counted.count("llama_sampler_free") >= 4
    assert counted.count("llama_init_from_model") == counted.count("llama_free") == 1


def test_a_backend_closed_while_it_generates_says_so(backend):
    begun = backend.generate(asked(9, max_tokens=3))
    next(begun)
    backend.close()
    with pytest.raises(EngineDied, match="closed"):
        next(begun)
    assert len(texts(backend, asked(2))) == 2


def test_as_many_threads_as_cores_unless_told(backend, tiny_gguf_path):
    assert backend._threads == 1
    assert 1 <= engine.open(tiny_gguf.model(tiny_gguf_path))._threads <= os.cpu_count()
