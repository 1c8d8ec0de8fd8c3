"""bench: how fast each engine reads and writes a model on this machine, at several batch sizes.

Reads a model and sends it made-up prompts; writes its rates, which `plan` uses. Knows nothing of
tasks or recipes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from localfair.committee.seating import Options, Seating
from localfair.engines import Engine, engine_named, reading
from localfair.errors import ModelError
from localfair.machine.hardware import machine, watched
from localfair.models import FoundModel
from localfair.record.connection import now
from localfair.record.nouns import Generation, Message, Request, Sampling, content_id
from localfair.record.rates import Rate, add_rate
from localfair.record.store import Store

BATCHES = (1, 4, 8, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """What one request of the benchmark is: numbers in the prompt, most tokens of the reply."""

    prompt: int = 80
    reply: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is measured: under which engines (each that fits, when none is named), at which batch
    sizes.
    """

    engines: tuple[str, ...] = ()
    batches: tuple[int, ...] = BATCHES
    lengths: Lengths = field(default_factory=Lengths)
    options: Options = field(default_factory=Options)


def bench(
    name: str, workspace: Path, db: Path, what: Bench, say: Callable[[str], None] = print
) -> list[Rate]:
    """The rates of the model `name` under each engine that can serve it here, in order.

    They are written to the record. Raises ModelError when no engine can serve the model.
    """
    for engine in what.engines:
        engine_named(engine)  # an unknown name is refused before anything is measured
    seating = Seating(workspace, 0, what.options)
    engines = what.engines or engines_for(seating.model(name))
    if not engines:
        raise ModelError(
            f"no engine that can serve {name} is installed", "pip install 'localfair[llama]'"
        )
    rates: list[Rate] = []
    with Store.open(db, create=True) as store:
        for engine in engines:
            for rate in measure(seating, name, engine, what):
                add_rate(store, rate)
                rates.append(rate)
                say(f"{rate.engine}, batch {rate.batch}: {rate.decode:.0f} tokens/s written")
    return rates


def engines_for(model: FoundModel) -> tuple[str, ...]:
    """The installed engines that can serve a model without being told where a server is."""
    return tuple(engine.name for engine in reading(model.format) if engine.installed)


def measure(seating: Seating, name: str, engine: str, what: Bench) -> Iterator[Rate]:
    """One rate per batch size, each on an engine opened for it, smallest first: a peak is that
    batch's own.
    """
    for batch in sorted(set(what.batches)):
        seating.options = replace(seating.options, engine=engine, batch=batch)
        member = seating.member("teacher", 0, name)
        with watched() as peak, closing(member.open()) as opened:
            speeds = _speeds(opened, batch, what.lengths)
        measured = {
            "model": member.identity.model,
            "fingerprint": member.identity.fingerprint,
            "engine": member.identity.engine,
            "machine": machine(),
            "batch": batch,
            **asdict(speeds),
            "peak_memory": peak[0],
            "created": now(),
        }
        yield Rate(id=content_id("rate", **measured), **measured)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speeds:
    """Tokens of one sequence; tokens a second of all of them; seconds to load."""

    prompt_tokens: int
    reply_tokens: int
    prefill: float
    decode: float
    load_seconds: float


def _speeds(engine: Engine, batch: int, lengths: Lengths) -> _Speeds:
    """Loading, reading alone (replies of one token), then reading and writing.

    No prompt is used twice.
    """
    load_seconds, _ = _timed(engine, _requests(1, 8, 1, seed=0))
    read_seconds, read = _timed(engine, _requests(batch, lengths.prompt, 1, seed=1))
    both_seconds, written = _timed(engine, _requests(batch, lengths.prompt, lengths.reply, seed=2))
    prompt_tokens = sum(generation.prompt_tokens for generation in read)
    reply_tokens = sum(generation.completion_tokens for generation in written)
    prefill = prompt_tokens / read_seconds
    reading_again = sum(generation.prompt_tokens for generation in written) / prefill
    # reading can seem to take longer than both, by noise; writing then gets a hundredth
    write_seconds = max(both_seconds - reading_again, both_seconds / 100)
    return _Speeds(
        prompt_tokens=prompt_tokens // batch,
        reply_tokens=reply_tokens // batch,
        prefill=prefill,
        decode=reply_tokens / write_seconds,
        load_seconds=load_seconds,
    )


def _timed(engine: Engine, requests: list[Request]) -> tuple[float, list[Generation]]:
    """The seconds that an engine takes for requests, and its replies."""
    started = time.perf_counter()
    generations = list(engine.generate(requests))
    return time.perf_counter() - started, generations


def _requests(count: int, numbers: int, reply: int, seed: int) -> list[Request]:
    """Prompts that share no beginning and ask for more than `reply` tokens."""
    draw = random.Random(seed)
    requests = []
    for index in range(count):
        listed = " ".join(str(draw.randrange(100, 1000)) for _ in range(numbers))
        text = f"{listed}\nWrite this list of numbers again, all of it, three times."
        requests.append(
            Request(
                messages=(Message("user", text),),
                sampling=Sampling(temperature=0.8, max_tokens=reply),
                seed=index,
                about=f"bench prompt {index}",
            )
        )
    return requests
