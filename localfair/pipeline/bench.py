"""bench: how fast each engine reads and writes a model on this machine, at several batch sizes.

Reads a model and sends it made-up prompts; writes its rates, which `plan` uses. Knows nothing of tasks or recipes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localfair.committee.seating import Options, Seating
from localfair.engines import Engine, engine_named, reading
from localfair.errors import ModelError
from localfair.machine.hardware import machine, watched
from localfair.models import AnyModel
from localfair.record.connection import now
from localfair.record.nouns import Message, Request, Sampling, content_id
from localfair.record.store import Row, Store

BATCHES = (1, 4, 8, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """What one request of the benchmark is: numbers in the prompt, most tokens of the reply."""

    prompt: int = 80
    reply: int = 64


def bench(
    name: str, workspace: Path, db: Path, *, engines: tuple[str, ...] = (), options: Options | None = None,
    batches: Iterable[int] = BATCHES, lengths: Lengths | None = None, say: Callable[[str], None] = print,
) -> list[Row]:  # fmt: skip
    """Measure `name` under each engine that can serve it here; the new rows of `rates`, in order.

    Rates are tokens per second of all sequences together; memory is the peak of this process and its children.
    Raises ModelError when no engine can serve the model.
    """
    for engine in engines:
        engine_named(engine)  # an unknown name is refused before anything is measured
    seating = Seating(workspace, 0, options or Options())
    chosen = engines or engines_for(seating.model(name))
    if not chosen:
        raise ModelError(
            f"no engine that can serve {name} is installed", "pip install 'localfair[llama]'"
        )
    rows: list[Row] = []
    with Store.open(db, create=True) as store:
        for engine in chosen:
            for row in measure(seating, name, engine, sorted(set(batches)), lengths or Lengths()):
                store.ensure("rates", [row])
                rows.append(row)
                say(f"{row['engine']}, batch {row['batch']}: {row['decode']:.0f} tokens/s written")
    return rows


def engines_for(model: AnyModel) -> tuple[str, ...]:
    """The installed engines that can serve a model without being told where a server is."""
    return tuple(engine.name for engine in reading(model.format) if engine.installed)


def measure(
    seating: Seating, name: str, engine: str, batches: list[int], lengths: Lengths
) -> Iterator[Row]:
    """One row per batch size, each on an engine opened for it, smallest first: a peak is that batch's own."""
    for batch in batches:
        seating.options = replace(seating.options, engine=engine, batch=batch)
        member = seating.member("teacher", 0, name)
        serving = member.open()
        try:
            with watched() as peak:
                measured = _measured(serving, batch, lengths)
        finally:
            serving.close()
        parts = {
            "model": member.identity.model, "fingerprint": member.identity.fingerprint, "engine": member.identity.engine,
            "machine": machine(), "batch": batch, **measured, "peak_memory": peak[0], "created": now(),
        }  # fmt: skip
        yield {"id": content_id("rate", **parts), **parts}


def _measured(serving: Engine, batch: int, lengths: Lengths) -> dict[str, Any]:
    """Loading, reading alone (replies of one token), then reading and writing; no prompt is used twice."""
    started = time.perf_counter()
    list(serving.generate(_requests(1, 8, 1, seed=0)))
    loaded = time.perf_counter()
    read = list(serving.generate(_requests(batch, lengths.prompt, 1, seed=1)))
    reading = time.perf_counter() - loaded
    wrote = list(serving.generate(_requests(batch, lengths.prompt, lengths.reply, seed=2)))
    both = time.perf_counter() - loaded - reading
    prefill = sum(g.prompt_tokens for g in read) / reading
    tokens = sum(g.completion_tokens for g in wrote)
    writing = max(both - sum(g.prompt_tokens for g in wrote) / prefill, both / 100)
    return {
        "prompt_tokens": sum(g.prompt_tokens for g in read) // batch, "reply_tokens": tokens // batch,
        "prefill": prefill, "decode": tokens / writing, "load_seconds": loaded - started,
    }  # fmt: skip


def _requests(count: int, numbers: int, reply: int, seed: int) -> list[Request]:
    """Prompts that share no beginning and ask for more than `reply` tokens."""
    draw = random.Random(seed)
    lists = [" ".join(str(draw.randrange(100, 1000)) for _ in range(numbers)) for _ in range(count)]
    return [
        Request(
            messages=(Message("user", f"{text}\nWrite this list of numbers again, all of it, three times."),),
            sampling=Sampling(temperature=0.8, max_tokens=reply), seed=i, about=f"bench prompt {i}",
        )
        for i, text in enumerate(lists)
    ]  # fmt: skip


def best(rows: Iterable[Row]) -> Row:
    """The row whose engine writes most tokens per second at any batch size."""
    return max(rows, key=lambda row: float(row["decode"]))
