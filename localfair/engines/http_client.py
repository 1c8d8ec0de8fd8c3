"""Many calls to one HTTP server at once, each answer handed over as soon as it is there.

Sends JSON and reads JSON; writes nothing. How calls go at once stands in `http_crew`. Knows nothing
of requests, prompts or what serves.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localfair.engines.at_once import AtOnce
from localfair.engines.http_crew import Answer as Answer
from localfair.engines.http_crew import Answers, Crowded, Failure, Left, Outcome
from localfair.engines.http_crew import Call as Call
from localfair.engines.http_crew import Failed as Failed
from localfair.engines.http_failures import (
    Busy,
    NoMemory,
    Served,
    is_out_of_memory,
    retry_after,
    words_of,
)
from localfair.errors import PromptTooLong, ReplyError
from localfair.machine.http import KEPT, Connection, Reply

if TYPE_CHECKING:
    import tenacity

AGAIN = frozenset({408, 429, 500, 502, 503, 504})  # statuses that another try may change
FIRST_PAUSE = 0.5  # seconds before the second try; twice as long before each one after it (ours)
LONGEST_PAUSE = 60.0  # seconds that a server may ask us to wait before a try (ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a client waits, in seconds, and how often it tries (ours).

    answer: for one whole answer. A long reply on a slow machine takes minutes. tries: in all, where
    the connection was refused or broke, or the server says that it is busy or failed. pause: before
    the second try, doubled before each after it; a server's own Retry-After goes before it. longest:
    the longest pause.
    """

    answer: float = 900.0
    tries: int = 6
    pause: float = FIRST_PAUSE
    longest: float = LONGEST_PAUSE


def _alive() -> None:
    """Of a server that nobody watches, nothing is known."""


class Client:
    """Calls to the server at `url`.

    `server` is it in an error; `check` raises when it is known to be dead.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        server: Served,
        check: Callable[[], None] = _alive,
        limits: Limits = Limits(),
    ) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self.server = server
        self.limits = limits
        self._check = check
        self._at_once: AtOnce | None = None

    def room(self, at_once: int) -> AtOnce:
        """How many calls go at once: as many as wanted, until memory was too short for them."""
        if self._at_once is None:
            self._at_once = AtOnce(self.server.who, at_once)
        return self._at_once

    def each(self, calls: Iterable[Call], at_once: int, failed: Failed | None = None) -> Answers:
        """Every call's answer, the first finished first, at most `at_once` under way.

        A call that fails by itself goes to `failed`, and the others go on; without one its
        ReplyError is raised. Leaving early cancels the rest. Raises PromptTooLong, EngineError or
        EngineDied naming what it was about.
        """
        return Answers(self, list(calls), at_once, failed)

    def get(self, path: str) -> Any:
        """The JSON at a path. Raises Refused, ReplyError or EngineDied."""
        call = Call(path, {})
        with self.connection() as connection:
            try:
                return self._read(connection.ask(path), call).data
            except (OSError, Busy) as error:
                self._check()
                raise self.server.failed(error, call.about, self.limits.answer) from error

    def connection(self) -> Connection:
        """A new one, not opened yet."""
        return Connection(self.url, self.key, answer=self.limits.answer)

    def outcome(
        self, connection: Connection, call: Call, left: threading.Event, at_once: int = 1
    ) -> Outcome:
        """The call's answer, or how it failed by itself. Raises what concerns every call.

        `at_once`: how many are under way, this one included.
        """
        try:
            return self.answer(connection, call, left)
        except (ReplyError, PromptTooLong) as error:
            return Failure(call, error)
        except NoMemory as error:
            return Crowded(call, error, at_once)

    def answer(self, connection: Connection, call: Call, left: threading.Event) -> Answer:
        """The call's answer.

        What may pass is tried again with growing pauses, until `left` is set (raises Left).
        """
        started = time.monotonic()
        try:
            answer = self._tried(connection, call, left)
        except (OSError, Busy) as error:
            raise self.server.failed(error, call.about, self.limits.answer) from error
        return Answer(call, answer.data, time.monotonic() - started, answer.raw)

    def _tried(self, connection: Connection, call: Call, left: threading.Event) -> Answer:
        """The first try goes without tenacity: most calls need no other."""
        try:
            return self._once(connection, call, left)
        except (OSError, Busy) as error:
            if not _passing(error):
                raise
            first = [error]
        import tenacity

        def again() -> Answer:
            if first:
                raise first.pop()  # tenacity counts the first try and pauses after it
            return self._once(connection, call, left)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passing),
            wait=self._pause,
            stop=tenacity.stop_after_attempt(self.limits.tries),
            sleep=tenacity.sleep_using_event(left),
            reraise=True,
        )
        return retrying(again)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Seconds before the next try: what the server asks for, else longer each time.

        Half to all of it by chance, so that calls that failed together do not come back together.
        """
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Busy):
            asked = retry_after(error.reply.retry_after)
            if asked is not None:
                return min(asked, self.limits.longest)
        doubled = self.limits.pause * 2.0 ** min(state.attempt_number - 1, 30)
        return min(doubled, self.limits.longest) * random.uniform(0.5, 1)

    def _once(self, connection: Connection, call: Call, left: threading.Event) -> Answer:
        if left.is_set():
            raise Left
        try:
            return self._read(connection.ask(call.path, call.body), call)
        except OSError:
            if left.is_set():
                raise Left from None  # we broke it off ourselves
            self._check()
            raise

    def _read(self, reply: Reply, call: Call) -> Answer:
        """The JSON of a reply. Raises Busy, or the error that the server's status stands for."""
        if reply.status == 200:
            try:
                return Answer(call, reply.json(), 0.0, reply.content[:KEPT])
            except ValueError as error:
                raise self.server.no_json(reply, call.about, error) from None
        if reply.status >= 400 and is_out_of_memory(reply):
            raise NoMemory(words_of(reply))
        if reply.status in AGAIN:
            raise Busy(reply)
        raise self.server.refused(reply, call.about or call.path)


def _passing(error: BaseException) -> bool:
    """Whether another try may help: the server is busy, or its connection was refused or broken.

    An answer that takes too long is not asked for again.
    """
    return isinstance(error, Busy | OSError) and not isinstance(error, TimeoutError)
