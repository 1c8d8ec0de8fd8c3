"""plan: what a run would ask, load, take and last, before anything is started.

Reads a rehearsal of the run, model cards, the record's rates and averages, the machine, and with
--ray the cluster's nodes; writes nothing. Numbers of calls are exact where the record answers, upper
bounds where it does not yet.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localfair.committee.seating import Member
from localfair.committee.simulated import Speed
from localfair.engines import engine_of
from localfair.machine.hardware import free_memory, machine
from localfair.models.fit import memory_needed
from localfair.models.registry import Model
from localfair.pipeline.notes import Asked, asked_in, cut_thinking
from localfair.pipeline.orders import Order
from localfair.pipeline.plan_cluster import ClusterNode, PlannedCluster, planned_cluster
from localfair.pipeline.rehearsal import Rehearsed, Share, rehearse
from localfair.recipe.schema import Review, Select, Soften, Train
from localfair.record.connection import exists
from localfair.record.nouns import EngineIdentity, Sampling
from localfair.record.rates import (
    Rate,
    RecordedRate,
    ReplyLengths,
    rates_on,
    recorded_rates,
    reply_lengths,
    seconds_a_training_step,
)
from localfair.record.store import Store

LETTERS_A_TOKEN = 3.5  # of English, where the record cannot say (ours, on the safe side)
INSTRUCTIONS = 160  # tokens of a prompt's own words, for prompts that cannot be written yet (ours)
ROW = 6 * 2**10  # bytes a call takes in the record (ours, measured on FAIR runs)
ENOUGH = 8  # recorded replies before their mean is taken for an estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one step asks of one engine.

    `more` calls may come on top; tokens and seconds are of all of them, and of all loads.

    seconds: None where the engine was never measured and never answered. memory: bytes, None for
    what is not loaded here. replicas: on a cluster, how many on which node, by its name; each is a
    load.
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
    loads: int = 1
    replicas: dict[str, int] = field(default_factory=dict)

    @property
    def most_calls(self) -> int:
        """The calls that are known and those that may come on top."""
        return self.calls + self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a train step learns, in how many steps and seconds.

    more: lessons that may come on top of those known. trained: the very same adapter is in the
    record. seconds: None where the record cannot say. after_lines: it stands after so many lines of
    its plan.
    """

    step: str
    round: int
    lessons: int
    more: int
    trained: bool
    steps: int
    seconds: float | None
    after_lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The lines in order, and what they add up to. Memory and disk are bytes.

    cluster: its address, empty where this machine serves.
    """

    lines: list[Line] = field(default_factory=list)
    training: list[Training] = field(default_factory=list)
    loads: int = 0
    memory: int = 0
    memory_here: int = 0
    disk: int = 0
    disk_here: int = 0
    unmeasured: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cluster: str = ""
    nodes: list[ClusterNode] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """The calls that are known."""
        return sum(line.calls for line in self.lines)

    @property
    def more(self) -> int:
        """The calls that may come on top."""
        return sum(line.more for line in self.lines)

    @property
    def recorded(self) -> int:
        """The replies that the record holds."""
        return sum(line.recorded for line in self.lines)

    @property
    def seconds(self) -> float | None:
        """The time of all calls; None while one engine that is asked was never measured."""
        if self.unmeasured:
            return None
        return sum(line.seconds or 0.0 for line in self.lines)

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self) | {
            "seconds": self.seconds,
            "calls": self.calls,
            "more": self.more,
            "recorded": self.recorded,
        }


def plan(order: Order, until: str | None = None) -> Planned:
    """Plan the run of `order`.

    Raises what the run itself would raise for bad input; nothing is loaded or written.
    """
    with planned_cluster(order) as cluster:
        steps = rehearse(order, until)
        if cluster is not None:
            cluster.check(share.member for step in steps for share in step.shares.values())
        return _planned(order, steps, cluster)


def _planned(order: Order, steps: list[Rehearsed], cluster: PlannedCluster | None) -> Planned:
    estimate = Estimate(order, cluster)
    lines: list[Line] = []
    training: list[Training] = []
    asked_members: list[Asked] = []
    for step in steps:
        members = [share.member for share in step.shares.values()]
        asked_members += asked_in(step.step, members)
        lines += estimate.lines(step)
        if isinstance(step.step, Train):
            training.append(estimate.training(step, step.step, len(lines)))
    asked = [line for line in lines if line.most_calls]
    unmeasured = {f"{line.model} ({line.engine})" for line in asked if line.seconds is None}
    return Planned(
        lines=lines,
        training=training,
        loads=sum(line.loads for line in asked),
        memory=max((line.memory or 0 for line in asked), default=0),
        memory_here=free_memory()[1],
        disk=ROW * sum(line.most_calls for line in asked),
        disk_here=shutil.disk_usage(_existing(order.db.parent)).free,
        unmeasured=sorted(unmeasured),
        notes=cut_thinking(asked_members),
        cluster=cluster.address if cluster else "",
        nodes=cluster.nodes() if cluster else [],
    )


class Estimate:
    """Tokens, seconds and memory of rehearsed steps, told of them in their order."""

    def __init__(self, order: Order, cluster: PlannedCluster | None = None) -> None:
        self._batch = order.options.batch
        self._cluster = cluster
        self._averages = Averages(order.db)
        self._longest_reply = 0  # the longest text that a later prompt may have to quote

    def lines(self, step: Rehearsed) -> list[Line]:
        """A line for each engine that the step wants something of."""
        if self._cluster is not None and isinstance(step.step, Train | Soften):
            self._cluster.free()
        lines = [self._line(step, share) for share in step.shares.values()]
        sampling = _sampling(step)
        if sampling is not None:
            self._longest_reply = max(self._longest_reply, sampling.max_tokens)
        return lines

    def _line(self, step: Rehearsed, share: Share) -> Line:
        identity = share.member.identity
        sampling = _sampling(step) or Sampling()
        prompts = self._prompt_tokens(share)
        if prompts:
            prompt = sum(prompts) / len(prompts)
            longest = max(prompts)
        else:
            guess = INSTRUCTIONS + self._longest_reply
            prompt = longest = self._averages.prompt(identity, guess)
        calls = len(share.calls) + share.more
        prompt_tokens = round(prompt * calls)
        reply_tokens = self._reply_tokens(step, identity, sampling) * calls
        loads = share.loads
        seconds: float | None = 0.0
        replicas: dict[str, int] = {}
        if calls:
            seconds = self._averages.seconds(
                identity, self._batch, loads, prompt_tokens, reply_tokens
            )
        if calls and self._cluster is not None and self._cluster.serves(share.member):
            speed = self._speed(identity, prompt_tokens / calls, reply_tokens / calls)
            spent = self._cluster.asked(share.member, calls, speed)
            loads = spent.started
            replicas = spent.replicas
            seconds = None if seconds is None else spent.seconds
        return Line(
            step=step.step.id,
            stage=step.step.stage,
            round=step.round,
            model=identity.model,
            engine=identity.engine,
            recorded=share.recorded,
            calls=len(share.calls),
            more=share.more,
            prompt_tokens=prompt_tokens,
            reply_tokens=reply_tokens,
            seconds=seconds,
            memory=self._memory(share.member, round(longest) + sampling.max_tokens),
            loads=loads,
            replicas=replicas,
        )

    def _speed(self, identity: EngineIdentity, prompt: float, reply: float) -> Speed:
        """How fast a replica is with calls of so many tokens each, at the rates of this machine."""
        load = self._averages.seconds(identity, self._batch, 1, 0, 0) or 0.0
        call = self._averages.seconds(identity, self._batch, 0, prompt, reply) or 0.0
        return Speed(load, lambda request: self._batch * call)

    def _prompt_tokens(self, share: Share) -> list[float]:
        """The tokens of each prompt that is known, from its letters."""
        letters_a_token = self._averages.letters(share.member.identity)
        tokens = []
        for call in share.calls:
            letters = sum(len(message.content) for message in call.request.messages)
            letters += sum(map(len, call.request.continuations))
            tokens.append(letters / letters_a_token)
        return tokens

    def _reply_tokens(self, step: Rehearsed, identity: EngineIdentity, sampling: Sampling) -> int:
        """The tokens of one reply; a direct review and a select step write none."""
        is_direct = isinstance(step.step, Review) and step.step.mode == "direct"
        if is_direct or isinstance(step.step, Select):
            return 0
        return self._averages.reply(identity, sampling.max_tokens)

    def _memory(self, member: Member, context: int) -> int | None:
        """Bytes to serve a member's model.

        None for a script and for what a server of the user's own holds.
        """
        model = member.model
        if not isinstance(model, Model) or not model.has_weights:
            return None
        return memory_needed(model, context, self._batch)

    def training(self, step: Rehearsed, train: Train, after_lines: int) -> Training:
        """What a train step that stands after so many lines learns."""
        lessons = step.lessons + step.more_lessons
        batches = math.ceil(lessons / train.batch)
        steps = math.ceil(batches / train.accumulation) * train.most_epochs
        a_step = self._averages.step_seconds()
        seconds = a_step * steps if a_step else None
        if step.trained:
            steps = 0
            seconds = 0.0
        return Training(
            step=train.id,
            round=step.round,
            lessons=step.lessons,
            more=step.more_lessons,
            trained=step.trained,
            steps=steps,
            seconds=seconds,
            after_lines=after_lines,
        )


def _sampling(step: Rehearsed) -> Sampling | None:
    """How a step draws replies, if it asks for any."""
    return getattr(step.step, "sampling", None)


class Averages:
    """What the record knows of lengths and speeds; nothing, where there is no record."""

    def __init__(self, db: Path) -> None:
        self._rates: list[Rate] = []
        self._replies: list[ReplyLengths] = []
        self._recorded: list[RecordedRate] = []
        self._step_seconds: float | None = None
        if exists(db):
            with Store.open(db) as store:
                self._rates = rates_on(store, machine())
                self._recorded = recorded_rates(store)
                self._replies = reply_lengths(store, at_least=ENOUGH)
                self._step_seconds = seconds_a_training_step(store)

    def _of(self, identity: EngineIdentity) -> list[ReplyLengths]:
        """The lengths of an engine's replies, for each limit that was asked with."""
        return [lengths for lengths in self._replies if _is_of(lengths, identity)]

    def reply(self, identity: EngineIdentity, limit: int) -> int:
        """Tokens of a reply: the mean of those recorded under the same limit, else the limit
        itself.
        """
        for lengths in self._of(identity):
            if lengths.limit == limit:
                return round(lengths.reply)
        return limit

    def prompt(self, identity: EngineIdentity, guess: int) -> float:
        """Tokens of a prompt that cannot be written yet."""
        return max((lengths.prompt for lengths in self._of(identity)), default=float(guess))

    def letters(self, identity: EngineIdentity) -> float:
        """Letters of a prompt's messages for each of its tokens."""
        return min((lengths.letters for lengths in self._of(identity)), default=LETTERS_A_TOKEN)

    def seconds(
        self,
        identity: EngineIdentity,
        batch: int,
        loads: int,
        prompt_tokens: float,
        reply_tokens: float,
    ) -> float | None:
        """Loading, reading and writing at the measured rates of the nearest batch size.

        Where none were measured, what the recorded calls took; None where there are none either.
        """
        if engine_of(identity).instant:
            return 0.0
        newest: dict[int, Rate] = {}
        for rate in self._rates:
            if _is_of(rate, identity):
                newest[rate.batch] = rate  # in the order of time: the last of each size stands
        if not newest:
            return self._as_recorded(identity, prompt_tokens, reply_tokens)
        nearest = min(newest, key=lambda size: abs(math.log(size / batch)))
        rate = newest[nearest]
        reading = prompt_tokens / rate.prefill
        writing = reply_tokens / rate.decode
        return loads * rate.load_seconds + reading + writing

    def _as_recorded(
        self, identity: EngineIdentity, prompt_tokens: float, reply_tokens: float
    ) -> float | None:
        for rate in self._recorded:
            if _is_of(rate, identity):
                return rate.seconds_for(prompt_tokens, reply_tokens)
        return None

    def step_seconds(self) -> float | None:
        """Seconds that a training step took, over all adapters of the record."""
        return self._step_seconds


def _is_of(measured: Rate | RecordedRate | ReplyLengths, identity: EngineIdentity) -> bool:
    """Whether something was measured on these weights in this engine."""
    return (measured.fingerprint, measured.engine) == (identity.fingerprint, identity.engine)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    folder = folder.resolve()
    while not folder.exists():
        folder = folder.parent
    return folder
