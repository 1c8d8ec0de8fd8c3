"""Many calls to one HTTP server at once, each answer handed over as soon as it is there.

Sends JSON and reads JSON; writes nothing. Knows nothing of requests, prompts or what serves.
Every worker is a thread with one kept connection; where only one call is under way at a time, it
is made in the caller's own thread.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from localfair.errors import EngineDied, EngineError, LocalfairError, PromptTooLong, ReplyError
from localfair.machine.http import KEPT, Broken, Connection, Reply, Unreachable
from localfair.machine.terminal import shown_in_line

if TYPE_CHECKING:
    import tenacity

AGAIN = frozenset({408, 429, 500, 502, 503, 504})  # statuses that another try may change
FIRST_PAUSE = 0.5  # seconds before the second try; twice as long before each one after it (ours)
LONGEST_PAUSE = 60.0  # seconds that a server may ask us to wait before a try (ours)
WORDS = 300  # letters of a server's own words that an error quotes
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


class Refused(EngineError):
    """The server will not do what it was asked, and would not if asked again."""


class Busy(Exception):
    """The server says that it cannot answer now; `reply` is how."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"status {reply.status}: {_words(reply)}")
        self.reply = reply


class Left(Exception):
    """Nobody waits for the answer any more."""


def _alive() -> None:
    """Of a server that nobody watches, nothing is known."""


class Client:
    """Calls to the server at `url`.

    `who` is it in an error; `check` raises when it is known to be dead. The attribute `key_hint`
    says where its key is put.
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
        self.key_hint = "set LOCALFAIR_ENDPOINT_KEY to the key it was started with"
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
                raise self._failure(error, call) from error

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
            raise self._failure(error, call) from error
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
                raise ReplyError(
                    f"{self._about(call)} answers {call.path} with no JSON ({_why(error)}): "
                    f"{_words(reply) or 'nothing'}",
                    "is a proxy or another program between? The same command asks again",
                    raw=reply.content[:KEPT],
                    retryable=True,
                ) from None
        if reply.status in AGAIN:
            raise Busy(reply)
        raise self._refused(reply, call)

    def _refused(self, reply: Reply, call: Call) -> LocalfairError:
        """What a status that another try does not change stands for."""
        status = reply.status
        words = _words(reply)
        about = call.about or call.path
        said = f"{self.who} refuses {about}: status {status}, {words}"
        if status in (400, 413, 422) and TOO_LONG.search(words):
            return PromptTooLong(
                f"{about}: {self.who} says {words}", "lower max_tokens, or serve a longer context"
            )
        if status in (401, 403):
            said = f"{self.who} wants a key, or another one ({status}): {words}"
            return EngineError(said, self.key_hint)
        if 300 <= status < 400:
            return Refused(said, "no redirect is followed: give `models add` the address itself")
        if status == 404:
            return Refused(said, "does it still serve this model, under this name?")
        if status == 413:
            return ReplyError(
                said, "lower max_tokens, or serve a longer context", raw=reply.content[:KEPT]
            )
        hint = "it says what it does not take; its own log may say more"
        return ReplyError(said, hint, raw=reply.content[:KEPT])

    def _failure(self, error: Exception, call: Call) -> LocalfairError:
        """What it means that no try brought an answer."""
        who = self._about(call)
        if isinstance(error, Busy):
            raw = error.reply.content[:KEPT]
            if error.reply.status == 500:
                hint = "its own log says why; the same command asks again"
                return ReplyError(f"{who} fails: {error}", hint, raw=raw, retryable=True)
            hint = "lower --batch, or run the same command again later"
            return ReplyError(f"{who} stays busy: {error}", hint, raw=raw, retryable=True)
        if isinstance(error, Unreachable):
            return EngineDied(f"{self.who} does not answer: {error}", self.hint)
        if isinstance(error, TimeoutError):
            return ReplyError(
                f"{who} gave no answer in {self.limits.answer:g} s",
                "give it longer: `timeout` in the [endpoint] table of its card",
                retryable=True,
            )
        partial = error.partial if isinstance(error, Broken) else b""
        return ReplyError(
            f"{who} broke off: {error or type(error).__name__}",
            self.hint,
            raw=partial,
            retryable=True,
        )

    def _about(self, call: Call) -> str:
        """The server in an error about one call."""
        return f"{call.about}: {self.who}" if call.about else self.who


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


def retry_after(value: str) -> float | None:
    """The seconds of a Retry-After header, a number or a date; None for anything else."""
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _words(reply: Reply) -> str:
    """The server's own words, on one line."""
    try:
        data = reply.json()
        error = data.get("error", data)
        text = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        text = reply.content[: 4 * WORDS].decode(errors="replace")
    one_line = " ".join(str(text)[: 4 * WORDS].split())
    return shown_in_line(one_line)[:WORDS]


def _why(error: ValueError) -> str:
    """Why something is no JSON, without the text itself."""
    return str(error).partition(":")[0][:WORDS]
