"""NF4 QLoRA on the card beside fp32 LoRA and TRL's SFTTrainer: loss, step time, peak.

Reads SmolLM2; writes adapters below the working folder. All sides have the same lessons, batch,
seed, learning rate and LoRA; ours go through `localfair.training.qlora.train`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from localfair.training import checkpoints
from localfair.training.qlora import TrainSettings, train
from localfair.training.trainer import Example
from tests.gpu.lessons import TERM, lessons
from tests.gpu.memory import reset_peak
from tests.gpu.models import student
from tests.gpu.setting import Measures, Row, Setting
from tests.gpu.steps import Moments, optimizers

BATCH = 8
STEPS = 20
NF4 = TrainSettings(terms=((TERM, 1.0),), learning_rate=2e-4, batch_size=BATCH, max_length=512)
PAGED = ("paged", "8-bit")
TRL = "NF4 QLoRA, TRL's SFTTrainer"


def qlora(setting: Setting) -> Iterator[Row]:
    """A row for NF4, NF4 with checkpointing, bf16 and fp32 LoRA, and one for TRL with NF4.

    On a card ours must have taken every step with the paged 8-bit Adam; this is asserted last, when
    all rows are out.
    """
    base = student(setting)
    taught = lessons(base, BATCH * setting.size(STEPS, 3))
    folder = setting.folder("qlora")
    sides = {
        "NF4 QLoRA": NF4,
        "NF4 QLoRA, gradient checkpointing": replace(NF4, gradient_checkpointing=True),
        "bf16 LoRA": replace(NF4, quantise="none"),
        "fp32 LoRA": replace(NF4, quantise="none", compute="fp32"),
    }
    measured_by_side = {}
    for name, settings in sides.items():
        shutil.rmtree(folder, ignore_errors=True)
        measured_by_side[name] = ours(base, taught, folder, settings)
        yield Row(name, measured_by_side[name])
    yield _beside_trl(base, taught, folder, measured_by_side["NF4 QLoRA"])
    if torch.cuda.is_available():
        for name, measures in measured_by_side.items():
            assert all(word in measures["optimizer"] for word in PAGED), name


def _beside_trl(base: Path, taught: list[Example], folder: Path, nf4: Measures) -> Row:
    """TRL's row; without TRL, or what it needs, a row that says so."""
    try:
        from tests.gpu.side_trl import theirs
    except ImportError as error:
        return Row(TRL, note=f"not measured: {error}")
    measures = theirs(base, taught, folder, NF4)
    apart = loss_gap(nf4["losses"], measures["losses"])
    return Row(TRL, measures | {"largest_loss_gap_from_ours": apart})


def loss_gap(ours: list[float], theirs: list[float]) -> float:
    """The largest difference between the losses of a step."""
    return max(abs(one - other) for one, other in zip(ours, theirs, strict=True))


def ours(base: Path, taught: list[Example], folder: Path, settings: TrainSettings) -> Measures:
    """Train in an empty folder: losses, seconds a step, peak, and the optimizer's class."""
    moments = Moments()
    reset_peak()
    with optimizers() as stepped:
        result = train(base, taught, folder, settings, moments)
    return {
        **measured([loss for _, loss, _ in result.curve], moments),
        "tokens_per_second": _rate(taught, moments),
        "optimizer": ", ".join(stepped),
    }


def measured(losses: list[float], moments: Moments) -> Measures:
    """What every side says: losses, the median step, the peak since it was reset."""
    return {
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "losses": losses,
        "step_seconds": moments.median(),
        "peak_bytes": checkpoints.peak_bytes(),
    }


def _rate(taught: list[Example], moments: Moments) -> float:
    """Tokens of an average step, padding left out, over the median step."""
    steps = len(taught) / BATCH
    tokens: Any = sum(example.encoded.length for example in taught)
    return tokens / steps / moments.median()
