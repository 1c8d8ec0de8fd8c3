"""Many calls to one HTTP server at once, each answer handed over as soon as it is there.

Sends JSON and reads JSON; writes nothing. Knows nothing of requests, prompts or what serves.
Every worker is a thread with one kept connection; where only one call is under way at a time, it
is made in the caller's own thread.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from localfair.engines.http_failures import Busy, Served, retry_after
from localfair.errors import ReplyError
from localfair.machine.http import KEPT, Connection, Reply

if TYPE_CHECKING:
    import tenacity

AGAIN = frozenset({408, 429, 500, 502, 503, 504})  # statuses that another try may change
FIRST_PAUSE = 0.5  # seconds before the second try; twice as long before each one after it (ours)
LONGEST_PAUSE = 60.0  # seconds that a server may ask us to wait before a try (ours)
CUT_EVERY = 0.02  # seconds between two tries to end a worker


@dataclass(frozen=True, slots=True)
class Call:
    """A JSON body for a path; `tag` is the caller's, `about` names it in an error."""

    path: str
    body: dict[str, Any]
    about: str = ""
    tag: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as JSON and as bytes, and the seconds from sending to receiving (retries
    included).
    """

    call: Call
    data: Any
    seconds: float
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed by itself; others may succeed."""

    call: Call
    error: ReplyError


Outcome = Answer | Failure
Failed = Callable[[Call, ReplyError], None]


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


class Left(Exception):
    """Nobody waits for the answer any more."""


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

    def each(
        self, calls: Iterable[Call], at_once: int, failed: Failed | None = None
    ) -> Iterator[Answer]:
        """Every call's answer, the first finished first, at most `at_once` under way.

        A call that fails by itself goes to `failed`, and the others go on; without one its
        ReplyError is raised. Leaving early cancels the rest. Raises PromptTooLong, EngineError or
        EngineDied naming what it was about.
        """
        asked = list(calls)
        for outcome in self._outcomes(asked, at_once):
            if isinstance(outcome, Answer):
                yield outcome
            elif failed is None:
                raise outcome.error
            else:
                failed(outcome.call, outcome.error)

    def _outcomes(self, calls: list[Call], at_once: int) -> Iterator[Outcome]:
        if min(at_once, len(calls)) == 1:
            yield from self._one_by_one(calls)
            return
        crew = _Crew(self, calls, at_once)
        try:
            for _ in calls:
                outcome = crew.outcomes.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                yield outcome
        finally:
            crew.dismiss()

    def _one_by_one(self, calls: list[Call]) -> Iterator[Outcome]:
        never = threading.Event()  # the caller waits for every answer
        with self.connection() as connection:
            for call in calls:
                yield self.outcome(connection, call, never)

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

    def outcome(self, connection: Connection, call: Call, left: threading.Event) -> Outcome:
        """The call's answer, or how it failed by itself. Raises what concerns every call."""
        try:
            return self.answer(connection, call, left)
        except ReplyError as error:
            return Failure(call, error)

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
            if not left.is_set():
                self._check()
            raise

    def _read(self, reply: Reply, call: Call) -> Answer:
        """The JSON of a reply. Raises Busy, or the error that the server's status stands for."""
        if reply.status == 200:
            try:
                return Answer(call, reply.json(), 0.0, reply.content[:KEPT])
            except ValueError as error:
                raise self.server.no_json(reply, call.about, error) from None
        if reply.status in AGAIN:
            raise Busy(reply)
        raise self.server.refused(reply, call.about or call.path)


class _Crew:
    """Threads that take calls from one list, a connection each.

    How each call ended, and what concerns them all, goes to `outcomes`.
    """

    def __init__(self, client: Client, calls: list[Call], at_once: int) -> None:
        self.outcomes: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        self._client = client
        self._left = threading.Event()
        self._todo: SimpleQueue[Call] = SimpleQueue()
        for call in calls:
            self._todo.put(call)
        self._workers: list[tuple[Connection, threading.Thread]] = []
        for _ in range(min(at_once, len(calls))):
            connection = client.connection()
            thread = threading.Thread(target=self._work, args=(connection,), daemon=True)
            self._workers.append((connection, thread))
        for _, thread in self._workers:
            thread.start()

    def dismiss(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        self._left.set()
        for connection, thread in self._workers:
            # again and again: a connection that was just being opened could not be cut
            while thread.is_alive():
                connection.cut()
                thread.join(CUT_EVERY)

    def _work(self, connection: Connection) -> None:
        with connection:
            try:
                while True:
                    call = self._todo.get_nowait()
                    self.outcomes.put(self._client.outcome(connection, call, self._left))
            except Empty:
                return
            except BaseException as error:  # the caller's thread raises it
                self.outcomes.put(error)


def _passing(error: BaseException) -> bool:
    """Whether another try may help: the server is busy, or its connection was refused or broken.

    An answer that takes too long is not asked for again.
    """
    return isinstance(error, Busy | OSError) and not isinstance(error, TimeoutError)
