"""What must hold of a training, whatever the model."""

import json
import pickle
import socket
from dataclasses import replace

import pytest

from localfair.errors import TrainingError
from localfair.models.loading import ADAPTER_FILE
from localfair.training.checkpoints import last_checkpoint
from localfair.training.encode import Encoded
from localfair.training.losses import IGNORE
from localfair.training.qlora import train, training_arguments
from localfair.training.trainer import Example
from tests.training.forking import Job
from tests.training.settings import KD, SETTINGS, distance, losses, weights

TAILORED = (("lm", 1.0), ("triplet", 0.5))


def test_eight_micro_batches_of_one_equal_one_batch_of_eight(base, lessons, tmp_path):
    one = train(base, lessons, tmp_path / "1x8", SETTINGS)
    many = train(base, lessons, tmp_path / "8x1", replace(SETTINGS, batch_size=1, accumulation=8))
    assert losses(many) == pytest.approx(losses(one), rel=1e-4)
    assert distance(weights(tmp_path / "1x8"), weights(tmp_path / "8x1")) < 1e-4


@pytest.mark.parametrize("terms", [KD, TAILORED], ids=["mentor-kd", "tailored"])
def test_every_terms_mean_is_over_the_whole_window(base, taught, tmp_path, terms):
    if terms == TAILORED:
        taught = [replace(lesson, term="lm", prompt_weight=0.1) for lesson in taught]
    settings = replace(SETTINGS, terms=terms, tau=2.0, vocabulary=300)
    one = train(base, taught, tmp_path / "1x8", settings)
    many = train(base, taught, tmp_path / "8x1", replace(settings, batch_size=1, accumulation=8))
    assert losses(many) == pytest.approx(losses(one), rel=1e-4)
    # a step is 1e-2
    assert distance(weights(tmp_path / "1x8"), weights(tmp_path / "8x1")) < 1e-3


def test_a_seed_decides_the_adapter(base, lessons, tmp_path):
    small = replace(SETTINGS, batch_size=4, epochs=1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(base, lessons, tmp_path / name, replace(small, seed=seed))
    first = weights(tmp_path / "a")
    assert distance(first, weights(tmp_path / "b")) == 0
    assert distance(first, weights(tmp_path / "c")) > 0


def test_training_and_saving_open_no_socket_and_print_nothing(
    base, lessons, tmp_path, monkeypatch, capfd
):
    def refuse(*_):
        raise AssertionError("a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    train(base, lessons, tmp_path, replace(SETTINGS, checkpoint_every=1))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["adapter_config.json", ADAPTER_FILE, "training.json"]
    assert str(base.parent) not in (tmp_path / "adapter_config.json").read_text()
    assert capfd.readouterr() == ("", "")


def test_importing_the_engine_says_nothing(forking):
    assert (forking.imported, forking.complaints) == ("imported\n", "")


def test_gradient_checkpointing_changes_no_loss(base, lessons, tmp_path):
    plain = train(base, lessons, tmp_path / "a", SETTINGS)
    saving = train(base, lessons, tmp_path / "b", replace(SETTINGS, gradient_checkpointing=True))
    assert losses(saving) == pytest.approx(losses(plain), rel=1e-5)


def test_each_epochs_adapter_is_left_when_asked_for(base, lessons, tmp_path):
    train(base, lessons, tmp_path, replace(SETTINGS, keep_epochs=True))
    assert sorted(path.name for path in (tmp_path / "epochs").iterdir()) == ["1", "2"]
    last = weights(tmp_path)
    assert distance(last, weights(tmp_path / "epochs" / "2")) == 0
    assert distance(last, weights(tmp_path / "epochs" / "1")) > 0


def test_each_step_is_told_with_how_many_there_are(base, lessons, tmp_path):
    steps = []
    result = train(base, lessons, tmp_path, SETTINGS, steps.append)
    assert [(step.step, step.steps) for step in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    curve = [(step.step, step.loss, step.learning_rate) for step in steps]
    assert tuple(curve) == result.curve


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"term": "other"}, "no weight for the terms"),
        ({"encoded": Encoded((1, 2), (IGNORE, IGNORE))}, "no supervised token"),
        ({"encoded": Encoded((1,) * 2000, (2,) * 2000)}, "2000 tokens, more than 1024"),
    ],
)
def test_lessons_that_cannot_be_trained_on_are_refused(base, tmp_path, change, says):
    lesson = Example(Encoded((1, 2), (IGNORE, 2)), "rationale")
    with pytest.raises(TrainingError, match=says):
        train(base, [lesson, replace(lesson, **change)], tmp_path, SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_without_lessons_or_a_base_there_is_nothing_to_train(base, lessons, tmp_path):
    with pytest.raises(TrainingError, match="no lessons"):
        train(base, [], tmp_path, SETTINGS)
    with pytest.raises(TrainingError, match="no safetensors"):
        train(tmp_path, lessons, tmp_path / "out", SETTINGS)


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(base, lessons, tmp_path):
    """A learning rate beyond all bounds: the first step's loss is the base's, the second's overflows."""
    settings = replace(SETTINGS, batch_size=4, checkpoint_every=1, learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) at step 2"):
        train(base, lessons, tmp_path, settings)
    assert last_checkpoint(tmp_path / "checkpoints").endswith("checkpoint-1")
    assert not (tmp_path / ADAPTER_FILE).exists()


@pytest.mark.parametrize("change", [{"batch_size": 3}, {"one_question_a_batch": True}])
def test_a_batch_that_processes_cannot_share_is_refused(tmp_path, monkeypatch, change):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="cannot be shared by 2 processes"):
        training_arguments(tmp_path, replace(SETTINGS, **change))


DISTRIBUTED = """
import sys, pickle
from pathlib import Path
import torch
from localfair.training.qlora import train
torch.set_num_threads(1)
base, out, pickled = map(Path, sys.argv[1:])
lessons, settings = pickle.loads(pickled.read_bytes())
train(base, lessons, out, settings)
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def launch(forking, code, arguments, processes):
    """The code as torch's launcher starts it, on the CPU."""
    world = {
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    ranks = []
    for rank in range(processes):
        ranks.append(Job(code, arguments, {**world, "RANK": str(rank), "LOCAL_RANK": str(rank)}))
    assert forking.run(*ranks) == [0] * processes, forking.stderr.read_text()


def test_two_processes_train_what_one_does(forking, base, taught, tmp_path):
    """Gloo, on the CPU: the processes share each step's lessons, and counts are of all of them."""
    settings = replace(SETTINGS, terms=KD, tau=2.0, vocabulary=300, epochs=1)
    alone = train(base, taught, tmp_path / "one", settings)
    pickled = tmp_path / "lessons.pickle"
    pickled.write_bytes(pickle.dumps((taught, settings)))
    arguments = [str(path) for path in (base, tmp_path / "two", pickled)]
    launch(forking, DISTRIBUTED, arguments, processes=2)
    record = json.loads((tmp_path / "two" / "training.json").read_text())
    shared = [loss for _, loss, _ in record["result"]["curve"]]
    assert shared == pytest.approx(losses(alone), rel=1e-4)
    assert distance(weights(tmp_path / "one"), weights(tmp_path / "two")) < 1e-3
