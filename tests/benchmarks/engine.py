"""What the pipeline adds to its engine, and what many sequences at once are worth.

Reads weights and SVAMP; writes records and requantised weights below the working folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

from localfair.engines import Engine, EngineSpec, open_engine
from localfair.models import Model, find_model, resolve
from localfair.models.requantise import requantise
from localfair.pipeline.orders import Order
from localfair.record.nouns import Generation, Message, Request, Sampling
from localfair.record.store import Store
from localfair.tasks import get_task
from tests.benchmarks.ceiling import bounds
from tests.benchmarks.pairs import Journal, Measure, Result, Target, middle, ratios, result
from tests.benchmarks.setting import SMOL, Setting, committee_order, copied, exam_record, run

BATCH = 16


class Kept:
    """An engine that stays loaded between runs and remembers what it was last asked; else the one it wraps."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.asked: list[Request] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        self.asked = list(requests)
        return self._engine.generate(self.asked)

    def close(self) -> None:
        """Not yet: a load would enter the measure."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def pipeline_over_engine(setting: Setting) -> Iterator[Result]:
    """`inquire` through the pipeline, and the very same requests given to the very same loaded engine."""
    limit = setting.size(24, 3)
    record = exam_record(setting, limit)
    order = committee_order(setting, setting.work / "pipeline.db", (SMOL,), (), limit)
    model = find_model(SMOL, setting.workspace)
    with closing(open_engine("llama_cpp", model, batch=BATCH)) as engine:
        kept = Kept(engine)
        _through_pipeline(kept, record, order)  # loads the model and says what is asked
        asked = kept.asked
        journal = Journal(
            setting.work, "pipeline-over-engine", limit=limit, batch=BATCH, small=setting.small
        )
        rounds = journal.side_by_side(
            setting.count(7),
            ours=lambda: _through_pipeline(kept, record, order),
            theirs=lambda: _rate(lambda: [g.completion_tokens for g in engine.generate(asked)]),
        )
    yield result(
        "pipeline-over-engine", ratios(rounds, "rate"), Target("at least", 0.95),
        f"`inquire` of FAIR on {limit} SVAMP questions through the pipeline, fresh record, over the same {len(asked)} "
        f"requests given to the same llama.cpp engine ({BATCH} sequences, SmolLM2-135M Q4_1); no load in either",
        details={
            "pipeline_tokens_per_second": middle(rounds, "ours", "rate"),
            "engine_tokens_per_second": middle(rounds, "theirs", "rate"), "tokens": middle(rounds, "ours", "tokens"),
        },
    )  # fmt: skip


def _through_pipeline(kept: Kept, record: Path, order: Order) -> Measure:
    """One run up to `inquire` on a fresh copy of the exam's record."""
    copied(record, order.db)

    def work() -> list[int]:
        with mock.patch.object(EngineSpec, "open", lambda *_: kept):
            run(order, "inquire")
        with Store.open(order.db) as store:
            sql = "SELECT completion_tokens AS n FROM generations WHERE id IN (SELECT generation FROM explanations)"
            return [row["n"] for row in store.rows(sql)]

    return _rate(work)


def _rate(work: Callable[[], Iterable[int]]) -> Measure:
    """Seconds that `work` takes, the tokens it says it generated, and their quotient."""
    started = time.perf_counter()
    tokens = sum(work())
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "tokens": tokens, "rate": tokens / seconds}


def batched_over_serial(setting: Setting) -> Iterator[Result]:
    """Ours at 16 sequences over `Llama.create_chat_completion` in a loop, for three types of the same weights."""
    for kind, goal in (("Q8_0", 2.2), ("BF16", 2.2), ("Q4_1", 1.6)):
        name = SMOL if kind == "Q4_1" else requantise(SMOL, kind.lower(), setting.workspace).name
        path = resolve(name, setting.workspace).path
        yield _batched_over_serial(setting, path, kind, Target("at least", goal))


def _batched_over_serial(setting: Setting, path: Path, kind: str, target: Target) -> Result:
    from llama_cpp import Llama

    from localfair.machine.hardware import physical_cores

    requests = questions(setting, setting.size(32, 4), setting.size(setting.reply_tokens, 8))
    model = find_model(str(path), setting.workspace)
    assert isinstance(model, Model)
    serial = Llama(
        str(path),
        n_ctx=1024,
        n_threads=physical_cores(),
        n_threads_batch=physical_cores(),
        verbose=False,
    )
    cap = requests[0].sampling.max_tokens
    journal = Journal(setting.work, "batched-over-serial", kind=kind, asked=len(requests), cap=cap)
    with closing(open_engine("llama_cpp", model, batch=BATCH)) as engine, closing(serial):
        list(engine.generate(requests[:1]))
        _in_a_loop(serial, requests[:1])
        rounds = journal.side_by_side(
            setting.count(7),
            ours=lambda: _rate(lambda: [g.completion_tokens for g in engine.generate(requests)]),
            theirs=lambda: _rate(lambda: _in_a_loop(serial, requests)),
        )
        ceiling = bounds(path.stat().st_size, serial._model.n_params(), BATCH)
    batched, one_by_one = middle(rounds, "ours", "rate"), middle(rounds, "theirs", "rate")
    return result(
        f"batched-over-serial {kind}", ratios(rounds, "rate"), target,
        f"{len(requests)} SVAMP questions, replies of up to {cap} tokens, greedy: our "
        f"llama.cpp engine at {BATCH} sequences over llama-cpp-python's `create_chat_completion` one by one, "
        f"SmolLM2-135M {kind}",
        details={
            "batched_tokens_per_second": batched, "serial_tokens_per_second": one_by_one, **ceiling,
            "share_of_bound_serial": round(one_by_one / ceiling["bound_at_1"], 3),
            "share_of_bound_batched": round(batched / ceiling[f"bound_at_{BATCH}"], 3),
        },
    )  # fmt: skip


def questions(setting: Setting, count: int, max_tokens: int) -> list[Request]:
    """Real questions as a student is asked them, greedy."""
    found = get_task("svamp").read(setting.published("svamp")).questions[:count]
    sampling = Sampling(max_tokens=max_tokens)
    return [
        Request(messages=(Message("user", f"{q.text}\n\nThink step by step."),), sampling=sampling)
        for q in found
    ]


def _in_a_loop(llama: Any, requests: list[Request]) -> list[int]:
    """The way a loop over prompts calls it: one chat completion, then the next."""
    counts = []
    for request in requests:
        reply = llama.create_chat_completion(
            messages=[{"role": m.role, "content": m.content} for m in request.messages],
            temperature=request.sampling.temperature, max_tokens=request.sampling.max_tokens,
        )  # fmt: skip
        counts.append(reply["usage"]["completion_tokens"])
    return counts
