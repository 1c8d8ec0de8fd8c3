"""The vLLM engine against the real server on real weights: `pytest -m vllm` where vLLM is installed.

`LOCALFAIR_TEST_WEIGHTS` names the folder of SmolLM2's GGUF. Starts a server some six times: minutes on a CPU.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.engines.base import open_engine
from localfair.engines.server import ServerFailed
from localfair.errors import PromptTooLong
from localfair.models import resolve
from localfair.models.adding import add_endpoint
from localfair.record.nouns import Constraint, Message, Request
from localfair.stages.review import expected_score
from tests.engines.asking import asked, texts
from tests.engines.stub_server import Stub, models

# the same contract as every engine's, asked of one server
from tests.engines.test_contract import (  # noqa: F401
    test_a_generation_that_nobody_finishes_asking_for_leaves_the_backend_usable,
    test_a_reply_comes_with_the_log_probability_of_each_of_its_tokens,
    test_a_reply_has_at_most_max_tokens_and_says_that_it_was_cut,
    test_a_reply_keeps_to_its_json_schema_or_the_engine_says_that_it_cannot,
    test_a_short_reply_is_there_before_the_long_ones_are,
    test_a_stop_string_ends_the_reply_and_is_not_in_it,
    test_another_sample_index_is_another_reply,
    test_another_seed_is_another_reply_and_greedy_has_no_seed,
    test_each_continuation_is_scored_by_itself,
    test_each_request_gets_one_generation_with_itself_in_it,
    test_nothing_asked_is_nothing_answered,
    test_requests_may_come_from_an_iterator,
    test_the_same_requests_get_the_same_replies,
    test_what_does_not_fit_is_refused_by_name_before_anything_is_generated,
)

pytestmark = pytest.mark.vllm
FILE = "smollm2-135m-instruct-q4_1.gguf"
DIGITS = ("1", "2", "3", "4", "5")


@pytest.fixture(scope="module")
def smollm2(request, tmp_path_factory):
    """The model and its safetensors, made from the GGUF once."""
    if "vllm" not in request.config.option.markexpr:
        pytest.skip("asked for with -m vllm")
    pytest.importorskip("vllm")
    weights = Path(os.environ.get("LOCALFAIR_TEST_WEIGHTS", "")) / FILE
    if not weights.is_file():
        pytest.skip(f"LOCALFAIR_TEST_WEIGHTS holds no {FILE}")
    from localfair.models.dequantise import dequantised

    model = resolve(str(weights), tmp_path_factory.mktemp("w"))
    return replace(model, context=512), dequantised(model, tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def running(smollm2):
    model, folder = smollm2
    backend = open_engine("vllm", model, folder=folder, batch=4)
    yield backend
    backend.close()


@pytest.fixture
def engine():
    return "vllm"


@pytest.fixture
def opened(running):
    return lambda **options: running


def session(group):
    """Every living process of a server's session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        found += [int(stat.parent.name)] if int(of) == group and state != "Z" else []
    return found


def ended(group, seconds=30):
    until = time.monotonic() + seconds
    while session(group) and time.monotonic() < until:
        time.sleep(0.1)
    return not session(group)


def scores(count=6):
    return [replace(r, action="score", continuations=DIGITS) for r in asked(count)]


# -- what it says -----------------------------------------------------------------------------------


def test_scores_are_those_of_the_transformers_engine(running, smollm2):
    model, folder = smollm2
    other = open_engine("transformers", model, folder=folder, precision="bf16", batch=4)
    mine = {g.request.about: g.logprobs for g in running.score(scores())}
    theirs = {g.request.about: g.logprobs for g in other.score(scores())}
    pairs = [p for about in theirs for p in zip(mine[about], theirs[about], strict=True)]
    apart = [abs(expected_score(mine[about]) - expected_score(theirs[about])) for about in theirs]
    away = [abs(a - b) for a, b in pairs]
    print(
        f"\nlog-probabilities, vLLM against transformers: mean {sum(away) / len(away):.4f}, most {max(away):.4f}"
    )
    print(f"expected scores, 1 to 5: mean {sum(apart) / len(apart):.4f}, most {max(apart):.4f}")
    assert max(apart) < 0.2
    # two bf16 engines, tokens of small probability: a logit of 16 is exact to an eighth
    assert sum(away) / len(away) < 0.1 and max(away) < 0.4


def test_a_vllm_that_the_user_runs_can_be_attached_to(running, tmp_path, monkeypatch):
    (own,) = running.generate(asked(1))
    key = running._server.client.key
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY", key)
    add_endpoint(running._server.url, running._served, tmp_path, name="mine")
    attached = open_engine("openai_http", resolve("mine", tmp_path), batch=2)
    (made,) = attached.generate(asked(1))
    assert (attached.engine.family, made.prompt_tokens) == ("openai_http/vllm", own.prompt_tokens)
    with pytest.raises(PromptTooLong, match="q0"):
        next(attached.generate(asked(1, max_tokens=600)))
    bound = replace(asked(1)[0], constraint=Constraint("gbnf", 'root ::= "4"'), logprobs=True)
    assert next(attached.generate([bound])).text == "4"


def test_a_prompt_is_the_same_tokens_as_in_training_and_quoting_a_control_token_ends_no_turn(
    running, smollm2
):
    from localfair.models.chat import load_tokenizer, prompt_ids

    quoted = Request(messages=(Message("user", "What is <|im_end|><|im_start|>?"),))
    ids = prompt_ids(load_tokenizer(smollm2[1]), quoted.messages)
    assert next(running.generate([quoted])).prompt_tokens == len(ids)


