"""How fast engines read and write, how long their replies are, and how long a training step takes.

Reads generations and adapters; reads and writes `rates`. Knows nothing of how a rate is measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from localfair.record.at_work import SPAN, at_work
from localfair.record.store import Store

RATES = """
SELECT id, model, fingerprint, engine, machine, batch, prompt_tokens, reply_tokens, prefill, decode,
       load_seconds, peak_memory, created
FROM rates WHERE machine = ? ORDER BY created
"""
LENGTHS = """
SELECT fingerprint, engine, json_extract(sampling, '$.max_tokens') AS "limit",
       AVG(completion_tokens) AS reply, AVG(prompt_tokens) AS prompt,
       SUM(LENGTH(messages)) * 1.0 / SUM(prompt_tokens) AS letters
FROM generations WHERE action = 'generate' AND prompt_tokens > 0
GROUP BY fingerprint, engine, "limit" HAVING COUNT(*) >= ?
"""
NEWEST = f"""
SELECT g.fingerprint, g.engine, g.prompt_tokens, g.completion_tokens, {SPAN}
FROM generations g ORDER BY g.rowid DESC LIMIT ?
"""
RECORDED = f"""
SELECT fingerprint, engine, COUNT(*) AS calls, SUM(prompt_tokens) AS prompt_tokens,
       SUM(completion_tokens) AS reply_tokens, SUM(busy) AS seconds
FROM ({at_work(NEWEST, by="fingerprint, engine")}) GROUP BY fingerprint, engine
"""
RECENT = 20_000  # generations that a recorded rate is of
READING = 0.1  # of the time of a written token that a token of a prompt takes (ours)
SECONDS_A_STEP = "SELECT SUM(seconds) / SUM(steps) FROM adapters WHERE steps > 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast an engine is with a model on a machine, with so many sequences at once.

    prefill, decode: tokens a second of all sequences together. peak_memory: bytes, of the process
    and its children. prompt_tokens, reply_tokens: of one sequence.
    """

    id: str
    model: str
    fingerprint: str
    engine: str
    machine: str
    batch: int
    prompt_tokens: int
    reply_tokens: int
    prefill: float
    decode: float
    load_seconds: float
    peak_memory: int
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyLengths:
    """Mean lengths of an engine's replies under one token limit.

    reply, prompt: tokens. letters: of a prompt, for each of its tokens.
    """

    fingerprint: str
    engine: str
    limit: int
    reply: float
    prompt: float
    letters: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRate:
    """How long an engine was at work for so many recorded calls. Tokens are of all of them."""

    fingerprint: str
    engine: str
    calls: int
    prompt_tokens: int
    reply_tokens: int
    seconds: float

    def seconds_for(self, prompt_tokens: float, reply_tokens: float) -> float:
        """How long it would be for so many tokens."""
        known = READING * self.prompt_tokens + self.reply_tokens
        return self.seconds * (READING * prompt_tokens + reply_tokens) / max(known, 1.0)


def recorded_rates(store: Store) -> list[RecordedRate]:
    """What the newest recorded calls took, for each engine that answered one."""
    return [RecordedRate(**row) for row in store.rows(RECORDED, RECENT)]


def add_rate(store: Store, rate: Rate) -> None:
    """Write what was measured."""
    store.ensure("rates", [asdict(rate)])


def rates_on(store: Store, machine: str) -> list[Rate]:
    """What engines were measured at on a machine, in the order of time."""
    return [Rate(**row) for row in store.rows(RATES, machine)]


def reply_lengths(store: Store, at_least: int) -> list[ReplyLengths]:
    """Lengths of generated replies, for each engine and limit with at least so many of them."""
    return [ReplyLengths(**row) for row in store.rows(LENGTHS, at_least)]


def seconds_a_training_step(store: Store) -> float | None:
    """The mean over all adapters; None when none was trained."""
    seconds: list[float | None] = store.first_column(SECONDS_A_STEP)
    return seconds[0]


def fastest(rates: Iterable[Rate]) -> Rate:
    """The rate of the engine that writes most tokens a second at any batch size."""
    return max(rates, key=lambda rate: rate.decode)
