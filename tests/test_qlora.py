"""What must hold of training, whatever the model."""

import json
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from localfair.errors import DiskFull, TrainingError
from localfair.lessons import Encoded, contrast, encode
from localfair.losses import IGNORE
from localfair.records import Message
from localfair.training.batches import Batches, by_length, one_a_question
from localfair.training.checkpoints import last_checkpoint
from localfair.training.qlora import TrainSettings, train
from localfair.training.soft_labels import soften
from localfair.training.term_trainer import Example, TermTrainer, collate
from localfair.training.weights import ADAPTER_FILE, load_causal_lm, with_adapter
from tests import tiny

FAIR = (("feedback", 0.5), ("rationale", 0.5))
SETTINGS = TrainSettings(
    terms=FAIR, rank=4, alpha=8, learning_rate=1e-2, epochs=2, batch_size=8, quantise="none", compute="fp32"
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def lessons():
    """Sixteen of uneven length; in the first eight, one feedback: most micro-batches have none."""
    words, made = tiny.tokenizer(), []
    for i in range(16):
        prompt = (Message("user", f"How many pens are there in {i} boxes?"),)
        encoded = encode(words, prompt, "There are " + "12 pens and " * (i % 5) + f"{i}.", 256)
        made.append(Example(encoded, "feedback" if i % 5 == 0 else "rationale"))
    return made


def losses(result):
    return [loss for _, loss, _ in result.curve]


def weights(folder):
    return load_file(folder / ADAPTER_FILE)


def apart(one, other):
    return max((one[name] - other[name]).abs().max().item() for name in one)


def test_eight_micro_batches_of_one_equal_one_batch_of_eight(base, lessons, tmp_path):
    one = train(base, lessons, tmp_path / "1x8", SETTINGS)
    many = train(base, lessons, tmp_path / "8x1", replace(SETTINGS, batch_size=1, accumulation=8))
    assert losses(many) == pytest.approx(losses(one), rel=1e-4)
    assert apart(weights(tmp_path / "1x8"), weights(tmp_path / "8x1")) < 1e-4


KD = (("rationale", 0.7), ("kl", 0.3))
TAILORED = (("lm", 1.0), ("triplet", 0.5))


@pytest.fixture(scope="module")
def taught(base, lessons):
    """The lessons with a mentor's soft labels (top 5), and those of three questions in two with a contrast."""
    mentor = load_causal_lm(tiny.build(base.parent / "mentor", seed=3), "fp32").eval()
    labels = soften(mentor, [one.encoded for one in lessons], k=5, vocabulary=300, tau=2.0)
    words, made = tiny.tokenizer(), []
    for i, (one, soft) in enumerate(zip(lessons, labels, strict=True)):
        texts = (f"There are {i}.", "12 " * (i % 3 + 1) + f"makes {i}.", "I do not know.")
        beside = contrast(words, (Message("user", f"How many pens in {i % 4} boxes?"),), texts, 64)
        made.append(replace(one, term="rationale", soft=soft, contrast=beside if i % 3 else None, question=str(i % 4)))
    return made


def learning(taught, terms):
    """The lessons as a loss of these terms takes them."""
    return [replace(one, term="lm", prompt_weight=0.1) for one in taught] if terms == TAILORED else taught


@pytest.mark.parametrize("terms", [KD, TAILORED], ids=["mentor-kd", "tailored"])
def test_every_terms_mean_is_over_the_whole_window(base, taught, tmp_path, terms):
    rows, settings = learning(taught, terms), replace(SETTINGS, terms=terms, tau=2.0, vocabulary=300)
    one = train(base, rows, tmp_path / "1x8", settings)
    many = train(base, rows, tmp_path / "8x1", replace(settings, batch_size=1, accumulation=8))
    assert losses(many) == pytest.approx(losses(one), rel=1e-4)
    assert apart(weights(tmp_path / "1x8"), weights(tmp_path / "8x1")) < 1e-3  # a step is 1e-2


def state_by_hand(model, contrast, reply):
    return model.model(input_ids=torch.tensor([[*contrast.prompt, *reply]])).last_hidden_state[0, -1]


def test_tailoreds_loss_is_l_lm_plus_half_of_l_cl(base, taught, tmp_path):
    """Float64, by hand, the adapter still zero: every token counts one, the prompt's weigh 0.1."""
    model, total, tokens, distances = load_causal_lm(base, "fp32").double().cpu().eval(), 0.0, 0, []
    for one in taught:
        scores = model(torch.tensor([one.encoded.input_ids])).logits[0].log_softmax(-1)
        for at in range(1, len(one.encoded.input_ids)):
            factor = 0.1 if one.encoded.labels[at] == IGNORE else 1.0
            total, tokens = total - factor * scores[at - 1, one.encoded.input_ids[at]].item(), tokens + 1
        if c := one.contrast:
            a, p, n = (state_by_hand(model, c, reply) for reply in (c.anchor, c.positive, c.negative))
            near, far = torch.cosine_similarity(a, p, dim=0), torch.cosine_similarity(a, n, dim=0)
            distances.append(max(0.0, 1 - near.item() + far.item()))
    expected = total / tokens + 0.5 * sum(distances) / len(distances)
    result = train(base, learning(taught, TAILORED), tmp_path, replace(SETTINGS, terms=TAILORED, accumulation=2))
    assert losses(result)[0] == pytest.approx(expected, rel=1e-5) and 0 < len(distances) < len(taught)


def test_mentor_kds_loss_is_the_weighted_sum_of_ce_and_divergence(base, taught, tmp_path):
    model, ce, kl, tokens = load_causal_lm(base, "fp32").double().cpu().eval(), 0.0, 0.0, 0
    for one in taught:
        logits = model(torch.tensor([one.encoded.input_ids])).logits[0]
        at = [i for i, label in enumerate(one.encoded.labels) if label != IGNORE]
        before, wanted = logits[[i - 1 for i in at]], torch.tensor([one.encoded.labels[i] for i in at])
        ce -= before.log_softmax(-1)[range(len(at)), wanted].sum().item()
        p = (before[:, :300] / 2).softmax(-1)
        indices, logprobs = one.soft.tensors()
        q = logprobs.double().softmax(-1)
        seen = p.gather(1, indices)
        outcomes = torch.cat([seen, 1 - seen.sum(1, keepdim=True)], dim=1)
        kl, tokens = kl + (q * (q.log() - outcomes.log())).sum().item(), tokens + len(at)
    settings = replace(SETTINGS, terms=KD, tau=2.0, vocabulary=300, accumulation=2)
    result = train(base, taught, tmp_path, settings)
    assert losses(result)[0] == pytest.approx(0.7 * ce / tokens + 0.3 * kl / tokens, rel=1e-5)


def test_the_loss_is_that_of_the_terms_over_the_window(base, lessons, tmp_path):
    """Float64, by hand: the two means of the sixteen lessons in one window, the adapter still zero."""
    model = load_causal_lm(base, "fp32").double().cpu()
    sums, counts = {"feedback": 0.0, "rationale": 0.0}, {"feedback": 0, "rationale": 0}
    for lesson in lessons:
        scores = model(torch.tensor([lesson.encoded.input_ids])).logits[0].log_softmax(-1)
        for at, label in enumerate(lesson.encoded.labels):
            if label != IGNORE:
                sums[lesson.term] -= scores[at - 1, label].item()
                counts[lesson.term] += 1
    expected = 0.3 * sums["feedback"] / counts["feedback"] + 0.7 * sums["rationale"] / counts["rationale"]
    settings = replace(SETTINGS, terms=(("feedback", 0.3), ("rationale", 0.7)), accumulation=8, batch_size=2)
    result = train(base, lessons, tmp_path, settings)
    assert losses(result)[0] == pytest.approx(expected, rel=1e-5)
    assert result.supervised_tokens == sum(counts.values())


@pytest.mark.parametrize("stops_at", [2, 3, 5])
def test_a_resumed_training_equals_an_uninterrupted_one(base, lessons, tmp_path, stops_at):
    settings = replace(SETTINGS, batch_size=4, dropout=0.1, schedule="cosine", checkpoint_every=2)
    whole = train(base, lessons, tmp_path / "whole", settings)

    def interrupt(step):
        if step["step"] == stops_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(base, lessons, tmp_path / "cut", settings, interrupt)
    steps = []
    resumed = train(base, lessons, tmp_path / "cut", settings, lambda step: steps.append(step["step"]))
    assert resumed.curve == whole.curve
    assert steps[0] == (stops_at - 1) // 2 * 2 + 1  # from the last checkpoint on
    assert apart(weights(tmp_path / "whole"), weights(tmp_path / "cut")) == 0


DIES = """
import os, pickle, signal, sys
from pathlib import Path
from localfair.training.qlora import train
base, out, given = map(Path, sys.argv[1:4])
lessons, settings = pickle.loads(given.read_bytes())
die = lambda step: step["step"] == int(sys.argv[4]) and os.kill(os.getpid(), signal.SIGKILL)
train(base, lessons, out, settings, die)
"""


@pytest.mark.parametrize(
    ("stops_at", "order"), [(1, "shuffled"), (4, "shuffled"), (3, "by length"), (2, "a question once")]
)
def test_a_killed_training_goes_on_with_the_same_data_to_the_same_adapter(base, taught, tmp_path, stops_at, order):
    """kill -9 in the middle of a step, no chance to write anything."""
    settings = replace(
        SETTINGS, terms=(("rationale", 1.0),), batch_size=4, dropout=0.1, checkpoint_every=1, epochs=1,
        group_by_length=order == "by length", one_question_a_batch=order == "a question once",
    )  # fmt: skip

    whole, given = train(base, taught, tmp_path / "whole", settings), tmp_path / "given"
    given.write_bytes(pickle.dumps((taught, settings)))
    # a process of its own: one forked from here could wait for threads that only we have
    command = [sys.executable, "-c", DIES, str(base), str(tmp_path / "cut"), str(given), str(stops_at)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    before = json.loads((tmp_path / "cut" / "training.json").read_text())["seconds"]
    steps = []
    resumed = train(base, taught, tmp_path / "cut", settings, lambda step: steps.append(step["step"]))
    assert steps[0] == stops_at and resumed.curve == whole.curve
    assert apart(weights(tmp_path / "whole"), weights(tmp_path / "cut")) == 0
    assert resumed.seconds > before > 0  # the killed call's time is counted


@pytest.mark.parametrize("file", ["optimizer.pt", "rng_state.pth", ADAPTER_FILE, "trainer_state.json"])
def test_a_checkpoint_cut_in_half_falls_back_to_the_one_before(base, lessons, tmp_path, file):
    settings = replace(SETTINGS, batch_size=4, dropout=0.1, checkpoint_every=1, epochs=1)
    whole = train(base, lessons, tmp_path / "whole", settings)

    def interrupt(step):
        if step["step"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(base, lessons, tmp_path / "cut", settings, interrupt)
    newest = tmp_path / "cut" / "checkpoints" / "checkpoint-3" / file
    os.truncate(newest, newest.stat().st_size // 2)
    assert last_checkpoint(tmp_path / "cut" / "checkpoints").endswith("checkpoint-2")
    assert train(base, lessons, tmp_path / "cut", settings).curve == whole.curve


@pytest.mark.parametrize("limit", [4_000, 60_000])
def test_a_full_disk_is_one_clear_error_and_the_same_call_goes_on(base, lessons, tmp_path, limit):
    """A limit on the size of files stands for the disk: the adapter, or only the optimizer, cannot be written."""
    settings = replace(SETTINGS, batch_size=4, checkpoint_every=2, epochs=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(DiskFull) as full:
            train(base, lessons, tmp_path, settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "no space left" in full.value.message and "same command" in full.value.hint
    assert train(base, lessons, tmp_path, settings).steps == 4


def test_a_checkpoint_cut_while_it_was_written_is_passed_over(tmp_path):
    for step, state in ((9, "{}"), (10, '{"global'), (11, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if state is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-9")


def test_no_two_lessons_of_one_question_share_a_batch(taught):
    questions = [one.question for one in taught]
    for seed in range(5):
        batches = one_a_question(questions, 3, torch.Generator().manual_seed(seed))
        assert sorted(i for batch in batches for i in batch) == list(range(16))
        assert all(len({questions[i] for i in batch}) == len(batch) <= 3 for batch in batches)
        assert len(batches) == 6  # sixteen in threes: not one more than need be


def test_a_question_with_many_lessons_makes_smaller_batches():
    batches = one_a_question(["a"] * 5 + ["b", "c"], 4, torch.Generator().manual_seed(0))
    assert len(batches) == 5 and max(map(len, batches)) <= 3


def test_lessons_of_like_length_share_a_batch_and_each_stands_once():
    lengths = [7, 90, 8, 91, 9, 92, 10, 93] * 40
    batches = by_length(lengths, 4, torch.Generator().manual_seed(0))
    assert sorted(i for batch in batches for i in batch) == list(range(320))
    padding = sum(max(lengths[i] for i in batch) * len(batch) - sum(lengths[i] for i in batch) for batch in batches)
    assert padding < 0.1 * sum(lengths)  # of a shuffle: nine tenths of it


def test_an_epoch_draws_its_own_batches_whatever_was_drawn_before():
    batches = Batches(lambda generator: [torch.randperm(20, generator=generator).tolist()], 20, seed=1)
    first = list(batches)
    batches.set_epoch(1)
    assert list(batches) != first
    batches.set_epoch(0)
    assert list(batches) == first


def test_a_training_can_go_on_from_an_earlier_adapter(base, lessons, tmp_path):
    first = train(base, lessons, tmp_path / "one", SETTINGS)
    second = train(base, lessons, tmp_path / "two", replace(SETTINGS, learning_rate=1e-9), start=tmp_path / "one")
    assert losses(second)[0] < losses(first)[0]
    assert apart(weights(tmp_path / "one"), weights(tmp_path / "two")) < 1e-6
    assert (tmp_path / "two" / "adapter_config.json").exists()


def test_a_finished_training_is_returned_and_not_run_again(base, lessons, tmp_path):
    first, steps = train(base, lessons, tmp_path, SETTINGS), []
    assert train(base, lessons, tmp_path, SETTINGS, steps.append) == first
    assert not steps


def test_a_folder_with_another_training_is_refused(base, lessons, tmp_path):
    train(base, lessons, tmp_path, SETTINGS)
    with pytest.raises(TrainingError, match="another training"):
        train(base, lessons, tmp_path, replace(SETTINGS, seed=1))


def test_a_seed_decides_the_adapter(base, lessons, tmp_path):
    small = replace(SETTINGS, batch_size=4, epochs=1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(base, lessons, tmp_path / name, replace(small, seed=seed))
    assert apart(weights(tmp_path / "a"), weights(tmp_path / "b")) == 0
    assert apart(weights(tmp_path / "a"), weights(tmp_path / "c")) > 0


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(base, lessons, tmp_path, monkeypatch):
    right = TermTrainer.compute_loss

    def third_is_nan(self, *args, **kwargs):
        return right(self, *args, **kwargs) * (float("nan") if self.state.global_step == 2 else 1)

    monkeypatch.setattr(TermTrainer, "compute_loss", third_is_nan)
    with pytest.raises(TrainingError, match="nan at step 3"):
        train(base, lessons, tmp_path, replace(SETTINGS, batch_size=4, checkpoint_every=1))
    assert last_checkpoint(tmp_path / "checkpoints").endswith("checkpoint-2")
    assert not (tmp_path / ADAPTER_FILE).exists()


def test_training_and_saving_open_no_socket_and_print_nothing(base, lessons, tmp_path, monkeypatch, capfd):
    def refuse(*_):
        raise AssertionError("a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    train(base, lessons, tmp_path, replace(SETTINGS, checkpoint_every=1))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "adapter_config.json",
        ADAPTER_FILE,
        "training.json",
    ]
    assert str(base.parent) not in (tmp_path / "adapter_config.json").read_text()
    assert capfd.readouterr() == ("", "")


def test_importing_the_engine_says_nothing():
    said = subprocess.run([sys.executable, "-c", "import localfair.training.qlora"], capture_output=True, check=True)
    assert (said.stdout, said.stderr) == (b"", b"")


def test_lora_weights_are_float32_in_every_precision(base, lessons, tmp_path):
    train(base, lessons, tmp_path, replace(SETTINGS, quantise="nf4", compute="bf16", epochs=1))
    assert {w.dtype for w in weights(tmp_path).values()} == {torch.float32}
    assert json.loads((tmp_path / "adapter_config.json").read_text())["r"] == 4


def test_gradient_checkpointing_changes_no_loss(base, lessons, tmp_path):
    plain = train(base, lessons, tmp_path / "a", SETTINGS)
    saving = train(base, lessons, tmp_path / "b", replace(SETTINGS, gradient_checkpointing=True))
    assert losses(saving) == pytest.approx(losses(plain), rel=1e-5)


def test_padding_is_told_by_length_and_not_by_an_id():
    rows = [
        Example(Encoded((1, 0, 2, 2), (IGNORE, 0, 2, 2)), "answer"),
        Example(Encoded((1, 2), (IGNORE, 2)), "answer"),
    ]
    batch = collate(rows, ("answer",))
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORE, 0, 2, 2], [IGNORE, 2, IGNORE, IGNORE]]


def test_lessons_that_cannot_be_trained_on_are_refused(base, lessons, tmp_path):
    mute = Example(Encoded((1, 2), (IGNORE, IGNORE)), "rationale")
    for bad in ([], [replace(lessons[0], term="other")], [mute]):
        with pytest.raises(TrainingError):
            train(base, bad, tmp_path, SETTINGS)
    with pytest.raises(TrainingError, match="tokens"):
        train(base, lessons, tmp_path, replace(SETTINGS, max_length=8))


def test_nf4_gradients_after_an_eval_forward_are_those_before_it(base):
    """bitsandbytes repacks the weights in the first eval-mode forward where the CPU has AVX512_BF16."""
    bnb = pytest.importorskip("bitsandbytes")
    if torch.cuda.is_available() or not bnb.functional.has_avx512bf16():
        pytest.skip("the trap needs a CPU with AVX512_BF16")
    model = load_causal_lm(base, "nf4")
    ids = torch.randint(3, 300, (4, 32), generator=torch.Generator().manual_seed(0))

    def gradient():
        given = model.get_input_embeddings()(ids).detach().requires_grad_()
        model.train()(inputs_embeds=given, labels=ids).loss.backward()
        return given.grad.float().flatten()

    before = gradient()
    with torch.no_grad():
        model.eval()(ids)
    assert torch.cosine_similarity(before, gradient(), dim=0) > 0.99


def test_every_4_bit_layer_is_kept_off_the_path_that_repacks_it(base):
    """Wherever this runs: a CPU without AVX512_BF16 never takes the path, and the guard must hold there too."""
    pytest.importorskip("bitsandbytes")
    from bitsandbytes.nn import Linear4bit

    layers = [layer for layer in load_causal_lm(base, "nf4").modules() if isinstance(layer, Linear4bit)]
    assert len(layers) == 14 and not any(layer.support_avx512bf16_for_cpu for layer in layers)


def test_an_adapter_lies_beside_a_4_bit_base_and_is_never_merged_into_it(base, lessons, tmp_path):
    """Merged, most of it would be rounded away: what is examined must be what was trained."""
    pytest.importorskip("bitsandbytes")
    from peft import PeftModel

    train(base, lessons, tmp_path, replace(SETTINGS, quantise="nf4", compute="bf16", epochs=4))
    ids = torch.tensor([lessons[0].encoded.input_ids])
    plain, examined, trained = (load_causal_lm(base, "nf4") for _ in range(3))
    examined, trained = with_adapter(examined, tmp_path, "nf4"), PeftModel.from_pretrained(trained, tmp_path)
    with torch.no_grad():
        logits = [model.eval()(ids).logits for model in (plain, examined, trained)]
    assert torch.equal(logits[1], logits[2]) and not torch.allclose(logits[0], logits[1], atol=0.1)


DISTRIBUTED = """
import sys, pickle
from pathlib import Path
from localfair.training.qlora import train
base, out, given = map(Path, sys.argv[1:])
lessons, settings = pickle.loads(given.read_bytes())
train(base, lessons, out, settings)
"""


def test_two_processes_train_what_one_does(base, taught, tmp_path):
    """Gloo, on the CPU: the processes share each step's lessons, and counts are of all of them."""
    settings = replace(SETTINGS, terms=KD, tau=2.0, vocabulary=300, epochs=1)
    one = train(base, taught, tmp_path / "one", settings)
    given = tmp_path / "given"
    given.write_bytes(pickle.dumps((taught, settings)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DISTRIBUTED, str(base), str(tmp_path / "two"), str(given)]
    ranks = [
        subprocess.Popen(command, env=os.environ | world | {"RANK": r, "LOCAL_RANK": r}, stderr=subprocess.PIPE)
        for r in "01"
    ]
    said = [rank.communicate(timeout=300)[1].decode() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], said
    two = json.loads((tmp_path / "two" / "training.json").read_text())["result"]
    assert [loss for _, loss, _ in two["curve"]] == pytest.approx(losses(one), rel=1e-4)
    assert apart(weights(tmp_path / "one"), weights(tmp_path / "two")) < 1e-3


@pytest.mark.skipif("LOCALFAIR_TEST_WEIGHTS" not in os.environ, reason="no real weights")
def test_the_real_student_learns_two_lessons_in_nf4(tmp_path):
    from pathlib import Path

    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, file = Path(os.environ["LOCALFAIR_TEST_WEIGHTS"]), "smollm2-135m-instruct-q4_1.gguf"
    dense = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=file, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    dense.save_pretrained(tmp_path / "base")
    words = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    asked = [(Message("user", f"What is {i} glorps?"),) for i in (2, 3)]
    made = [Example(encode(words, ask, "It is blue.", 128), "rationale") for ask in asked]
    settings = replace(SETTINGS, quantise="nf4", compute="bf16", rank=16, alpha=32, learning_rate=1e-3, epochs=12)
    result = train(tmp_path / "base", made, tmp_path / "out", settings)
    assert losses(result)[-1] < 0.3 * losses(result)[0]
