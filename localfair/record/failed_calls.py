"""Calls that failed: which request, in which run, why, and the first bytes of what came instead.

Reads and writes one table of the record. A call that failed leaves no generation, so the same
command asks it again; what it said each time stays here. Knows nothing of engines.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Literal

from localfair.record.connection import now
from localfair.record.nouns import EngineIdentity, Request, content_id
from localfair.record.store import Row, Store

MOST_BYTES = 2**16  # of what came that are kept (ours)
MOST_LETTERS = 2000  # of a reason or a hint that are kept (ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCall:
    """One request that got no reply in a run.

    generation: the id of the generation that it asked for. run: None outside a run. raw: the first
    bytes of what came. tries: in how many runs it was asked and failed, this one included.
    """

    generation: str
    run: str | None
    action: Literal["generate", "score"]
    model: str
    fingerprint: str
    adapter: str
    engine: str
    about: str
    reason: str
    hint: str
    raw: bytes
    tries: int
    created: str

    @property
    def id(self) -> str:
        """The hash of request and run: a call fails at most once in a run."""
        return content_id("failed call", generation=self.generation, run=self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request got no reply, what to do about it, and the first bytes of what came."""

    reason: str
    hint: str = ""
    raw: bytes = b""


def add_failed_call(
    store: Store, run: str | None, identity: EngineIdentity, request: Request, failure: Failure
) -> FailedCall:
    """Write a call that failed; it is on disk when this returns."""
    generation = request.id(identity)
    before = store.first_column(
        "SELECT COUNT(*) FROM failed_calls WHERE generation = ?", generation
    )
    call = FailedCall(
        generation=generation,
        run=run,
        action=request.action,
        model=identity.model,
        fingerprint=identity.fingerprint,
        adapter=identity.adapter,
        engine=identity.engine,
        about=_storable(request.about),
        reason=_storable(failure.reason),
        hint=_storable(failure.hint),
        raw=failure.raw[:MOST_BYTES],
        tries=before[0] + 1,
        created=now(),
    )
    store.ensure("failed_calls", [{"id": call.id, **asdict(call)}])
    return call


def failed_calls(store: Store, run: str) -> list[FailedCall]:
    """The calls of a run that failed, in the order in which they did."""
    rows = store.rows("SELECT * FROM failed_calls WHERE run = ? ORDER BY rowid", run)
    return [failed_call_of(row) for row in rows]


def failed_call_of(row: Row) -> FailedCall:
    """A row as its failed call."""
    return FailedCall(**{field.name: row[field.name] for field in fields(FailedCall)})


def failed_count(store: Store, run: str) -> int:
    """How many calls of a run failed."""
    (count,) = store.first_column("SELECT COUNT(*) FROM failed_calls WHERE run = ?", run)
    return int(count)


def _storable(text: str) -> str:
    """The beginning of a text, with `?` for what UTF-8 cannot hold."""
    return text[:MOST_LETTERS].encode("utf-8", "replace").decode("utf-8")
