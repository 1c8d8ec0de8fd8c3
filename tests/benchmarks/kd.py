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
from tests.benchmarks.setting import Setting, child
from tests.benchmarks.sft import BATCH, STEPS, base_and_lessons, time_and_memory, trl_python

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
        ours=partial(_side, python, "kd_ours", base, lessons, setting.work, soft),
        theirs=partial(_side, python, "gkd", base, lessons, setting.work),
    )
    said = (
        f"of TRL's GKDTrainer with its teacher resident (off-policy, forward KL): SmolLM2-135M as both, float32, LoRA "
        f"r=16, {count // BATCH} steps of {BATCH} GSM8K solutions; ours reads the top {TOP_K} stored before "
        f"({softening['seconds']:.1f} s, {softening['bytes'] / 2**20:.1f} MiB)"
    )
    yield from time_and_memory("kd", rounds, said, False)


def _side(python: str, name: str, *paths: Path) -> Measure:
    measured: Measure = json.loads(
        child(python, f"tests.benchmarks.side_{name}", *paths).splitlines()[-1]
    )
    return measured


def softened(base: Path, lessons: Path, soft: Path) -> Measure:
    """The mentor's soft labels of every lesson, made as `localfair soften` makes them; seconds and
    bytes.
    """
    from localfair.models.chat import load_tokenizer
    from localfair.models.loading import load_causal_lm
    from localfair.training.encode import Encoded
    from localfair.training.soft_labels import shared_vocabulary, soften

    rows = [
        Encoded(tuple(r["input_ids"]), tuple(r["labels"])) for r in json.loads(lessons.read_text())
    ]
    _, vocabulary = shared_vocabulary(load_tokenizer(base))
    mentor = load_causal_lm(base, "fp32").eval()
    started = time.perf_counter()
    made = list(soften(mentor, rows, k=TOP_K, vocabulary=vocabulary, tau=1.0))
    seconds = time.perf_counter() - started
    texts = [
        {"top_k": s.top_k, "indices": _text(s.indices), "logprobs": _text(s.logprobs)} for s in made
    ]
    soft.write_text(json.dumps({"vocabulary": vocabulary, "labels": texts}))
    return {"seconds": seconds, "bytes": sum(len(s.indices) + len(s.logprobs) for s in made)}


def _text(stored: bytes) -> str:
    return base64.b64encode(stored).decode()
