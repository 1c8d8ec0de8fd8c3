"""Many calls to one HTTP server at once, each answer handed over as soon as it is there.

Sends JSON and reads JSON; writes nothing. Knows nothing of requests, prompts or what serves.
Every worker is a thread with one kept connection; where only one call is under way at a time, it
is made in the caller's own thread.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from localfair.errors import EngineDied, EngineError, LocalfairError, PromptTooLong
from localfair.machine.http import Connection, Reply

BUSY = frozenset({429, 502, 503, 504})
TOO_LONG = re.compile(r"context.{0,20}(length|size|window|limit)|max_model_len|too long", re.I)
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
    """What came back, and the seconds from sending to receiving (retries included)."""

    call: Call
    data: Any
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a client waits, in seconds (ours).

    patience: for a refused or broken connection, a 429 or a 503, which are tried again so long.
    answer: for one answer. A long reply on a slow machine takes minutes.
    """

    patience: float = 20.0
    answer: float = 900.0


class Refused(EngineError):
    """The server will not do what it was asked, and would not if asked again."""


class Busy(Exception):
    """The server says that it cannot answer now."""


class Left(Exception):
    """Nobody waits for the answer any more."""


def _alive() -> None:
    """Of a server that nobody watches, nothing is known."""


class Client:
    """Calls to the server at `url`.

    `who` is it in an error; `check` raises when it is known to be dead.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        who: str,
        hint: str = "",
        check: Callable[[], None] = _alive,
        limits: Limits = Limits(),
    ) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self.who = who
        self.hint = hint
        self.limits = limits
        self._check = check

    def each(self, calls: Iterable[Call], at_once: int) -> Iterator[Answer]:
        """Every call's answer, the first finished first, at most `at_once` under way.

        Leaving early cancels the rest. Raises PromptTooLong, EngineError or EngineDied naming
        what it was about.
        """
        asked = list(calls)
        if min(at_once, len(asked)) == 1:
            yield from self._one_by_one(asked)
            return
        crew = _Crew(self, asked, at_once)
        try:
            for _ in asked:
                answer = crew.answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                yield answer
        finally:
            crew.dismiss()

    def _one_by_one(self, calls: list[Call]) -> Iterator[Answer]:
        never = threading.Event()  # the caller waits for every answer
        with self.connection() as connection:
            for call in calls:
                yield self.answer(connection, call, never)

    def get(self, path: str) -> Any:
        """The JSON at a path. Raises Refused or EngineDied."""
        with self.connection() as connection:
            try:
                return self._read(connection.ask(path), Call(path, {}))
            except (OSError, Busy) as error:
                self._check()
                raise self._gone(error) from error

    def connection(self) -> Connection:
        """A new one, not opened yet."""
        return Connection(self.url, self.key, answer=self.limits.answer)

    def answer(self, connection: Connection, call: Call, left: threading.Event) -> Answer:
        """The call's answer.

        What may pass is tried again with growing pauses, until `left` is set (raises Left).
        """
        started = time.monotonic()
        try:
            data = self._tried(connection, call, left)
        except (OSError, Busy) as error:
            raise self._gone(error) from error
        return Answer(call, data, time.monotonic() - started)

    def _tried(self, connection: Connection, call: Call, left: threading.Event) -> Any:
        """The first try goes without tenacity: most calls need no other."""
        try:
            return self._once(connection, call, left)
        except (OSError, Busy) as error:
            if not _passing(error):
                raise
        import tenacity

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passing),
            wait=tenacity.wait_random_exponential(0.25, max=5),
            stop=tenacity.stop_before_delay(self.limits.patience),
            sleep=tenacity.sleep_using_event(left),
            reraise=True,
        )
        return retrying(self._once, connection, call, left)

    def _once(self, connection: Connection, call: Call, left: threading.Event) -> Any:
        if left.is_set():
            raise Left
        try:
            return self._read(connection.ask(call.path, call.body), call)
        except OSError:
            if not left.is_set():
                self._check()
            raise

    def _read(self, reply: Reply, call: Call) -> Any:
        """The JSON of a reply. Raises Busy, or the error that the server's status stands for."""
        if reply.status == 200:
            try:
                return reply.json()
            except ValueError as error:
                raise EngineError(
                    f"{self.who} answers {call.path} with no JSON", self.hint
                ) from error
        if reply.status in BUSY:
            raise Busy(f"status {reply.status}: {_words(reply)}")
        raise self._refused(reply, call.about or call.path)

    def _refused(self, reply: Reply, about: str) -> LocalfairError:
        status = reply.status
        words = _words(reply)
        if status in (400, 413, 422) and TOO_LONG.search(words):
            return PromptTooLong(
                f"{about}: {self.who} says {words}", "lower max_tokens, or serve a longer context"
            )
        if status in (401, 403):
            return EngineError(
                f"{self.who} wants a key",
                "set LOCALFAIR_ENDPOINT_KEY to the key it was started with",
            )
        if status >= 500:
            return EngineDied(f"{self.who} failed at {about}: {words}", self.hint)
        return Refused(f"{self.who} refuses {about}: status {status}, {words}", self.hint)

    def _gone(self, error: Exception) -> EngineDied:
        if isinstance(error, Busy):
            return EngineDied(
                f"{self.who} stays busy: {error}",
                "lower --batch, or run the same command again later",
            )
        if isinstance(error, TimeoutError):
            seconds = f"{self.limits.answer:.0f} s"
            return EngineDied(f"{self.who} gave no answer in {seconds}", self.hint)
        return EngineDied(f"{self.who} does not answer: {error or type(error).__name__}", self.hint)


class _Crew:
    """Threads that take calls from one list, a connection each.

    Answers, and what failed, go to `answers`.
    """

    def __init__(self, client: Client, calls: list[Call], at_once: int) -> None:
        self.answers: SimpleQueue[Answer | BaseException] = SimpleQueue()
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
                    self.answers.put(self._client.answer(connection, call, self._left))
            except Empty:
                return
            except BaseException as error:  # the caller's thread raises it
                self.answers.put(error)


def _passing(error: BaseException) -> bool:
    """Whether another try may help: the server is busy, or its connection was refused or broken.

    An answer that takes too long is not asked for again.
    """
    return isinstance(error, Busy | OSError) and not isinstance(error, TimeoutError)


def _words(reply: Reply) -> str:
    """The server's own words, on one line."""
    try:
        data = reply.json()
        error = data.get("error", data)
        text = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        text = reply.content.decode(errors="replace")
    return " ".join(str(text).split())[:300]