def test_a_score_of_several_tokens_is_what_the_prompt_has_for_them(running):
    request = replace(asked(1)[0], action="score", continuations=("twelve pens", "4"))
    (scored,) = running.score([request])
    scoring = running._scoring(request)
    for text, value in zip(scoring.texts, scored.logprobs, strict=True):
        body = {
            "model": running._asked_model(),
            "prompt": [*scoring.prompt, *text],
            "max_tokens": 1,
            "prompt_logprobs": 0,
        }
        told = running._server.client.each([_call(body)], 1)
        steps = next(told).data["choices"][0]["prompt_logprobs"][-len(text) :]
        assert sum(s[str(t)]["logprob"] for s, t in zip(steps, text, strict=True)) == pytest.approx(
            value, abs=0.1
        )


def _call(body):
    from localfair.engines.http_client import Call

    return Call("/v1/completions", body)


def test_a_constraint_binds_the_reply_and_its_log_probabilities_are_the_models_own(running):
    bound = replace(asked(1)[0], constraint=Constraint("gbnf", 'root ::= "4"'), logprobs=True)
    (made,) = running.generate([bound])
    (scored,) = running.score([replace(asked(1)[0], action="score", continuations=("4",))])
    assert made.text == "4" and len(made.logprobs) == made.completion_tokens
    assert made.logprobs[0] == pytest.approx(scored.logprobs[0], abs=0.1)


def test_an_adapter_is_served_from_the_start(smollm2, tmp_path):
    model, folder = smollm2
    adapter = lora(folder, tmp_path / "adapter")
    options = {"folder": folder, "adapter": adapter, "adapter_id": "b2:a", "batch": 4}
    mine = open_engine("vllm", model, **options)
    try:
        adapted = {g.request.about: g.logprobs for g in mine.score(scores(3))}
    finally:
        mine.close()
    other = {
        g.request.about: g.logprobs
        for g in open_engine("transformers", model, **options).score(scores(3))
    }
    plain = {
        g.request.about: g.logprobs
        for g in open_engine("transformers", model, folder=folder).score(scores(3))
    }
    near, far = (
        sum(abs(a - b) for k in adapted for a, b in zip(adapted[k], whose[k], strict=True)) / 15
        for whose in (other, plain)
    )
    print(
        f"\nwith an adapter, mean: vLLM against transformers {near:.4f}, against the base {far:.4f}"
    )
    assert near < 0.2 and far > 3 * near


def lora(folder, place):
    """A LoRA that changes every attention layer a little, at random."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tuned = get_peft_model(
        model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    )
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    tuned.save_pretrained(place)
    return place


# -- how it ends ------------------------------------------------------------------------------------


def test_a_model_that_is_not_one_is_an_error_with_the_end_of_the_log_and_leaves_nothing(
    smollm2, tmp_path
):
    (tmp_path / "config.json").write_text("{}")
    backend = open_engine("vllm", smollm2[0], folder=tmp_path)
    backend._words = lambda: pytest.importorskip("localfair.training.encode").load_tokenizer(
        smollm2[1]
    )
    with pytest.raises(ServerFailed, match="before it was ready") as failed:
        next(backend.generate(asked(1)))
    assert failed.value.problems and backend._server is None


def test_a_port_that_is_taken_is_said_to_be_and_its_owner_is_not_asked(smollm2):
    model, folder = smollm2
    taken = pytest.raises(ServerFailed, match="its port is taken")
    with Stub(lambda path, body: (200, models("other"))) as other, taken:
        port = int(other.url.rpartition(":")[2])
        next(open_engine("vllm", model, folder=folder, port=port).generate(asked(1)))
    assert all(path == "/v1/models" for path, _ in other.calls)


def test_a_server_that_is_not_ready_by_its_deadline_is_ended(smollm2, monkeypatch):
    from localfair.engines import server

    groups = []
    right = server.Server.failed
    monkeypatch.setattr(
        server.Server, "failed", lambda self, m: groups.append(self._group) or right(self, m)
    )
    with pytest.raises(ServerFailed, match="not ready after 4 s"):
        next(open_engine("vllm", smollm2[0], folder=smollm2[1], deadline=4.0).generate(asked(1)))
    assert groups and session(groups[0]) == []


PARENT = """
import sys
from pathlib import Path
from tests.engines.asking import asked
from localfair.engines.base import open_engine
from localfair.models import resolve
import dataclasses
model = dataclasses.replace(resolve(sys.argv[1], Path(sys.argv[3])), context=512)
backend = open_engine("vllm", model, folder=Path(sys.argv[2]), batch=4)
for made in backend.generate(asked(200, max_tokens=200)):
    print(backend._server._group, flush=True)
"""


def test_no_server_survives_its_parents_death_by_kill_9(smollm2, tmp_path):
    model, folder = smollm2
    command = [sys.executable, "-c", PARENT, str(model.path), str(folder), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        group = int(parent.stdout.readline())
        assert len(session(group)) >= 2
        parent.send_signal(signal.SIGKILL)
    assert ended(group)


def test_a_server_killed_with_9_is_an_error_and_the_next_request_starts_another(running):
    texts(running, asked(1))
    group = running._server._group
    begun = running.generate(asked(40, max_tokens=300))
    next(begun)
    os.kill(group, signal.SIGKILL)
    with pytest.raises(ServerFailed, match="died"):
        list(begun)
    assert ended(group)
    running.close()
    assert len(texts(running, asked(2))) == 2
    last = running._server._group
    running.close()
    assert session(last) == []
