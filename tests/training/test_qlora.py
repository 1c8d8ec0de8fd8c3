"""What must hold of training, whatever the model."""

import json
import os
import pickle
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from localfair.errors import TrainingError
from localfair.models.loading import ADAPTER_FILE, load_causal_lm
from localfair.training.encode import Encoded
from localfair.training.losses import IGNORE
from localfair.training.qlora import train
from localfair.training.trainer import Example
from tests.training.settings import KD, SETTINGS, apart, losses, weights


def test_eight_micro_batches_of_one_equal_one_batch_of_eight(base, lessons, tmp_path):
    one = train(base, lessons, tmp_path / "1x8", SETTINGS)
    many = train(base, lessons, tmp_path / "8x1", replace(SETTINGS, batch_size=1, accumulation=8))
    assert losses(many) == pytest.approx(losses(one), rel=1e-4)
    assert apart(weights(tmp_path / "1x8"), weights(tmp_path / "8x1")) < 1e-4


TAILORED = (("lm", 1.0), ("triplet", 0.5))


def learning(taught, terms):
    """The lessons as a loss of these terms takes them."""
    return (
        [replace(one, term="lm", prompt_weight=0.1) for one in taught]
        if terms == TAILORED
        else taught
    )


@pytest.mark.parametrize("terms", [KD, TAILORED], ids=["mentor-kd", "tailored"])
def test_every_terms_mean_is_over_the_whole_window(base, taught, tmp_path, terms):
    rows, settings = (
        learning(taught, terms),
        replace(SETTINGS, terms=terms, tau=2.0, vocabulary=300),
    )
    one = train(base, rows, tmp_path / "1x8", settings)
    many = train(base, rows, tmp_path / "8x1", replace(settings, batch_size=1, accumulation=8))
    assert losses(many) == pytest.approx(losses(one), rel=1e-4)
    assert apart(weights(tmp_path / "1x8"), weights(tmp_path / "8x1")) < 1e-3  # a step is 1e-2


def state_by_hand(model, contrast, reply):
    return model.model(input_ids=torch.tensor([[*contrast.prompt, *reply]])).last_hidden_state[
        0, -1
    ]


def test_tailoreds_loss_is_l_lm_plus_half_of_l_cl(base, taught, tmp_path):
    """Float64, by hand, the adapter still zero: every token counts one, the prompt's weigh 0.1."""
    model, total, tokens, distances = load_causal_lm(base, "fp32").double().cpu().eval(), 0.0, 0, []
    for one in taught:
        scores = model(torch.tensor([one.encoded.input_ids])).logits[0].log_softmax(-1)
        for at in range(1, len(one.encoded.input_ids)):
            factor = 0.1 if one.encoded.labels[at] == IGNORE else 1.0
            total, tokens = (
                total - factor * scores[at - 1, one.encoded.input_ids[at]].item(),
                tokens + 1,
            )
        if c := one.contrast:
            a, p, n = (
                state_by_hand(model, c, reply) for reply in (c.anchor, c.positive, c.negative)
            )
            near, far = torch.cosine_similarity(a, p, dim=0), torch.cosine_similarity(a, n, dim=0)
            distances.append(max(0.0, 1 - near.item() + far.item()))
    expected = total / tokens + 0.5 * sum(distances) / len(distances)
    result = train(
        base,
        learning(taught, TAILORED),
        tmp_path,
        replace(SETTINGS, terms=TAILORED, accumulation=2),
    )
    assert losses(result)[0] == pytest.approx(expected, rel=1e-5) and 0 < len(distances) < len(
        taught
    )


def test_mentor_kds_loss_is_the_weighted_sum_of_ce_and_divergence(base, taught, tmp_path):
    model, ce, kl, tokens = load_causal_lm(base, "fp32").double().cpu().eval(), 0.0, 0.0, 0
    for one in taught:
        logits = model(torch.tensor([one.encoded.input_ids])).logits[0]
        at = [i for i, label in enumerate(one.encoded.labels) if label != IGNORE]
        before, wanted = (
            logits[[i - 1 for i in at]],
            torch.tensor([one.encoded.labels[i] for i in at]),
        )
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
    expected = (
        0.3 * sums["feedback"] / counts["feedback"] + 0.7 * sums["rationale"] / counts["rationale"]
    )
    settings = replace(
        SETTINGS, terms=(("feedback", 0.3), ("rationale", 0.7)), accumulation=8, batch_size=2
    )
    result = train(base, lessons, tmp_path, settings)
    assert losses(result)[0] == pytest.approx(expected, rel=1e-5)
    assert result.supervised_tokens == sum(counts.values())


def test_a_training_can_go_on_from_an_earlier_adapter(base, lessons, tmp_path):
    first = train(base, lessons, tmp_path / "one", SETTINGS)
    second = train(
        base,
        lessons,
        tmp_path / "two",
        replace(SETTINGS, learning_rate=1e-9),
        start=tmp_path / "one",
    )
    assert losses(second)[0] < losses(first)[0]
    assert apart(weights(tmp_path / "one"), weights(tmp_path / "two")) < 1e-6
    assert (tmp_path / "two" / "adapter_config.json").exists()


def test_a_seed_decides_the_adapter(base, lessons, tmp_path):
    small = replace(SETTINGS, batch_size=4, epochs=1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(base, lessons, tmp_path / name, replace(small, seed=seed))
    assert apart(weights(tmp_path / "a"), weights(tmp_path / "b")) == 0
    assert apart(weights(tmp_path / "a"), weights(tmp_path / "c")) > 0


def test_training_and_saving_open_no_socket_and_print_nothing(
    base, lessons, tmp_path, monkeypatch, capfd
):
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
    said = subprocess.run(
        [sys.executable, "-c", "import localfair.training.qlora"], capture_output=True, check=True
    )
    assert (said.stdout, said.stderr) == (b"", b"")


def test_gradient_checkpointing_changes_no_loss(base, lessons, tmp_path):
    plain = train(base, lessons, tmp_path / "a", SETTINGS)
    saving = train(base, lessons, tmp_path / "b", replace(SETTINGS, gradient_checkpointing=True))
    assert losses(saving) == pytest.approx(losses(plain), rel=1e-5)


def test_lessons_that_cannot_be_trained_on_are_refused(base, lessons, tmp_path):
    mute = Example(Encoded((1, 2), (IGNORE, IGNORE)), "rationale")
    for bad in ([], [replace(lessons[0], term="other")], [mute]):
        with pytest.raises(TrainingError):
            train(base, bad, tmp_path, SETTINGS)
    with pytest.raises(TrainingError, match="tokens"):
        train(base, lessons, tmp_path, replace(SETTINGS, max_length=8))


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
    world = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", DISTRIBUTED, str(base), str(tmp_path / "two"), str(given)]
    ranks = [
        subprocess.Popen(
            command, env=os.environ | world | {"RANK": r, "LOCAL_RANK": r}, stderr=subprocess.PIPE
        )
        for r in "01"
    ]
    said = [rank.communicate(timeout=300)[1].decode() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], said
    two = json.loads((tmp_path / "two" / "training.json").read_text())["result"]
    assert [loss for _, loss, _ in two["curve"]] == pytest.approx(losses(one), rel=1e-4)
    assert apart(weights(tmp_path / "one"), weights(tmp_path / "two")) < 1e-3
