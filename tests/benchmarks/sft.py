"""Our training beside TRL's SFTTrainer: the same base, lessons, batches, seed, optimizer and LoRA.

Reads SmolLM2 and GSM8K; writes the dequantised base, the lessons' tokens and each side's folder
below the working folder. A side is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator
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
    steps = setting.size(STEPS, 5)
    base, lessons = base_and_lessons(setting, steps * BATCH)
    python = trl_python(setting)
    journal = Journal(setting.work, "trl", steps=steps, batch=BATCH)
    rounds = journal.side_by_side(
        setting.count(7),
        ours=partial(side, python, "ours", base, lessons, setting.work),
        theirs=partial(side, python, "trl", base, lessons, setting.work),
    )
    losses = rounds[0]["ours"]["losses"]
    same = (
        "SmolLM2-135M in float32, LoRA r=16 on all linears, "
        f"{len(losses)} steps of {BATCH} GSM8K solutions"
    )
    apart = []
    same_start = []
    for measures in rounds:
        ours = measures["ours"]
        theirs = measures["theirs"]
        apart.append(_largest_difference(ours["losses"], theirs["losses"]))
        same_start.append(ours["start"] == theirs["start"])
    yield result(
        "trl, loss",
        apart,
        Target("at most", 1e-4),
        f"largest difference of the loss over {len(losses)} steps from TRL's SFTTrainer: {same}",
        unit="nats",
        details={
            "first_loss": losses[0],
            "last_loss": losses[-1],
            "same_adapter_at_start": all(same_start),
        },
    )
    that = f"of TRL's SFTTrainer: {same}; no gradient checkpointing in either"
    yield from time_and_memory("trl", rounds, that, Target("at most", 1.0))


def time_and_memory(
    name: str, rounds: list[dict[str, Measure]], that: str, target: Target | None
) -> Iterator[Result]:
    """The two rows that every training comparison has; `that` is the other side, in words."""
    yield result(
        f"{name}, step time",
        ratios(rounds, "step_seconds"),
        target,
        f"our step time over that {that}",
        details={
            "ours_seconds": middle(rounds, "ours", "step_seconds"),
            "theirs_seconds": middle(rounds, "theirs", "step_seconds"),
        },
    )
    yield result(
        f"{name}, peak memory",
        ratios(rounds, "peak_mib"),
        target,
        f"our process's peak resident size over that {that}",
        details={
            "ours_peak_mib": middle(rounds, "ours", "peak_mib"),
            "ours_imported_mib": middle(rounds, "ours", "imported_mib"),
            "theirs_peak_mib": middle(rounds, "theirs", "peak_mib"),
            "theirs_imported_mib": middle(rounds, "theirs", "imported_mib"),
        },
    )


def side(python: str, name: str, *paths: Path) -> Measure:
    """What one side measures in a process of its own: the last line that it prints."""
    printed = child(python, f"tests.benchmarks.side_{name}", *paths)
    measured: Measure = json.loads(printed.splitlines()[-1])
    return measured


def _largest_difference(ours: list[float], theirs: list[float]) -> float:
    return max(abs(float(a) - float(b)) for a, b in zip(ours, theirs, strict=True))


def base_and_lessons(setting: Setting, count: int) -> tuple[Path, Path]:
    """The dequantised base, and a file of `count` of GSM8K's solutions as tokens and labels."""
    from localfair.models.chat import load_tokenizer
    from localfair.models.dequantise import dequantised
    from localfair.record.nouns import Message
    from localfair.training.encode import Encoded, encode

    model = find_model(SMOL, setting.workspace)
    assert isinstance(model, Model)
    base = dequantised(model, setting.workspace)
    path = setting.work / f"lessons-{count}.json"
    if path.exists():
        return base, path
    tokenizer = load_tokenizer(base)
    lessons: list[dict[str, tuple[int, ...]]] = []
    for question in get_task("gsm8k").read(setting.published("gsm8k")).questions:
        if len(lessons) == count:
            break
        if not question.rationale:
            continue
        prompt = (Message("user", question.text),)
        encoded = encode(tokenizer, prompt, question.rationale, LONGEST)
        if isinstance(encoded, Encoded):  # else it is too long
            lessons.append({"input_ids": encoded.input_ids, "labels": encoded.labels})
    assert len(lessons) == count, len(lessons)
    path.write_text(json.dumps(lessons))
    return base, path


def trl_python(setting: Setting) -> str:
    """A Python in which both sides run."""
    if setting.trl_python:
        return setting.trl_python
    if importlib.util.find_spec("trl") is None:
        raise UsageError(
            "TRL is not installed here",
            "name a Python that has it, and this checkout's packages, with --trl-python",
        )
    return sys.executable


def pace(moments: list[float]) -> float:
    """The median seconds between steps, the first few left out."""
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    left_out = min(WARM, len(gaps) - 1)
    return median(gaps[left_out:])


def peak_mib() -> float:
    """This program's largest resident size so far.

    `ru_maxrss` would count the parent's, from before the exec.
    """
    status = Path("/proc/self/status").read_text()
    kilobytes = status.split("VmHWM:")[1].split()[0]
    return int(kilobytes) / 1024


def adapter_mark(weights: Iterable[tuple[str, Any]]) -> str:
    """A hash of an adapter's A matrices, given as names and tensors.

    Both sides must begin with the same. Every fresh B is zero.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name, weight in sorted(weights):
        if "lora_A" in name:
            digest.update(weight.detach().float().numpy().tobytes())
    return digest.hexdigest()
