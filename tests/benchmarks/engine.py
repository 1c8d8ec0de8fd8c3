"""What the pipeline adds to its engine, and what many sequences at once are worth.

Reads weights and SVAMP; writes records and requantised weights below the working folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from localfair.committee.seating import Member
from localfair.engines import Engine, open_engine
from localfair.models import Model, find_model, resolve
from localfair.models.requantise import requantise
from localfair.pipeline import runs as pipeline
from localfair.pipeline.orders import Order
from localfair.record.nouns import Generation, Message, Request, Sampling
from localfair.record.store import Store
from localfair.tasks import get_task
from tests.benchmarks.ceiling import bounds
from tests.benchmarks.pairs import Journal, Measure, Result, Target, middle, ratios, result
from tests.benchmarks.setting import SMOL, Setting, committee_order, copied, exam_record, quiet

BATCH = 16
# requantised weights -> what 16 sequences at once must be worth
WORTH = {"Q8_0": 2.2, "BF16": 2.2, "Q4_1": 1.6}
BUNDLED = "Q4_1"  # the type of SmolLM2's own file
EXPLAINED = """
SELECT completion_tokens FROM generations WHERE id IN (SELECT generation FROM explanations)"""


class Kept:
    """An engine that stays loaded between runs and remembers what it was asked last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.asked: list[Request] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        self.asked = list(requests)
        return self._engine.generate(self.asked)

    def close(self) -> None:
        """Stay loaded: a load would enter the measure."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def pipeline_over_engine(setting: Setting) -> Iterator[Result]:
    """`inquire` through the pipeline, and the very same requests given to the same loaded engine."""
    limit = setting.size(24, 3)
    record = exam_record(setting, limit)
    order = committee_order(setting, setting.work / "pipeline.db", (SMOL,), (), limit)
    model = find_model(SMOL, setting.workspace)
    with closing(open_engine("llama_cpp", model, batch=BATCH)) as engine:
        kept = Kept(engine)
        _through_pipeline(kept, record, order)  # loads the model and shows what is asked
        asked = kept.asked
        journal = Journal(
            setting.work, "pipeline-over-engine", limit=limit, batch=BATCH, small=setting.small
        )
        rounds = journal.side_by_side(
            setting.count(7),
            ours=lambda: _through_pipeline(kept, record, order),
            theirs=lambda: _rate(lambda: _generated(engine, asked)),
        )
    yield result(
        "pipeline-over-engine",
        ratios(rounds, "rate"),
        Target("at least", 0.95),
        f"`inquire` of FAIR on {limit} SVAMP questions through the pipeline, fresh record, "
        f"over the same {len(asked)} requests given to the same llama.cpp engine "
        f"({BATCH} sequences, SmolLM2-135M Q4_1); no load in either",
        details={
            "pipeline_tokens_per_second": middle(rounds, "ours", "rate"),
            "engine_tokens_per_second": middle(rounds, "theirs", "rate"),
            "tokens": middle(rounds, "ours", "tokens"),
        },
    )


def _through_pipeline(kept: Kept, record: Path, order: Order) -> Measure:
    """One run up to `inquire` on a fresh copy of the exam's record."""
    copied(record, order.db)

    def inquire() -> list[int]:
        _run(order, "inquire", kept)
        with Store.open(order.db) as store:
            return [row["completion_tokens"] for row in store.rows(EXPLAINED)]

    return _rate(inquire)


def _run(order: Order, until: str, kept: Kept) -> None:
    """A run in which the engine that is loaded already serves every member."""
    prepared = pipeline.prepare(order, until)
    members = [_with_engine(member, kept) for member in prepared.members]
    pipeline.run_prepared(replace(prepared, members=members), say=quiet, progress=quiet)


def _with_engine(member: Member, kept: Kept) -> Member:
    """The member with an engine that opens as the loaded one."""
    spec = replace(member.engine, opens=lambda model, opening: kept)
    return replace(member, engine=spec)


