"""Distillation from stored soft labels beside TRL's GKDTrainer, which keeps its teacher in memory.

Reads SmolLM2 (teacher and student) and GSM8K; writes the soft labels and each side's folder
below the working folder. Both sides minimise KL(teacher || student) over the reply's tokens at
temperature 1; ours from the top k of each token and the mass outside them, TRL's from whole
distributions that it computes at each step.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.pairs import Journal, Measure, Result
from tests.benchmarks.setting import Setting
from tests.benchmarks.sft import BATCH, STEPS, base_and_lessons, side, time_and_memory, trl_python

TOP_K = 64


def beside_gkd(setting: Setting) -> Iterator[Result]:
    """Step time and peak memory; interleaved, a process a side."""
    count = setting.size(STEPS, 5) * BATCH
    base, lessons = base_and_lessons(setting, count)
    journal = Journal(setting.work, "kd", lessons=count, batch=BATCH, top_k=TOP_K)
    soft = setting.work / f"soft-{count}-{TOP_K}.json"
    softening = journal.once("softening", lambda: softened(base, lessons, soft))
    python = trl_python(setting)
    rounds = journal.side_by_side(
        setting.count(7),
        ours=partial(side, python, "kd_ours", base, lessons, setting.work, soft),
        theirs=partial(side, python, "gkd", base, lessons, setting.work),
    )
    that = (
        "of TRL's GKDTrainer with its teacher resident (off-policy, forward KL): "
        f"SmolLM2-135M as both, float32, LoRA r=16, {count // BATCH} steps of {BATCH} GSM8K "
        f"solutions; ours reads the top {TOP_K} stored before "
        f"({softening['seconds']:.1f} s, {softening['bytes'] / 2**20:.1f} MiB)"
    )
    yield from time_and_memory("kd", rounds, that, None)


def softened(base: Path, lessons: Path, soft: Path) -> Measure:
    """Write the mentor's soft labels of every lesson, as `localfair soften` makes them.

    Their seconds and bytes.
    """
    from localfair.models.chat import load_tokenizer
    from localfair.models.loading import load_causal_lm
    from localfair.training.soft_labels import shared_vocabulary, soften
    from tests.benchmarks.side_ours import read_lessons

    encoded = read_lessons(lessons)
    _, vocabulary = shared_vocabulary(load_tokenizer(base))
    mentor = load_causal_lm(base, "fp32").eval()
    started = time.perf_counter()
    labels = list(soften(mentor, encoded, k=TOP_K, vocabulary=vocabulary, tau=1.0))
    seconds = time.perf_counter() - started
    stored = []
    size = 0
    for label in labels:
        indices = _text(label.indices)
        logprobs = _text(label.logprobs)
        stored.append({"top_k": label.top_k, "indices": indices, "logprobs": logprobs})
        size += len(label.indices) + len(label.logprobs)
    soft.write_text(json.dumps({"vocabulary": vocabulary, "labels": stored}))
    return {"seconds": seconds, "bytes": size}


def _text(stored: bytes) -> str:
    return base64.b64encode(stored).decode()
