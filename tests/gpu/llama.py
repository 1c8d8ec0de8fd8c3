"""llama.cpp on the card: generation, shared prompts, two of the benchmarks, the review stage.

Reads SmolLM2's GGUF and SVAMP; writes records and requantised weights below the working folder. The
package llama-cpp-python must have been built with CUDA where there is a card.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing

from localfair.committee.seating import Seating
from localfair.engines import Engine, open_engine
from localfair.errors import MissingDependency
from localfair.models import Model
from localfair.pipeline.bench import Bench, Lengths, measure
from localfair.record.nouns import Message, Request, Sampling
from localfair.record.store import Store
from tests.benchmarks import engine as benchmarks
from tests.benchmarks.committee import MODES, ordered
from tests.benchmarks.pairs import Result
from tests.benchmarks.setting import Setting as BenchmarkSetting
from tests.benchmarks.setting import copied, exam_record, run
from tests.gpu import models
from tests.gpu.machine import card_facts
from tests.gpu.models import SMOL
from tests.gpu.setting import Measures, Row, Setting
from tests.gpu.toy import svamp_file

ROUNDS = 3  # of a benchmark
BATCH = 16
# what a benchmark says of the processor's ceiling, which is not the card's
OF_THE_PROCESSOR = ("read_gb", "matmul", "bound", "share_of")


def generation(setting: Setting) -> Iterator[Row]:
    """Shared prompts, then tokens read and written a second at 1, 16 and 64 sequences."""
    yield _prompt_sharing(setting, checked(setting))
    what = Bench(
        batches=(1, 2) if setting.toy else (1, 16, 64),
        lengths=Lengths(prompt=setting.size(80, 8), reply=setting.size(64, 4)),
    )
    seating = Seating(setting.workspace, 0, what.options)
    for engine in ("llama_cpp", "transformers"):
        for rate in measure(seating, SMOL, engine, what):
            measures = {
                "prompt_tokens": rate.prompt_tokens,
                "reply_tokens": rate.reply_tokens,
                "read_tokens_per_second": rate.prefill,
                "written_tokens_per_second": rate.decode,
                "load_seconds": rate.load_seconds,
            }
            yield Row(f"{engine}, {rate.batch} sequences", measures)


def _prompt_sharing(setting: Setting, model: Model) -> Row:
    """The time of prompts that begin alike, beside as long ones that do not."""
    numbers = setting.size(150, 8)
    with closing(open_engine("llama_cpp", model, batch=BATCH)) as engine:
        _seconds(engine, _prompts(numbers, shared=False, seed=0))  # loads
        alone = _seconds(engine, _prompts(numbers, shared=False, seed=1))
        shared = _seconds(engine, _prompts(numbers, shared=True, seed=2))
    return Row(
        f"llama_cpp, {BATCH} prompts of {numbers} numbers that begin alike, or not",
        {"alike_seconds": shared, "not_alike_seconds": alone, "times_as_fast": alone / shared},
    )


def pipeline_over_engine(setting: Setting) -> Iterator[Row]:
    """`tests.benchmarks` has it: what the pipeline keeps of its engine's pace."""
    checked(setting)
    for result in benchmarks.pipeline_over_engine(_benchmark(setting)):
        yield _row(result)


def batched_over_serial(setting: Setting) -> Iterator[Row]:
    """`tests.benchmarks` has it: 16 sequences at once over calls in a loop, for three types."""
    checked(setting)
    for result in benchmarks.batched_over_serial(_benchmark(setting)):
        yield _row(result)


def reviews(setting: Setting) -> Iterator[Row]:
    """The review stage of FAIR, direct and reasoned, on copies of one record of explanations."""
    checked(setting)
    limit = setting.size(24, 2)
    benchmark = _benchmark(setting)
    seats = (SMOL, SMOL)
    orders = {mode: ordered(benchmark, seats, mode, limit, f"{mode}.db") for mode in MODES}
    inquired = copied(exam_record(benchmark, limit), benchmark.work / "inquired.db")
    copied(inquired, orders["direct"].db)
    run(orders["direct"], "inquire")
    copied(orders["direct"].db, inquired)
    for mode, order in orders.items():
        copied(inquired, order.db)
        started = time.perf_counter()
        run_id = run(order, "review")
        seconds = time.perf_counter() - started
        with Store.open(order.db) as store:
            steps = store.rows("SELECT stage, calls FROM run_steps WHERE run = ?", run_id)
        [calls] = [step["calls"] for step in steps if step["stage"] == "review"]
        measures = {"reviews": calls, "seconds": seconds, "reviews_per_second": calls / seconds}
        yield Row(f"{mode} reviews, load included", measures)


def checked(setting: Setting) -> Model:
    """SmolLM2's GGUF, or the tiny llama's under its name.

    Raises MissingDependency without llama-cpp-python, or where it was built without the card.
    """
    model = models.gguf(setting)
    from llama_cpp import llama_cpp as low

    if not setting.toy and card_facts() and not low.llama_supports_gpu_offload():
        raise MissingDependency(
            "llama-cpp-python was built without CUDA", "build it with CMAKE_ARGS=-DGGML_CUDA=ON"
        )
    return model


def _benchmark(setting: Setting) -> BenchmarkSetting:
    """The benchmarks' setting, with the workspace of ours."""
    return BenchmarkSetting(
        models=setting.workspace / "models" / "weights",
        data=svamp_file(setting).parent.parent if setting.toy else setting.data,
        work=setting.workspace.parent,
        reply_tokens=128,
        pairs=setting.size(ROUNDS, 1),
        small=setting.toy,
    )


def _row(result: Result) -> Row:
    measures: Measures = {"median": result.median, "rounds": result.pairs}
    if result.low is not None:
        measures |= {"low": result.low, "high": result.high}
    for name, value in result.details.items():
        if not name.startswith(OF_THE_PROCESSOR):
            measures[name] = value
    return Row(result.name, measures, result.compared)


def _prompts(numbers: int, *, shared: bool, seed: int) -> list[Request]:
    """A batch of prompts that end differently; `shared`: after the same beginning."""
    draw = random.Random(seed)
    beginning = _listed(draw, numbers)
    requests = []
    for index in range(BATCH):
        listed = beginning if shared else _listed(draw, numbers)
        message = Message("user", f"{listed}\nWhat is number {index}?")
        requests.append(Request(messages=(message,), sampling=Sampling(max_tokens=1)))
    return requests


def _listed(draw: random.Random, numbers: int) -> str:
    return " ".join(str(draw.randrange(100, 1000)) for _ in range(numbers))


def _seconds(engine: Engine, requests: list[Request]) -> float:
    started = time.perf_counter()
    for _ in engine.generate(requests):
        pass
    return time.perf_counter() - started
