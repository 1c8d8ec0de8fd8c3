"""The vLLM engine against the real server on real weights: `pytest -m vllm` where vLLM is installed.

`LOCALFAIR_TEST_WEIGHTS` names the folder of SmolLM2's GGUF. Starts a server some six times: minutes on a CPU.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

from localfair.engines import open_engine
from localfair.engines.http_client import Call
from localfair.engines.server import ServerFailed
from localfair.engines.vllm_engine import VllmEngine
from localfair.errors import PromptTooLong
from localfair.models import resolve
from localfair.models.adding import add_endpoint
from localfair.models.chat import load_tokenizer, prompt_ids
from localfair.record.nouns import Constraint, Message, Request
from localfair.stages.review import expected_score
from tests.engines.asking import asked, logprobs, opening, scoring, texts
from tests.engines.stub_server import Stub, models

# the same contract as every engine's, asked of one server
from tests.engines.test_contract import (  # noqa: F401
    test_a_generation_that_nobody_finishes_asking_for_leaves_the_engine_usable,
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
    engine = open_engine("vllm", model, folder=folder, batch=4)
    yield engine
    engine.close()


@pytest.fixture
def name():
    return "vllm"


@pytest.fixture
def opened(running):
    return lambda **options: running


def session(group):
    """Every living process of a server's session."""
    processes = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session_id = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session_id) == group and state != "Z":
            processes.append(stat.parent.name)
    return processes


def ended(group, seconds=30):
    until = time.monotonic() + seconds
    while session(group) and time.monotonic() < until:
        time.sleep(0.1)
    return not session(group)


def bound(text):
    """A request whose reply can only be this text, with its log-probabilities."""
    only = Constraint("gbnf", f'root ::= "{text}"')
    return replace(asked(1)[0], constraint=only, logprobs=True)


# -- what it says -----------------------------------------------------------------------------------


def test_scores_are_those_of_the_transformers_engine(running, smollm2):
    model, folder = smollm2
    reference = open_engine("transformers", model, folder=folder, precision="bf16", batch=4)
    requests = scoring(asked(6), *DIGITS)
    ours = logprobs(running, requests)
    theirs = logprobs(reference, requests)
    differences = differences_of(ours, theirs)
    print(f"\nlog-probabilities: mean {mean(differences):.4f}, most {max(differences):.4f}")
    # two bf16 engines, tokens of small probability: a logit of 16 is exact to an eighth
    assert mean(differences) < 0.1
    assert max(differences) < 0.4
    for about in theirs:
        assert abs(expected_score(ours[about]) - expected_score(theirs[about])) < 0.2


def differences_of(ours, theirs):
    """How far each log-probability of one engine is from the other's."""
    differences = []
    for about, values in ours.items():
        for value, other in zip(values, theirs[about], strict=True):
            differences.append(abs(value - other))
    return differences


def test_a_vllm_that_the_user_runs_can_be_attached_to(running, tmp_path, monkeypatch):
    (own,) = running.generate(asked(1))
    key = running._server.client.key
    monkeypatch.setenv("LOCALFAIR_ENDPOINT_KEY", key)
    add_endpoint(running._server.url, running._served, tmp_path, name="mine")
    attached = open_engine("openai_http", resolve("mine", tmp_path), batch=2)
    (generation,) = attached.generate(asked(1))
    assert attached.identity.engine == "openai_http/vllm"
    assert generation.prompt_tokens == own.prompt_tokens
    with pytest.raises(PromptTooLong, match="q0"):
        next(attached.generate(asked(1, max_tokens=600)))
    assert next(attached.generate([bound("4")])).text == "4"


def test_a_prompt_is_the_same_tokens_as_in_training_and_quoting_a_control_token_ends_no_turn(
    running, smollm2
):
    quoted = Request(messages=(Message("user", "What is <|im_end|><|im_start|>?"),))
    ids = prompt_ids(load_tokenizer(smollm2[1]), quoted.messages)
    assert next(running.generate([quoted])).prompt_tokens == len(ids)


def test_a_score_of_several_tokens_is_what_the_prompt_has_for_them(running):
    (request,) = scoring(asked(1), "twelve pens", "4")
    (scored,) = running.score([request])
    pending = running._scoring(request)
    for text, value in zip(pending.texts, scored.logprobs, strict=True):
        steps = prompt_logprobs(running, [*pending.prompt, *text])[-len(text) :]
        summed = sum(step[str(token)]["logprob"] for step, token in zip(steps, text, strict=True))
        assert summed == pytest.approx(value, abs=0.1)


