"""Our side of the training benchmark, in a process of its own: `qlora.train` on given lessons.

Arguments: base folder, lessons file, working folder. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from localfair.training.encode import Encoded
from localfair.training.qlora import TrainSettings, train
from localfair.training.trainer import Example
from tests.benchmarks.sft import BATCH, adapter_mark, pace, peak_mib


def settings(
    terms: tuple[tuple[str, float], ...] = (("rationale", 1.0),), **changes: Any
) -> TrainSettings:
    """What both sides train with."""
    return TrainSettings(
        terms=terms,
        quantise="none",
        compute="fp32",
        batch_size=BATCH,
        learning_rate=1e-4,
        **changes,
    )


def measured(
    base: Path, lessons: list[Example], work: Path, chosen: TrainSettings
) -> dict[str, Any]:
    """Train in a fresh folder; losses, pace and memory."""
    moments: list[float] = []
    imported = peak_mib()
    with tempfile.TemporaryDirectory(dir=work) as folder:
        trained = train(
            base, lessons, Path(folder), chosen, lambda _: moments.append(time.perf_counter())
        )
    return {
        "losses": [loss for _, loss, _ in trained.curve],
        "step_seconds": pace(moments),
        "peak_mib": peak_mib(),
        "imported_mib": imported,
        "start": start_mark(base, lessons[:BATCH], work, chosen),
    }


def start_mark(base: Path, lessons: list[Example], work: Path, chosen: TrainSettings) -> str:
    """The mark of the adapter that training with these settings begins with.

    Training again at a learning rate next to nothing leaves it as it was.
    """
    still = replace(chosen, learning_rate=1e-30)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        train(base, lessons, Path(folder), still)
        weights = load_file(Path(folder) / "adapter_model.safetensors")
    return adapter_mark(weights.items())


def read_lessons(path: Path) -> list[Encoded]:
    """The lessons of a file, as tokens and labels."""
    lessons = json.loads(path.read_text())
    return [Encoded(tuple(each["input_ids"]), tuple(each["labels"])) for each in lessons]


def main(base: Path, lessons: Path, work: Path) -> None:
    examples = [Example(encoded, "rationale") for encoded in read_lessons(lessons)]
    print(json.dumps(measured(base, examples, work, settings())))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