def _generated(engine: Engine, requests: list[Request]) -> list[int]:
    """The length of every reply, in tokens."""
    return [generation.completion_tokens for generation in engine.generate(requests)]


def _rate(work: Callable[[], Iterable[int]]) -> Measure:
    """The seconds that `work` takes, the tokens it says it generated, and their quotient."""
    started = time.perf_counter()
    tokens = sum(work())
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "tokens": tokens, "rate": tokens / seconds}


def batched_over_serial(setting: Setting) -> Iterator[Result]:
    """Ours at 16 sequences over `Llama.create_chat_completion` in a loop, for three types."""
    for weights_type, goal in WORTH.items():
        name = SMOL
        if weights_type != BUNDLED:
            name = requantise(SMOL, weights_type.lower(), setting.workspace).name
        path = resolve(name, setting.workspace).path
        yield _batched_over_serial(setting, path, weights_type, Target("at least", goal))


def _batched_over_serial(setting: Setting, path: Path, weights_type: str, target: Target) -> Result:
    requests = questions(setting, setting.size(32, 4), setting.size(setting.reply_tokens, 8))
    cap = requests[0].sampling.max_tokens
    model = find_model(str(path), setting.workspace)
    assert isinstance(model, Model)
    journal = Journal(
        setting.work, "batched-over-serial", kind=weights_type, asked=len(requests), cap=cap
    )
    serial = _llama(path)
    with closing(open_engine("llama_cpp", model, batch=BATCH)) as engine, closing(serial):
        _generated(engine, requests[:1])
        _in_a_loop(serial, requests[:1])
        rounds = journal.side_by_side(
            setting.count(7),
            ours=lambda: _rate(lambda: _generated(engine, requests)),
            theirs=lambda: _rate(lambda: _in_a_loop(serial, requests)),
        )
        ceiling = bounds(path.stat().st_size, serial._model.n_params(), BATCH)
    batched = middle(rounds, "ours", "rate")
    one_by_one = middle(rounds, "theirs", "rate")
    return result(
        f"batched-over-serial {weights_type}",
        ratios(rounds, "rate"),
        target,
        f"{len(requests)} SVAMP questions, replies of up to {cap} tokens, greedy: "
        f"our llama.cpp engine at {BATCH} sequences over llama-cpp-python's "
        f"`create_chat_completion` one by one, SmolLM2-135M {weights_type}",
        details={
            "batched_tokens_per_second": batched,
            "serial_tokens_per_second": one_by_one,
            **ceiling,
            "share_of_bound_serial": round(one_by_one / ceiling["bound_at_1"], 3),
            "share_of_bound_batched": round(batched / ceiling[f"bound_at_{BATCH}"], 3),
        },
    )


def _llama(path: Path) -> Any:
    """The model in llama-cpp-python, with as many threads and layers on a card as ours."""
    from llama_cpp import Llama

    from localfair.machine.hardware import physical_cores

    threads = physical_cores()
    return Llama(
        str(path),
        n_ctx=1024,
        n_threads=threads,
        n_threads_batch=threads,
        n_gpu_layers=-1,  # every layer; without a card this changes nothing
        verbose=False,
    )


def questions(setting: Setting, count: int, max_tokens: int) -> list[Request]:
    """Real questions as a student is asked them, greedy."""
    dataset = get_task("svamp").read(setting.published("svamp"))
    sampling = Sampling(max_tokens=max_tokens)
    requests = []
    for question in dataset.questions[:count]:
        message = Message("user", f"{question.text}\n\nThink step by step.")
        requests.append(Request(messages=(message,), sampling=sampling))
    return requests


def _in_a_loop(llama: Any, requests: list[Request]) -> list[int]:
    """The way a loop over prompts calls it: one chat completion, then the next."""
    counts = []
    for request in requests:
        reply = llama.create_chat_completion(
            messages=[{"role": m.role, "content": m.content} for m in request.messages],
            temperature=request.sampling.temperature,
            max_tokens=request.sampling.max_tokens,
        )
        counts.append(reply["usage"]["completion_tokens"])
    return counts
