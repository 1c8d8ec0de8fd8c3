"""Calls that failed by themselves: each a row with its reason, and a bound on how many may.

Writes failed calls. Knows nothing of how engines are asked. A run goes on without the replies to
them; the same command asks them again, once a run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from localfair.engines.storable import refuse_unstorable
from localfair.errors import CallsFailed, LocalfairError, ReplyError, TooManyFailed
from localfair.record.failed_calls import FailedCall, Failure, add_failed_call
from localfair.record.nouns import EngineIdentity, Generation, Request
from localfair.record.store import Store

MAX_FAILED = 0.1  # of a step's calls (ours)
FEW = 3  # calls that may fail in every step, whatever their share (ours)


class Failures:
    """The calls of a run that failed, by the id of the generation that they asked for.

    `run` is the run whose calls they are, None outside one. `missing` counts the replies that steps
    went on without: a call that several steps want fails once and is missing in each.
    """

    def __init__(self, store: Store, max_failed: float) -> None:
        self.run: str | None = None
        self.calls: dict[str, FailedCall] = {}
        self.missing = 0
        self._store = store
        self._max_failed = max_failed
        self._now = 0  # of the calls that are asked now
        self._total = 0
        self._label = ""

    def begin(self, total: int, label: str) -> None:
        """Count anew: `total` calls are wanted, found in the record or asked."""
        self._now = 0
        self._total = total
        self._label = label

    def add(self, identity: EngineIdentity, request: Request, error: LocalfairError) -> None:
        """Write a call that failed. Only the first failure of a call counts."""
        if request.id(identity) in self.calls:
            return
        raw = error.raw if isinstance(error, ReplyError) else b""
        failure = Failure(reason=error.message, hint=error.hint, raw=raw)
        call = add_failed_call(self._store, self.run, identity, request, failure)
        self.calls[call.generation] = replace(call, raw=b"")  # the record holds the bytes
        self.missing += 1
        self._now += 1

    def without_unstorable(
        self, identity: EngineIdentity, generations: Iterable[Generation]
    ) -> list[Generation]:
        """Those that can be stored as they are; each of the others is a call that failed."""
        good = []
        for generation in generations:
            try:
                refuse_unstorable(generation)
            except ReplyError as error:
                self.add(identity, generation.request, error)
            else:
                good.append(generation)
        return good

    def refuse_too_many(self) -> None:
        """Raise TooManyFailed when more calls failed than may.

        A few may in every step, and no more than their share above that. With a share of 0 none.
        """
        allowed = max(FEW, self._max_failed * self._total) if self._max_failed else 0
        if self._now <= allowed:
            return
        last = list(self.calls.values())[-1]
        step = self._label.rstrip(":") or "a step"
        raise TooManyFailed(
            f"{step}: {self._now} of {self._total} calls failed, more than "
            f"--max-failed {self._max_failed:g} allows; the last: {last.reason}",
            last.hint,
        )

    def refuse_any(self) -> None:
        """Raise CallsFailed when a call failed, with their number and the first one's reason."""
        if not self.calls:
            return
        first = next(iter(self.calls.values()))
        count = f"{len(self.calls)} call{'s' * (len(self.calls) > 1)} failed"
        more = ", and others" if len({call.reason for call in self.calls.values()}) > 1 else ""
        hint = f"{first.hint}; " if first.hint else ""
        raise CallsFailed(
            f"{count}: {first.reason}{more}",
            f"{hint}the same command asks them again",
            run=self.run,
        )
