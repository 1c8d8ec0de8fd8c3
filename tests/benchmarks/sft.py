"""Our training beside TRL's SFTTrainer: the same base, lessons, batches, seed, optimizer and LoRA.

Reads SmolLM2 and GSM8K; writes the dequantised base, the lessons' tokens and each side's folder below the working
folder. Each side runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from localfair.errors import UsageError
from localfair.models import Model, find_model
from localfair.tasks import get_task
from tests.benchmarks.pairs import Journal, Measure, Result, Target, middle, ratios, result
from tests.benchmarks.setting import SMOL, Setting, child

BATCH = 4
STEPS = 20
LONGEST = 320  # tokens of a lesson
WARM = 3  # steps left out of the step time


def beside_trl(setting: Setting) -> Iterator[Result]:
    """Largest difference of the loss, step time and peak memory; interleaved, a process a side."""
    base, lessons = base_and_lessons(setting, setting.size(STEPS, 5) * BATCH)
    python = trl_python(setting)
    journal = Journal(setting.work, "trl", steps=setting.size(STEPS, 5), batch=BATCH)
    sides = {
        name: partial(_side, python, name, base, lessons, setting.work) for name in ("ours", "trl")
    }
    rounds = journal.side_by_side(setting.count(7), ours=sides["ours"], theirs=sides["trl"])
    steps = len(rounds[0]["ours"]["losses"])
    same = f"SmolLM2-135M in float32, LoRA r=16 on all linears, {steps} steps of {BATCH} GSM8K solutions"
    apart = [_largest_difference(r["ours"], r["theirs"]) for r in rounds]
    yield result(
        "trl, loss", apart, Target("at most", 1e-4),
        f"largest difference of the loss over {steps} steps from TRL's SFTTrainer: {same}", unit="nats",
        details={
            "first_loss": rounds[0]["ours"]["losses"][0], "last_loss": rounds[0]["ours"]["losses"][-1],
            "same_adapter_at_start": all(r["ours"]["start"] == r["theirs"]["start"] for r in rounds),
        },
    )  # fmt: skip
    yield from time_and_memory(
        "trl", rounds, f"of TRL's SFTTrainer: {same}; no gradient checkpointing in either", True
    )


def time_and_memory(
    name: str, rounds: list[dict[str, Measure]], said: str, targets: bool
) -> Iterator[Result]:
    """The two rows that every training comparison has."""
    target = Target("at most", 1.0) if targets else None
    yield result(
        f"{name}, step time", ratios(rounds, "step_seconds"), target, f"our step time over that {said}",
        details={f"{side}_seconds": middle(rounds, side, "step_seconds") for side in ("ours", "theirs")},
    )  # fmt: skip
    yield result(
        f"{name}, peak memory", ratios(rounds, "peak_mib"), target,
        f"our process's peak resident size over that {said}",
        details={f"{side}_{key}": middle(rounds, side, key) for side in ("ours", "theirs") for key in
                 ("peak_mib", "imported_mib")},
    )  # fmt: skip


def _side(python: str, name: str, base: Path, lessons: Path, work: Path) -> Measure:
    measured: Measure = json.loads(
        child(python, f"tests.benchmarks.side_{name}", base, lessons, work).splitlines()[-1]
    )
    return measured


def _largest_difference(ours: Measure, theirs: Measure) -> float:
    return max(
        abs(float(a) - float(b)) for a, b in zip(ours["losses"], theirs["losses"], strict=True)
    )


def base_and_lessons(setting: Setting, count: int) -> tuple[Path, Path]:
    """The dequantised base, and a file of `count` lessons: GSM8K's own solutions, as tokens and labels."""
    from localfair.models.chat import load_tokenizer
    from localfair.models.dequantise import dequantised
    from localfair.record.nouns import Message
    from localfair.training.encode import Encoded, encode

    model = find_model(SMOL, setting.workspace)
    assert isinstance(model, Model)
    base, place = dequantised(model, setting.workspace), setting.work / f"lessons-{count}.json"
    if not place.exists():
        tokenizer = load_tokenizer(base)
        questions = get_task("gsm8k").read(setting.published("gsm8k")).questions
        made = (
            encode(tokenizer, (Message("user", q.text),), q.rationale, LONGEST)
            for q in questions
            if q.rationale
        )
        kept = [e for e in made if isinstance(e, Encoded)][:count]
        assert len(kept) == count, len(kept)
        place.write_text(json.dumps([{"input_ids": e.input_ids, "labels": e.labels} for e in kept]))
    return base, place


def trl_python(setting: Setting) -> str:
    """A Python in which both sides run."""
    if setting.trl_python:
        return setting.trl_python
    if importlib.util.find_spec("trl") is None:
        raise UsageError("TRL is not installed here", "name a Python that has it, and this checkout's packages, "
                         "with --trl-python")  # fmt: skip
    return sys.executable


def pace(moments: list[float]) -> float:
    """The median seconds between steps, the first few left out."""
    gaps = [b - a for a, b in pairwise(moments)]
    return median(gaps[min(WARM, len(gaps) - 1) :])


def peak_mib() -> float:
    """This program's largest resident size so far; `ru_maxrss` would count the parent's from before the exec."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(entry.split()[1] for entry in status if entry.startswith("VmHWM:"))) / 1024


def adapter_mark(model: Any) -> str:
    """A hash of the fresh adapter's weights: both sides must begin with the same."""
    import hashlib

    digest = hashlib.blake2b(digest_size=8)
    for name, weight in sorted(model.named_parameters()):
        if "lora_A" in name:
            digest.update(weight.detach().float().numpy().tobytes())
    return digest.hexdigest()
