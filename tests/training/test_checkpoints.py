"""What a training leaves on disk: which checkpoint is whole, and whose training a folder holds."""

import errno
import json
from dataclasses import replace

import pytest

from localfair.errors import DiskFull, TrainingError
from localfair.training.checkpoints import (
    CHECKPOINTS,
    Clock,
    Record,
    begin,
    last_checkpoint,
    peak_bytes,
    saving,
    write,
)


def checkpoint(folder, step, state="{}"):
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if state is not None:
        (path / "trainer_state.json").write_text(state)
    return path


@pytest.mark.parametrize("state", ['{"global', "[]", None])
def test_a_checkpoint_cut_while_it_was_written_is_passed_over(tmp_path, state):
    whole = checkpoint(tmp_path, 9)
    checkpoint(tmp_path, 10, state)
    assert last_checkpoint(tmp_path) == str(whole)


@pytest.mark.parametrize("file", ["optimizer.pt", "rng_state.pth", "adapter_model.safetensors"])
def test_a_checkpoint_with_a_damaged_file_of_tensors_is_passed_over(tmp_path, file):
    whole = checkpoint(tmp_path, 9)
    (checkpoint(tmp_path, 10) / file).write_bytes(b"PK\x03\x04 half of an archive")
    assert last_checkpoint(tmp_path) == str(whole)


def test_the_newest_is_by_number_and_none_is_none(tmp_path):
    assert last_checkpoint(tmp_path) is None
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    assert last_checkpoint(tmp_path) == str(newest)


def test_a_folder_keeps_the_record_of_its_training(tmp_path):
    record = begin(tmp_path, "b2:mine")
    assert (record.seconds, record.peak_bytes) == (0.0, 0)
    write(tmp_path, replace(record, seconds=2.5))
    assert begin(tmp_path, "b2:mine").seconds == 2.5


def test_a_folder_with_another_training_is_refused(tmp_path):
    write(tmp_path, begin(tmp_path, "b2:mine"))
    with pytest.raises(TrainingError, match="holds another training"):
        begin(tmp_path, "b2:another")


def test_what_an_older_version_left_starts_again_with_one_line(tmp_path, caplog):
    checkpoint(tmp_path / CHECKPOINTS, 9)
    (tmp_path / "training.json").write_text('{"id": "b2:by repr", "seconds": 9.0}')
    record = begin(tmp_path, "b2:mine")
    assert record.seconds == 0.0
    assert last_checkpoint(tmp_path / CHECKPOINTS) is None
    (line,) = caplog.messages
    assert line.endswith("was begun by another version of localfair: training starts again")


def test_a_clock_adds_to_what_earlier_calls_took_and_writes_it_down(tmp_path):
    clock = Clock(tmp_path, Record(id="b2:mine", seconds=60.0, peak_bytes=2**60))
    clock.note()
    written = json.loads((tmp_path / "training.json").read_text())
    assert 60 < written["seconds"] < 61
    assert written["peak_bytes"] == 2**60


def test_of_several_processes_only_the_first_writes_the_record(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    Clock(tmp_path, Record(id="b2:mine")).note()
    assert list(tmp_path.iterdir()) == []


def test_this_process_has_held_memory():
    assert peak_bytes() > 2**20


def test_a_full_disk_says_that_the_same_command_goes_on():
    with pytest.raises(DiskFull, match="no space left") as full, saving():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "same command" in full.value.hint