def prompt_logprobs(engine, tokens):
    """What the server says of each token of a prompt."""
    body = {
        "model": engine._asked_model,
        "prompt": tokens,
        "max_tokens": 1,
        "prompt_logprobs": 0,
    }
    (answer,) = engine._server.client.each([Call("/v1/completions", body)], 1)
    return answer.data["choices"][0]["prompt_logprobs"]


def test_a_constraint_binds_the_reply_and_its_log_probabilities_are_the_models_own(running):
    (generation,) = running.generate([bound("4")])
    (scored,) = running.score(scoring(asked(1), "4"))
    assert generation.text == "4"
    assert len(generation.logprobs) == generation.completion_tokens
    assert generation.logprobs[0] == pytest.approx(scored.logprobs[0], abs=0.1)


def test_an_adapter_is_served_from_the_start(smollm2, tmp_path):
    pytest.importorskip("peft", reason="makes the adapter")
    model, folder = smollm2
    adapter = lora(folder, tmp_path / "adapter")
    options = {"folder": folder, "adapter": adapter, "adapter_id": "b2:a", "batch": 4}
    requests = scoring(asked(3), *DIGITS)
    with closing(open_engine("vllm", model, **options)) as engine:
        adapted = logprobs(engine, requests)
    reference = logprobs(open_engine("transformers", model, **options), requests)
    plain = logprobs(open_engine("transformers", model, folder=folder), requests)
    near = mean(differences_of(adapted, reference))
    far = mean(differences_of(adapted, plain))
    print(f"\nwith an adapter: {near:.4f} from transformers, {far:.4f} from the base")
    assert near < 0.2
    assert far > 3 * near


def lora(folder, path):
    """A LoRA that changes every attention layer a little, at random."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    # without the task PEFT writes the name of a class to import, and such an adapter is refused
    config = LoraConfig(
        task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]
    )
    tuned = get_peft_model(model, config)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    tuned.save_pretrained(path)
    return path


# -- how it ends ------------------------------------------------------------------------------------


def test_a_model_that_is_not_one_is_an_error_with_the_end_of_the_log_and_leaves_nothing(
    smollm2, tmp_path
):
    (tmp_path / "config.json").write_text("{}")
    model, folder = smollm2
    engine = open_engine("vllm", model, folder=tmp_path)
    engine._tokenizer = load_tokenizer(folder)
    with pytest.raises(ServerFailed, match="before it was ready") as failed:
        next(engine.generate(asked(1)))
    assert failed.value.problems
    assert engine._server is None


def test_a_port_that_is_taken_is_said_to_be_and_its_owner_is_not_asked(smollm2):
    model, folder = smollm2
    taken = pytest.raises(ServerFailed, match="its port is taken")
    with Stub(lambda path, body: (200, models("other"))) as other, taken:
        port = int(other.url.rpartition(":")[2])
        engine = VllmEngine(model, opening("vllm", model, folder), port=port)
        next(engine.generate(asked(1)))
    assert all(path == "/v1/models" for path, _ in other.calls)


@pytest.fixture
def started(tmp_path, monkeypatch):
    """The file in which the guardian and the server, as any Python started, note their process ids."""
    path = tmp_path / "started"
    noting = tmp_path / "python"
    noting.write_text(f'#!/bin/sh\necho $$ >> "{path}"\nexec "{sys.executable}" "$@"\n')
    noting.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(noting))
    return path


def test_a_server_that_is_not_ready_by_its_deadline_is_ended(smollm2, started):
    model, folder = smollm2
    engine = VllmEngine(model, opening("vllm", model, folder), deadline=4.0)
    with pytest.raises(ServerFailed, match="not ready after 4 s"):
        next(engine.generate(asked(1)))
    guardian, server = started.read_text().split()
    assert session(int(guardian)) == []
    assert session(int(server)) == []


PARENT = """
import sys
from pathlib import Path
from tests.engines.asking import asked
from localfair.engines import open_engine
from localfair.models import resolve
import dataclasses
model = dataclasses.replace(resolve(sys.argv[1], Path(sys.argv[3])), context=512)
engine = open_engine("vllm", model, folder=Path(sys.argv[2]), batch=4)
for generation in engine.generate(asked(200, max_tokens=200)):
    print(engine._server._group, flush=True)
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
