"""`--track`: a run's loss, rates and exam results, where other programs look for them."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from localfair.cli.tracking import Tracker, curves_of
from localfair.pipeline.events import RunBegun, RunEnded, StepBegun, StepEnded, TrainedStep
from localfair.record.made import RunStep
from tests.cli.conftest import review

ENDED = RunStep(
    position=3,
    step="after",
    stage="exam",
    round=0,
    started="2026-01-01T00:00:00.000+00:00",
    ended="2026-01-01T00:00:10.000+00:00",
    calls=40,
    reused=2,
    loads=1,
    outcome='{"questions": 4, "answers": 4, "right": 3, "wrong": 1, "note": "x", "flag": true}',
)
EVENTS = (
    RunBegun("r1"),
    StepBegun(2, "train", "train", 0),
    TrainedStep(1, 2, 0.75),
    TrainedStep(2, 2, 0.5),
    StepEnded(ENDED),
    RunEnded("r1"),
)
CURVES = {
    "exam/after/questions": 4,
    "exam/after/answers": 4,
    "exam/after/right": 3,
    "exam/after/wrong": 1,
    "accuracy/after": 0.75,
    "calls_per_second/after": 4.0,
}


def scalars(folder):
    """Of an event file of TensorBoard each curve's points."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    curves = {}
    for path in sorted(folder.rglob("events.*")):
        for event in loader.RawEventFileLoader(str(path)).Load():
            from tensorboard.compat.proto.event_pb2 import Event

            record = Event.FromString(event)
            for value in record.summary.value:
                curves.setdefault(value.tag, []).append((record.step, value.simple_value))
    return curves


def test_a_step_adds_its_accuracy_its_numbers_and_its_rate():
    assert curves_of(ENDED) == CURVES


def test_tensorboard_reads_loss_rates_and_exam_results(tmp_path):
    pytest.importorskip("tensorboard")
    tracker = Tracker("tensorboard", tmp_path / "curves")
    for event in EVENTS:
        tracker.listen(event)
    read = scalars(tmp_path / "curves" / "r1")
    assert read["loss/train"] == [(1, 0.75), (2, 0.5)]
    assert read["accuracy/after"] == [(3, 0.75)]
    assert read["calls_per_second/after"] == [(3, 4.0)]


def test_trackio_reads_the_same_and_nothing_is_asked_of_a_network(tmp_path):
    pytest.importorskip("trackio")
    code = (
        "import sys; from pathlib import Path; from localfair.cli.tracking import Tracker;"
        "from tests.cli.test_tracking import EVENTS;"
        "sys.addaudithook(lambda e, a: (_ for _ in ()).throw(OSError(e)) if e == 'socket.connect' "
        "else None);"
        "tracker = Tracker('trackio', Path(sys.argv[1])); [tracker.listen(e) for e in EVENTS]"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    [path] = tmp_path.glob("*.db")
    with closing(sqlite3.connect(path)) as connection:
        metrics = connection.execute("SELECT step, metrics FROM metrics ORDER BY id").fetchall()
    assert [step for step, _ in metrics] == [1, 2, 3]
    assert json.loads(metrics[-1][1])["accuracy/after"] == 0.75


def test_a_run_is_tracked_from_the_command_line(desk):
    pytest.importorskip("tensorboard")
    said = desk.says(*review("--track", "tensorboard", "curves"))
    assert said.code == 0
    assert any(name.startswith("accuracy/") for name in scalars(desk.folder / "curves"))


def test_a_folder_that_cannot_be_is_one_line_before_anything_is_asked(desk):
    (desk.folder / "taken").write_text("mine")
    said = desk.says(*review("--track", "tensorboard", "taken/curves"))
    assert said.code == 2
    assert said.error.startswith("cannot track in taken/curves")
    assert not (desk.folder / "localfair.db").exists()


def test_another_program_is_refused_with_the_ones_there_are(desk):
    said = desk.says(*review("--track", "wandb", "curves"))
    assert said.code == 2
    assert "tensorboard" in said.error


def test_what_cannot_be_written_any_more_ends_the_tracking_and_not_the_run(tmp_path, capsys):
    pytest.importorskip("tensorboard")
    tracker = Tracker("tensorboard", tmp_path / "curves")
    (tmp_path / "curves" / "r1").write_text("in the way")
    for event in EVENTS:
        tracker.listen(event)
    assert capsys.readouterr().err.count("nothing more is tracked") == 1
