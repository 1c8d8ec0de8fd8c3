"""Our side of the training benchmark, in a process of its own: `localfair.training.qlora.train` on
the given lessons.

Arguments: base folder, lessons file, working folder. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

from localfair.training import qlora
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


def measured(base: Path, lessons: list[Any], work: Path, chosen: TrainSettings) -> dict[str, Any]:
    """Train in a fresh folder; losses, pace and memory."""
    moments: list[float] = []
    start: list[str] = []
    imported = peak_mib()
    made = qlora._with_adapter

    def watched(*given: Any) -> Any:
        model = made(*given)
        start.append(adapter_mark(model))
        return model

    with (
        tempfile.TemporaryDirectory(dir=work) as folder,
        mock.patch.object(qlora, "_with_adapter", watched),
    ):
        done = train(
            base, lessons, Path(folder), chosen, lambda _: moments.append(time.perf_counter())
        )
    return {
        "losses": [loss for _, loss, _ in done.curve],
        "step_seconds": pace(moments),
        "peak_mib": peak_mib(),
        "imported_mib": imported,
        "start": start[0],
    }


def main(base: Path, lessons: Path, work: Path) -> None:
    found = [
        Example(Encoded(tuple(row["input_ids"]), tuple(row["labels"])), "rationale")
        for row in json.loads(lessons.read_text())
    ]
    print(json.dumps(measured(base, found, work, settings())))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
