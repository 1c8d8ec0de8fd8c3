"""Calls under way at once: threads that make them, and the answers as they come.

Every worker is a thread with one kept connection; where only one call is under way at a time, it is
made in the caller's own thread. Knows nothing of what is asked, nor of how a call is made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol

from localfair.engines.at_once import AtOnce
from localfair.engines.http_failures import NoMemory
from localfair.errors import LocalfairError, PromptTooLong, ReplyError
from localfair.machine.http import Connection
from localfair.machine.signals import let_through

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
    error: ReplyError | PromptTooLong


@dataclass(frozen=True, slots=True)
class Crowded:
    """A call for which the server had no memory while `at_once` were under way."""

    call: Call
    error: NoMemory
    at_once: int


Outcome = Answer | Failure | Crowded
Failed = Callable[[Call, LocalfairError], None]


class Left(Exception):
    """Nobody waits for the answer any more."""


class Asks(Protocol):
    """What makes the calls: a `Client`."""

    def room(self, at_once: int) -> AtOnce: ...

    def connection(self) -> Connection: ...

    def outcome(
        self, connection: Connection, call: Call, left: threading.Event, at_once: int = 1
    ) -> Outcome: ...


class Answers:
    """The answers to calls: an iterator that tells which are there already.

    The first call goes out when the first answer is asked for. Whoever asks for the next answer has
    done with those before: nothing new goes out while more than a batch of answers is not done with.
    """

    def __init__(
        self, client: Asks, calls: list[Call], at_once: int, failed: Failed | None
    ) -> None:
        self._failed = failed
        self._left = len(calls)  # calls whose outcome is not taken yet
        self._crew = _Crew(client, calls, at_once)

    def __iter__(self) -> Iterator[Answer]:
        return self

    def __next__(self) -> Answer:
        try:
            while self._left > 0:
                outcome = self._crew.next()
                if isinstance(outcome, Crowded):
                    self._crew.shrink(outcome)
                    continue
                self._left -= 1
                if isinstance(outcome, Answer):
                    return outcome
                if self._failed is None:
                    raise outcome.error
                self._failed(outcome.call, outcome.error)
        except KeyboardInterrupt:
            raise  # whoever was interrupted may still take what has arrived
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopIteration

    def ready(self) -> list[Answer]:
        """The answers that have arrived, without waiting for more; also after `close`.

        What is no answer is left for when the next answer is asked for.
        """
        answers = []
        others: list[Outcome | BaseException] = []
        for outcome in self._crew.ready():
            if isinstance(outcome, Answer):
                answers.append(outcome)
            else:
                others.append(outcome)
        self._crew.put_back(others)
        self._left -= len(answers)
        return answers

    def close(self) -> None:
        """Cancel what is under way and wait until it has ended. Idempotent."""
        self._left = 0
        self._crew.dismiss()

    def __del__(self) -> None:
        self._crew.dismiss()


class _Crew:
    """Threads that take calls from one list; none where only one call is under way at a time."""

    def __init__(self, client: Asks, calls: list[Call], at_once: int) -> None:
        self._client = client
        self._room = client.room(at_once)
        self._most = max(1, min(self._room.most, at_once, len(calls)))
        self._outcomes: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        self._news: SimpleQueue[None] = SimpleQueue()  # one for each outcome that came
        self._over = threading.Event()  # nobody waits any more
        self._todo: SimpleQueue[Call | None] = SimpleQueue()  # None: go home
        for call in calls:
            self._todo.put(call)
        self._workers: list[tuple[Connection, threading.Thread]] = []
        self._alone: Connection | None = None  # of the caller's own thread
        self._behind = 0  # outcomes that the caller has not done with
        self._taken = 0  # those of them that the caller has
        self._done_with = threading.Condition()

    def next(self) -> Outcome:
        """Wait for an outcome. Raises what concerns every call."""
        if self._most == 1 and not self._workers:
            return self._by_itself()
        self._release()
        if not self._workers:
            self._hire()
        while self._outcomes.empty():
            with let_through():
                self._news.get()  # nothing is taken yet: an interrupt here loses nothing
        outcome = self._outcomes.get()
        self._taken += 1
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def ready(self) -> list[Outcome | BaseException]:
        """The outcomes that are there."""
        outcomes: list[Outcome | BaseException] = []
        while not self._outcomes.empty():
            outcomes.append(self._outcomes.get())
        self._taken += len(outcomes)
        return outcomes

    def put_back(self, outcomes: list[Outcome | BaseException]) -> None:
        """Have these taken another time."""
        self._taken -= len(outcomes)
        for outcome in outcomes:
            self._outcomes.put(outcome)

    def shrink(self, crowded: Crowded) -> None:
        """Have fewer calls under way from now on, and this one asked again."""
        if crowded.at_once == self._most:  # else another call has told so before
            self._room.halve(crowded.error, self._most)
            self._most = self._room.most
        self._todo.put(crowded.call)

    def dismiss(self) -> None:
        """Cancel what is under way and wait until it has ended. Idempotent."""
        self._over.set()
        with self._done_with:
            self._done_with.notify_all()
        for _ in self._workers:
            self._todo.put(None)
        for connection, thread in self._workers:
            # again and again: a connection that was just being opened could not be cut
            while thread.is_alive():
                connection.cut()
                thread.join(CUT_EVERY)
        if self._alone is not None:
            self._alone.close()

    def _release(self) -> None:
        """The caller has done with what it took before."""
        if self._taken:
            with self._done_with:
                self._behind -= self._taken
                self._done_with.notify_all()
            self._taken = 0

    def _by_itself(self) -> Outcome:
        """The outcome of the next call, made in the caller's own thread."""
        call = self._todo.get()
        assert call is not None, "asked for after the end"
        if self._alone is None:
            self._alone = self._client.connection()
        with let_through():
            return self._client.outcome(self._alone, call, self._over)

    def _hire(self) -> None:
        for number in range(self._most):
            connection = self._client.connection()
            thread = threading.Thread(target=self._work, args=(number, connection), daemon=True)
            self._workers.append((connection, thread))
        for _, thread in self._workers:
            thread.start()

    def _work(self, number: int, connection: Connection) -> None:
        with connection:
            try:
                while True:
                    call = self._next_call(number)
                    if call is None:
                        return
                    outcome = self._client.outcome(connection, call, self._over, self._most)
                    self._hand_over(outcome)
            except Left:
                return
            except BaseException as error:  # the caller's thread raises it
                self._hand_over(error)

    def _next_call(self, number: int) -> Call | None:
        """The next call, once no more than a batch of outcomes waits; None to go home."""
        with self._done_with:
            while self._behind > self._most and not self._over.is_set():
                self._done_with.wait()
        call = self._todo.get()
        if call is not None and number >= self._most:
            self._todo.put(call)  # there are fewer of us now
            return None
        return None if self._over.is_set() else call

    def _hand_over(self, outcome: Outcome | BaseException) -> None:
        with self._done_with:
            self._behind += 1
        self._outcomes.put(outcome)
        self._news.put(None)
