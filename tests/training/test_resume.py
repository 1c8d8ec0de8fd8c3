"""A training that was stopped, by whatever, goes on to the same adapter; what cannot go on says so."""

import json
import os
import pickle
import resource
import signal
from contextlib import contextmanager
from dataclasses import replace

import pytest

from localfair.errors import DiskFull, TrainingError
from localfair.models.loading import ADAPTER_FILE
from localfair.training.checkpoints import last_checkpoint
from localfair.training.qlora import train
from tests.training.forking import Job
from tests.training.settings import SETTINGS, distance, weights

DIES = """
import os, pickle, signal, sys
from pathlib import Path
from localfair.training.qlora import train
base, out, pickled = map(Path, sys.argv[1:4])
lessons, settings = pickle.loads(pickled.read_bytes())
def die(step):
    if step.step == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)
train(base, lessons, out, settings, die)
"""


def interrupted(base, lessons, folder, settings, stops_at):
    """Ctrl-C when the step ends."""

    def interrupt(step):
        if step.step == stops_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(base, lessons, folder, settings, interrupt)


def killed(forking, base, lessons, folder, settings, stops_at):
    """kill -9 when the step ends, no chance to write anything.

    Not a fork of this process, which could wait for threads that only we have.
    """
    pickled = folder.with_suffix(".pickle")
    pickled.write_bytes(pickle.dumps((lessons, settings)))
    arguments = [str(base), str(folder), str(pickled), str(stops_at)]
    assert forking.run(Job(DIES, arguments)) == [-signal.SIGKILL], forking.stderr.read_text()


@pytest.mark.parametrize("stops_at", [2, 3, 5])
def test_a_resumed_training_equals_an_uninterrupted_one(base, lessons, tmp_path, stops_at):
    settings = replace(SETTINGS, batch_size=4, dropout=0.1, schedule="cosine", checkpoint_every=2)
    whole = train(base, lessons, tmp_path / "whole", settings)
    interrupted(base, lessons, tmp_path / "cut", settings, stops_at)
    steps = []
    resumed = train(base, lessons, tmp_path / "cut", settings, steps.append)
    assert resumed.curve == whole.curve
    # from the last checkpoint on
    assert steps[0].step == (stops_at - 1) // 2 * 2 + 1
    assert distance(weights(tmp_path / "whole"), weights(tmp_path / "cut")) == 0


ORDERS = {
    "shuffled": {},
    "by length": {"group_by_length": True},
    "a question once": {"one_question_a_batch": True},
}


@pytest.mark.parametrize(
    ("stops_at", "order"),
    [(1, "shuffled"), (4, "shuffled"), (3, "by length"), (2, "a question once")],
)
def test_a_killed_training_goes_on_with_the_same_data_to_the_same_adapter(
    forking, base, taught, tmp_path, stops_at, order
):
    settings = replace(
        SETTINGS,
        terms=(("rationale", 1.0),),
        batch_size=4,
        dropout=0.1,
        checkpoint_every=1,
        epochs=1,
        **ORDERS[order],
    )
    whole = train(base, taught, tmp_path / "whole", settings)
    killed(forking, base, taught, tmp_path / "cut", settings, stops_at)
    before = json.loads((tmp_path / "cut" / "training.json").read_text())["seconds"]
    steps = []
    resumed = train(base, taught, tmp_path / "cut", settings, steps.append)
    assert steps[0].step == stops_at
    assert resumed.curve == whole.curve
    assert distance(weights(tmp_path / "whole"), weights(tmp_path / "cut")) == 0
    assert resumed.seconds > before > 0  # the killed call's time is counted


@pytest.mark.parametrize(
    "file", ["optimizer.pt", "rng_state.pth", ADAPTER_FILE, "trainer_state.json"]
)
def test_a_checkpoint_cut_in_half_falls_back_to_the_one_before(base, lessons, tmp_path, file):
    settings = replace(SETTINGS, batch_size=4, dropout=0.1, checkpoint_every=1, epochs=1)
    whole = train(base, lessons, tmp_path / "whole", settings)
    interrupted(base, lessons, tmp_path / "cut", settings, stops_at=4)
    checkpoints = tmp_path / "cut" / "checkpoints"
    newest = checkpoints / "checkpoint-3" / file
    os.truncate(newest, newest.stat().st_size // 2)
    assert last_checkpoint(checkpoints).endswith("checkpoint-2")
    assert train(base, lessons, tmp_path / "cut", settings).curve == whole.curve


def test_what_an_older_version_left_half_trained_starts_again(base, lessons, tmp_path, caplog):
    settings = replace(SETTINGS, batch_size=4, checkpoint_every=1, epochs=1)
    whole = train(base, lessons, tmp_path / "whole", settings)
    interrupted(base, lessons, tmp_path / "cut", settings, stops_at=3)
    (tmp_path / "cut" / "training.json").write_text('{"id": "b2:0", "seconds": 1.0}')
    steps = []
    again = train(base, lessons, tmp_path / "cut", settings, steps.append)
    assert steps[0].step == 1 and again.curve == whole.curve
    assert len(caplog.messages) == 1


@contextmanager
def files_of_at_most(limit):
    """A limit on the size of files stands for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# the adapter, or only the optimizer, cannot be written
@pytest.mark.parametrize("limit", [4_000, 60_000])
def test_a_full_disk_is_one_clear_error_and_the_same_call_goes_on(base, lessons, tmp_path, limit):
    settings = replace(SETTINGS, batch_size=4, checkpoint_every=2, epochs=1)
    with pytest.raises(DiskFull, match="no space left") as full, files_of_at_most(limit):
        train(base, lessons, tmp_path, settings)
    assert "same command" in full.value.hint
    assert train(base, lessons, tmp_path, settings).steps == 4


def test_a_finished_training_is_returned_and_not_run_again(base, lessons, tmp_path):
    first = train(base, lessons, tmp_path, SETTINGS)
    steps = []
    assert train(base, lessons, tmp_path, SETTINGS, steps.append) == first
    assert steps == []


def test_a_folder_with_another_training_is_refused(base, lessons, tmp_path):
    train(base, lessons, tmp_path, SETTINGS)
    with pytest.raises(TrainingError, match="another training"):
        train(base, lessons, tmp_path, replace(SETTINGS, seed=1))


def test_what_is_only_saved_makes_no_other_training(base, lessons, tmp_path):
    first = train(base, lessons, tmp_path, SETTINGS)
    assert train(base, lessons, tmp_path, replace(SETTINGS, checkpoint_every=1)) == first
