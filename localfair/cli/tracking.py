"""A run's curves where people already look: loss, rates and exam results for TensorBoard or trackio.

Listens to the run's events and writes files into one folder, offline. Needs the extra `track`. A run
does not end because nobody can watch it: the first failure to write is said, and nothing more is
written.
"""

from __future__ import annotations

import importlib
import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from localfair.errors import MissingDependency, UsageError
from localfair.machine.terminal import warn
from localfair.pipeline.events import Event, RunBegun, RunEnded, StepBegun, StepEnded, TrainedStep
from localfair.record.made import RunStep

Format = Literal["tensorboard", "trackio"]
NEEDED = {
    "tensorboard": "tensorboard.summary.writer.event_file_writer",
    "trackio": "trackio.sqlite_storage",
}
PROJECT = "localfair"  # trackio's word for runs that are shown together


class Writer(Protocol):
    """Where the curves of one run go."""

    def add(self, values: dict[str, float], step: int) -> None:
        """Write values by the names of their curves, at a place on the horizontal axis."""

    def close(self) -> None:
        """Write what waits."""


class Tracker:
    """The curves of one run, written as it goes on.

    Loss is over training steps, everything else over the positions of the run's steps. Raises
    MissingDependency without the package, UsageError for a folder that cannot be written.
    """

    def __init__(self, form: Format, folder: Path) -> None:
        self._form = form
        self._folder = _writable(folder)
        self._step = ""
        self._writer: Writer | None = None
        # trackio reads it when it is first imported; whoever shows the curves sets the same
        if form == "trackio":
            os.environ["TRACKIO_DIR"] = str(self._folder)
        _needs(form)

    def listen(self, event: Event) -> None:
        """Take in what happens, and write what has a curve."""
        try:
            self._take(event)
        except Exception as error:  # whatever another package raises while it writes
            self._writer = None
            warn(f"nothing more is tracked in {self._folder} ({type(error).__name__}: {error})")

    def _take(self, event: Event) -> None:
        if isinstance(event, RunBegun):
            self._writer = _writer(self._form, self._folder, event.run)
        if self._writer is None:
            return
        if isinstance(event, StepBegun):
            self._step = event.step
        elif isinstance(event, TrainedStep):
            self._writer.add({f"loss/{self._step}": event.loss}, event.number)
        elif isinstance(event, StepEnded):
            self._writer.add(curves_of(event.row), event.row.position)
        elif isinstance(event, RunEnded):
            self._writer.close()


def curves_of(step: RunStep) -> dict[str, float]:
    """What an ended step adds to curves: its accuracy, the numbers that came out, and its rate."""
    outcome = json.loads(step.outcome) if step.outcome else {}
    values: dict[str, float] = {}
    for name, value in outcome.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            values[f"{step.stage}/{step.step}/{name}"] = float(value)
    if step.stage == "exam" and outcome.get("answers"):
        values[f"accuracy/{step.step}"] = outcome["right"] / outcome["answers"]
    seconds = _seconds(step)
    if step.calls and seconds > 0:
        values[f"calls_per_second/{step.step}"] = step.calls / seconds
    return values


def _seconds(step: RunStep) -> float:
    if step.ended is None:
        return 0.0
    span = datetime.fromisoformat(step.ended) - datetime.fromisoformat(step.started)
    return span.total_seconds()


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot track in {folder} ({error.strerror})", "name a folder that you may write to"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write to {folder}", "name a folder that you may write to")
    return folder.resolve()


def _needs(form: Format) -> None:
    """Raise MissingDependency where the package of a format is not installed."""
    try:
        importlib.import_module(NEEDED[form])
    except ImportError as error:
        raise MissingDependency(
            f"--track {form} needs the package {form!r} ({error})",
            "pip install 'localfair[track]'",
        ) from error


def _writer(form: Format, folder: Path, run: str) -> Writer:
    if form == "tensorboard":
        return TensorBoard(folder / run)
    return Trackio(run)


class TensorBoard:
    """An event file of TensorBoard, without TensorFlow or torch."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._file = EventFileWriter(str(folder))

    def add(self, values: dict[str, float], step: int) -> None:
        """Write scalars; they are on the disk when this returns."""
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        record = Record(wall_time=time.time(), step=step, summary=Summary(value=scalars))
        self._file.add_event(record)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Trackio:
    """trackio's own file; neither its server nor the network is used."""

    def __init__(self, run: str) -> None:
        storage: Any = importlib.import_module("trackio.sqlite_storage")
        self._storage = storage.SQLiteStorage
        self._run = run

    def add(self, values: dict[str, float], step: int) -> None:
        """Write metrics."""
        if values:
            self._storage.bulk_log(PROJECT, self._run, [values], steps=[step])

    def close(self) -> None:
        """Nothing waits."""
