"""What must hold of training, whatever the model."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from localfair.errors import TrainingError
from localfair.lessons import Encoded, encode
from localfair.losses import IGNORE
from localfair.qlora import TrainSettings, last_checkpoint, train
from localfair.records import Message
from localfair.term_trainer import Example, TermTrainer, collate
from localfair.weights import ADAPTER_FILE, load_causal_lm
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


def test_a_checkpoint_cut_while_it_was_written_is_passed_over(tmp_path):
    for step, state in ((9, "{}"), (10, '{"global'), (11, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if state is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-9")


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
    said = subprocess.run([sys.executable, "-c", "import localfair.qlora"], capture_output=True, check=True)
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
