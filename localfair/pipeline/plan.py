"""plan: what a run would ask, load, take and last, before anything is started.

Reads a rehearsal of the run, model cards, the record's rates and averages, and the machine; writes nothing.
Numbers of calls are exact where the record answers, upper bounds where it does not yet.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localfair.committee.seating import Seating
from localfair.engines import engine_of
from localfair.errors import ModelError
from localfair.machine.hardware import free_memory, machine
from localfair.models.fit import memory_needed
from localfair.models.registry import Model
from localfair.pipeline.orders import Order
from localfair.pipeline.rehearsal import Rehearsed, Share, rehearse
from localfair.recipe.schema import Review, SamplingKeys, Train
from localfair.record.connection import exists
from localfair.record.nouns import EngineIdentity
from localfair.record.store import Store

LETTERS_A_TOKEN = 3.5  # of English, where the record cannot say (ours, on the safe side)
INSTRUCTIONS = 160  # tokens of a prompt's own words, for prompts that cannot be written yet (ours)
ROW = 6 * 2**10  # bytes a call takes in the record (ours, measured on FAIR runs)
ENOUGH = 8  # recorded replies before their mean is taken for an estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one step asks of one engine. `more` calls may come on top; tokens and seconds are of all of them.

    `seconds` is None where the engine has no measured rates.
    """

    step: str
    stage: str
    round: int
    model: str
    engine: str
    recorded: int
    calls: int
    more: int
    prompt_tokens: int
    reply_tokens: int
    seconds: float | None
    memory: int | None


@dataclass(slots=True)
class Planned:
    """The lines in order, and what they add up to."""

    lines: list[Line] = field(default_factory=list)
    training: list[dict[str, Any]] = field(default_factory=list)
    loads: int = 0
    memory: int = 0
    memory_here: int = 0
    disk: int = 0
    disk_here: int = 0
    unmeasured: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        """The time of all calls; None while one engine that is asked was never measured."""
        return None if self.unmeasured else sum(line.seconds or 0.0 for line in self.lines)

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self) | {
            "seconds": self.seconds,
            "calls": sum(line.calls for line in self.lines),
            "more": sum(line.more for line in self.lines),
            "recorded": sum(line.recorded for line in self.lines),
        }


def plan(order: Order, until: str | None = None) -> Planned:
    """Plan the run of `order`. Raises what the run itself would raise for bad input; nothing is loaded or written."""
    steps = rehearse(order, until)
    seating = Seating(order.workspace, order.seed, order.options)
    planned = Planned(
        memory_here=free_memory()[1], disk_here=shutil.disk_usage(_existing(order.db.parent)).free
    )
    averages = Averages(order.db)
    upstream = 0  # the longest text a later prompt may have to quote
    for step in steps:
        lines = [
            _line(order, seating, averages, step, share, upstream) for share in step.shares.values()
        ]
        planned.lines += lines
        planned.loads += sum(line.calls + line.more > 0 for line in lines)
        if isinstance(step.step, Train):
            planned.training.append(_training(averages, step) | {"after_lines": len(planned.lines)})
        upstream = max([upstream, *(keys.max_tokens for keys in _sampling(step))])
    asked = [line for line in planned.lines if line.calls + line.more]
    planned.memory = max((line.memory or 0 for line in asked), default=0)
    planned.disk = ROW * sum(line.calls + line.more for line in asked)
    planned.unmeasured = sorted(
        {f"{line.model} ({line.engine})" for line in asked if line.seconds is None}
    )
    return planned


def _sampling(step: Rehearsed) -> Iterable[SamplingKeys]:
    found = getattr(step.step, "sampling", None)
    return [found] if found else []


def _line(
    order: Order, seating: Seating, averages: Averages, step: Rehearsed, share: Share, upstream: int
) -> Line:
    identity = share.member.identity
    sampling = next(iter(_sampling(step)), SamplingKeys())
    direct = isinstance(step.step, Review) and step.step.mode == "direct"
    reply = 0 if direct else averages.reply(identity, sampling.max_tokens)
    letters = averages.letters(identity)
    lengths = [sum(len(m.content) for m in call.request.messages) / letters for call in share.calls]
    known = (
        sum(lengths) / len(lengths)
        if lengths
        else averages.prompt(identity, INSTRUCTIONS + upstream)
    )
    calls = len(share.calls) + share.more
    prompt_tokens, reply_tokens = round(known * calls), reply * calls
    longest = round(max(lengths, default=known)) + sampling.max_tokens
    return Line(
        step=step.step.id, stage=step.step.stage, round=step.round, model=identity.model, engine=identity.engine,
        recorded=share.recorded, calls=len(share.calls), more=share.more,
        prompt_tokens=prompt_tokens, reply_tokens=reply_tokens,
        seconds=averages.seconds(identity, order.options.batch, prompt_tokens, reply_tokens) if calls else 0.0,
        memory=_memory(seating, identity.model, longest, order.options.batch),
    )  # fmt: skip


