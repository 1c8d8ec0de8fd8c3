"""A training that is killed after a checkpoint and resumed, beside one that was left alone.

Reads SmolLM2; writes two adapters below the working folder. Run as a module it is the training
that kills itself: arguments are the base, the folder and the number of lessons.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from localfair.models.loading import ADAPTER_FILE
from localfair.training.checkpoints import CHECKPOINTS, last_checkpoint
from localfair.training.qlora import StepDone, TrainResult, TrainSettings, train
from tests.gpu.lessons import TERM, lessons
from tests.gpu.machine import ROOT
from tests.gpu.models import student
from tests.gpu.setting import Measures, Row, Setting

EVERY = 4  # steps between checkpoints
KILLED_AT = 6  # the step after whose log the process kills itself
BATCH = 4
SETTINGS = TrainSettings(
    terms=((TERM, 1.0),),
    learning_rate=2e-4,
    batch_size=BATCH,
    max_length=512,
    checkpoint_every=EVERY,
)
TOLERANCE = 1e-3  # of losses, relative, and of LoRA weights, beside the largest


def resume(setting: Setting) -> Iterator[Row]:
    """What is equal between the two: losses before and after the kill, and the adapters."""
    base = student(setting)
    count = BATCH * setting.size(12, 8)
    folder = setting.folder("resume")
    shutil.rmtree(folder)
    whole = train(base, lessons(base, count), folder / "whole", SETTINGS)
    killed = subprocess.run(
        [sys.executable, "-m", "tests.gpu.resume", str(base), str(folder / "cut"), str(count)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-500:]
    checkpoint = last_checkpoint(folder / "cut" / CHECKPOINTS)
    assert checkpoint is not None
    resumed = train(base, lessons(base, count), folder / "cut", SETTINGS)
    measures = {
        "killed_after_step": KILLED_AT,
        "resumed_from": Path(checkpoint).name,
        **losses_apart(whole, resumed),
        **adapters_apart(folder / "whole" / ADAPTER_FILE, folder / "cut" / ADAPTER_FILE),
    }
    within = max(measures["largest_loss_gap"], measures["largest_weight_gap"]) <= TOLERANCE
    yield Row("killed and resumed", measures | {f"within_{TOLERANCE:g}": within})


def losses_apart(whole: TrainResult, resumed: TrainResult) -> Measures:
    """How many steps have the very same loss, and the largest relative gap."""
    assert len(whole.curve) == len(resumed.curve)
    equal = 0
    gaps = []
    for (_, loss, _), (_, again, _) in zip(whole.curve, resumed.curve, strict=True):
        equal += loss == again
        gaps.append(abs(loss - again) / abs(loss))
    return {
        "steps": len(whole.curve),
        "steps_with_equal_loss": equal,
        "largest_loss_gap": max(gaps),
    }


def adapters_apart(whole: Path, resumed: Path) -> Measures:
    """How many tensors are equal bit by bit, and the largest gap beside the largest weight."""
    first: dict[str, Any] = load_file(whole)
    second: dict[str, Any] = load_file(resumed)
    assert first.keys() == second.keys()
    equal = 0
    gaps = []
    largest = 0.0
    for name, weight in first.items():
        equal += bool((weight == second[name]).all())
        gaps.append((weight - second[name]).abs().max().item())
        largest = max(largest, weight.abs().max().item())
    return {
        "tensors": len(first),
        "equal_tensors": equal,
        "largest_weight_gap": max(gaps) / largest,
    }


def _die(step: StepDone) -> None:
    """Kill this process as the kernel would, when its step is logged."""
    if step.step == KILLED_AT:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    where, into, how_many = sys.argv[1:]
    taught = lessons(Path(where), int(how_many))
    train(Path(where), taught, Path(into), SETTINGS, _die)
