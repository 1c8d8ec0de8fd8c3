"""A training that was stopped, by whatever, goes on to the same adapter; what cannot go on says so."""

import json
import os
import pickle
import resource
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from localfair.errors import DiskFull, TrainingError
from localfair.models.loading import ADAPTER_FILE
from localfair.training.checkpoints import last_checkpoint
from localfair.training.qlora import train
from localfair.training.trainer import TermTrainer
from tests.training.settings import SETTINGS, apart, weights

DIES = """
import os, pickle, signal, sys
from pathlib import Path
from localfair.training.qlora import train
base, out, given = map(Path, sys.argv[1:4])
lessons, settings = pickle.loads(given.read_bytes())
die = lambda step: step["step"] == int(sys.argv[4]) and os.kill(os.getpid(), signal.SIGKILL)
train(base, lessons, out, settings, die)
"""


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
    resumed = train(
        base, lessons, tmp_path / "cut", settings, lambda step: steps.append(step["step"])
    )
    assert resumed.curve == whole.curve
    assert steps[0] == (stops_at - 1) // 2 * 2 + 1  # from the last checkpoint on
    assert apart(weights(tmp_path / "whole"), weights(tmp_path / "cut")) == 0


@pytest.mark.parametrize(
    ("stops_at", "order"),
    [(1, "shuffled"), (4, "shuffled"), (3, "by length"), (2, "a question once")],
)
def test_a_killed_training_goes_on_with_the_same_data_to_the_same_adapter(
    base, taught, tmp_path, stops_at, order
):
    """kill -9 in the middle of a step, no chance to write anything."""
    settings = replace(
        SETTINGS, terms=(("rationale", 1.0),), batch_size=4, dropout=0.1, checkpoint_every=1, epochs=1,
        group_by_length=order == "by length", one_question_a_batch=order == "a question once",
    )  # fmt: skip

    whole, given = train(base, taught, tmp_path / "whole", settings), tmp_path / "given"
    given.write_bytes(pickle.dumps((taught, settings)))
    # a process of its own: one forked from here could wait for threads that only we have
    command = [
        sys.executable,
        "-c",
        DIES,
        str(base),
        str(tmp_path / "cut"),
        str(given),
        str(stops_at),
    ]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    before = json.loads((tmp_path / "cut" / "training.json").read_text())["seconds"]
    steps = []
    resumed = train(
        base, taught, tmp_path / "cut", settings, lambda step: steps.append(step["step"])
    )
    assert steps[0] == stops_at and resumed.curve == whole.curve
    assert apart(weights(tmp_path / "whole"), weights(tmp_path / "cut")) == 0
    assert resumed.seconds > before > 0  # the killed call's time is counted


@pytest.mark.parametrize(
    "file", ["optimizer.pt", "rng_state.pth", ADAPTER_FILE, "trainer_state.json"]
)
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


def test_a_finished_training_is_returned_and_not_run_again(base, lessons, tmp_path):
    first, steps = train(base, lessons, tmp_path, SETTINGS), []
    assert train(base, lessons, tmp_path, SETTINGS, steps.append) == first
    assert not steps


def test_a_folder_with_another_training_is_refused(base, lessons, tmp_path):
    train(base, lessons, tmp_path, SETTINGS)
    with pytest.raises(TrainingError, match="another training"):
        train(base, lessons, tmp_path, replace(SETTINGS, seed=1))


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(
    base, lessons, tmp_path, monkeypatch
):
    right = TermTrainer.compute_loss

    def third_is_nan(self, *args, **kwargs):
        return right(self, *args, **kwargs) * (float("nan") if self.state.global_step == 2 else 1)

    monkeypatch.setattr(TermTrainer, "compute_loss", third_is_nan)
    with pytest.raises(TrainingError, match="nan at step 3"):
        train(base, lessons, tmp_path, replace(SETTINGS, batch_size=4, checkpoint_every=1))
    assert last_checkpoint(tmp_path / "checkpoints").endswith("checkpoint-2")
    assert not (tmp_path / ADAPTER_FILE).exists()