def _memory(seating: Seating, name: str, context: int, batch: int) -> int | None:
    """Bytes to serve a model; None for a script and for what a server of the user's own holds."""
    try:
        model = seating.model(name)
    except ModelError:
        return None
    return memory_needed(model, context, batch) if isinstance(model, Model) and model.path else None


def _training(averages: Averages, step: Rehearsed) -> dict[str, Any]:
    train = step.step
    assert isinstance(train, Train)
    lessons = step.lessons + step.more_lessons
    steps = math.ceil(math.ceil(lessons / train.batch) / train.accumulation) * train.epochs
    each = averages.step_seconds()
    return {
        "step": train.id, "round": step.round, "lessons": step.lessons, "more": step.more_lessons,
        "trained": step.trained, "steps": 0 if step.trained else steps,
        "seconds": 0.0 if step.trained else each * steps if each else None,
    }  # fmt: skip


class Averages:
    """What the record knows of lengths and speeds; nothing, where there is no record."""

    def __init__(self, db: Path) -> None:
        self._rates: list[dict[str, Any]] = []
        self._replies: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._each: float | None = None
        if exists(db):
            with Store.open(db) as store:
                self._read(store)

    def _read(self, store: Store) -> None:
        self._rates = store.rows(
            "SELECT * FROM rates WHERE machine = ? ORDER BY created", machine()
        )
        rows = store.rows(
            "SELECT fingerprint, engine, json_extract(sampling, '$.max_tokens') AS most, COUNT(*) AS n, "
            "AVG(completion_tokens) AS reply, AVG(prompt_tokens) AS prompt, "
            "SUM(LENGTH(messages)) * 1.0 / SUM(prompt_tokens) AS letters "
            "FROM generations WHERE action = 'generate' AND prompt_tokens > 0 GROUP BY 1, 2, 3"
        )
        self._replies = {
            (row["fingerprint"], row["engine"], str(row["most"])): row
            for row in rows
            if row["n"] >= ENOUGH
        }
        found = store.one("SELECT SUM(seconds) / SUM(steps) AS each FROM adapters WHERE steps > 0")
        self._each = found["each"] if found else None

    def _of(self, identity: EngineIdentity) -> list[dict[str, Any]]:
        return [
            row
            for key, row in self._replies.items()
            if key[:2] == (identity.fingerprint, identity.engine)
        ]

    def reply(self, identity: EngineIdentity, most: int) -> int:
        """Tokens of a reply: the mean of those recorded under the same limit, else the limit itself."""
        found = self._replies.get((identity.fingerprint, identity.engine, str(most)))
        return round(found["reply"]) if found else most

    def prompt(self, identity: EngineIdentity, guess: int) -> float:
        """Tokens of a prompt that cannot be written yet."""
        found = self._of(identity)
        return float(max(row["prompt"] for row in found)) if found else float(guess)

    def letters(self, identity: EngineIdentity) -> float:
        """Letters of a prompt's messages for each of its tokens."""
        found = self._of(identity)
        return float(min(row["letters"] for row in found)) if found else LETTERS_A_TOKEN

    def seconds(
        self, identity: EngineIdentity, batch: int, prompt_tokens: int, reply_tokens: int
    ) -> float | None:
        """Loading, reading and writing at the measured rates of the nearest batch size; None where there are none."""
        found = [
            r
            for r in self._rates
            if (r["fingerprint"], r["engine"]) == (identity.fingerprint, identity.engine)
        ]
        if engine_of(identity).instant:
            return 0.0
        if not found:
            return None
        newest = {row["batch"]: row for row in found}  # the last of each size stands
        rate = newest[min(newest, key=lambda size: abs(math.log(size / batch)))]
        return float(
            rate["load_seconds"] + prompt_tokens / rate["prefill"] + reply_tokens / rate["decode"]
        )

    def step_seconds(self) -> float | None:
        """Seconds that a training step took, over all adapters of the record."""
        return self._each


def _existing(folder: Path) -> Path:
    return next(p for p in (folder.resolve(), *folder.resolve().parents) if p.exists())
