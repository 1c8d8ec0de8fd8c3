"""Many calls to one HTTP server at once, each answer handed over as soon as it is there.

Sends JSON and reads JSON; writes nothing. Knows nothing of requests, prompts or what serves. Every worker keeps one
connection, so what a call costs does not grow with their number; proxies and redirects are never followed. Where only
one call is under way at a time, it is made in the caller's own thread: an event loop would double its cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import httpx

from localfair.errors import BackendDied, BackendError, LocalfairError, PromptTooLong

if TYPE_CHECKING:
    import ssl

PATIENCE = 20.0  # seconds that a refused or broken connection, a 429 or a 503 is tried again for (ours)
ANSWER = 900.0  # seconds one answer may take (ours): a long reply on a slow machine takes minutes
BUSY = frozenset({429, 502, 503, 504})
TOO_LONG = re.compile(r"context.{0,20}(length|size|window|limit)|max_model_len|too long", re.I)


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


class Refused(BackendError):
    """The server will not do what it was asked, and would not if asked again."""


class Busy(Exception):
    """The server says that it cannot answer now."""


class Client:
    """Calls to the server at `url`. `who` is it in an error; `check` raises when it is known to be dead."""

    def __init__(
        self, url: str, key: str = "", *, who: str, hint: str = "", check: Callable[[], None] = lambda: None,
        patience: float = PATIENCE, answer: float = ANSWER,
    ) -> None:  # fmt: skip
        self.url, self.who, self.hint = url.rstrip("/"), who, hint
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._check, self._patience, self._answer = check, patience, answer

    def each(self, calls: Iterable[Call], at_once: int) -> Iterator[Answer]:
        """Every call's answer, the first finished first, at most `at_once` under way.

        Leaving early cancels the rest. Raises PromptTooLong, BackendError or BackendDied naming what it was about.
        """
        asked = list(calls)
        if min(at_once, len(asked)) == 1:
            yield from self._in_turn(asked)
            return
        answers: SimpleQueue[Answer | BaseException] = SimpleQueue()
        crew = _Crew(lambda: self._work(iter(asked), min(at_once, len(asked)), answers), answers)
        try:
            for _ in asked:
                answer = answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                yield answer
        finally:
            crew.dismiss()

    def get(self, path: str) -> Any:
        """The JSON at a path. Raises Refused or BackendDied."""
        with httpx.Client(**self._settings()) as client:
            try:
                return self._read(client.get(self.url + path), Call(path, {}))
            except (httpx.TransportError, Busy) as error:
                self._check()
                raise self._gone(error) from error

    def _settings(self) -> dict[str, Any]:
        one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        return {
            "headers": self._headers, "limits": one, "trust_env": False, "verify": _trust(), "timeout": self._answer,
        }  # fmt: skip

    def _in_turn(self, asked: list[Call]) -> Iterator[Answer]:
        """One call after another; nothing is under way while the caller holds an answer."""
        with httpx.Client(**self._settings()) as client:
            for call in asked:
                started = time.monotonic()
                yield Answer(call, self._answered_in_turn(client, call), time.monotonic() - started)

    def _answered_in_turn(self, client: httpx.Client, call: Call) -> Any:
        """See `_answered`."""
        try:
            return self._once_in_turn(client, call)
        except (httpx.TransportError, Busy) as error:
            if not _passing(error):
                raise self._gone(error) from error
        import tenacity

        try:
            return tenacity.Retrying(**self._again())(self._once_in_turn, client, call)
        except (httpx.TransportError, Busy) as error:
            raise self._gone(error) from error

    def _once_in_turn(self, client: httpx.Client, call: Call) -> Any:
        try:
            return self._read(client.post(self.url + call.path, json=call.body), call)
        except httpx.TransportError:
            self._check()
            raise

    def _again(self) -> dict[str, Any]:
        """How often, and after which pauses, what may pass is tried again."""
        import tenacity

        return {
            "retry": tenacity.retry_if_exception(_passing), "wait": tenacity.wait_random_exponential(0.25, max=5),
            "stop": tenacity.stop_before_delay(self._patience), "reraise": True,
        }  # fmt: skip

    async def _work(self, todo: Iterator[Call], workers: int, answers: SimpleQueue[Any]) -> None:
        async def worker() -> None:
            async with httpx.AsyncClient(**self._settings()) as client:
                for call in todo:
                    started = time.monotonic()
                    data = await self._answered(client, call)
                    answers.put(Answer(call, data, time.monotonic() - started))

        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())

    async def _answered(self, client: httpx.AsyncClient, call: Call) -> Any:
        """The call's answer; what may pass is tried again with growing pauses."""
        try:
            return await self._once(client, call)
        except (httpx.TransportError, Busy) as error:
            if not _passing(error):
                raise self._gone(error) from error
        import tenacity

        try:
            return await tenacity.AsyncRetrying(**self._again())(self._once, client, call)
        except (httpx.TransportError, Busy) as error:
            raise self._gone(error) from error

    async def _once(self, client: httpx.AsyncClient, call: Call) -> Any:
        try:
            return self._read(await client.post(self.url + call.path, json=call.body), call)
        except httpx.TransportError:
            self._check()
            raise

    def _read(self, response: httpx.Response, call: Call) -> Any:
        if response.status_code == 200:
            try:
                return response.json()
            except ValueError as error:
                raise BackendError(f"{self.who} answers {call.path} with no JSON", self.hint) from error
        if response.status_code in BUSY:
            raise Busy(f"status {response.status_code}: {_said(response)}")
        raise self._refused(response, call.about or call.path)

    def _refused(self, response: httpx.Response, about: str) -> LocalfairError:
        status, said = response.status_code, _said(response)
        if status in (400, 413, 422) and TOO_LONG.search(said):
            return PromptTooLong(f"{about}: {self.who} says {said}", "lower max_tokens, or serve a longer context")
        if status in (401, 403):
            return BackendError(f"{self.who} wants a key", "set LOCALFAIR_ENDPOINT_KEY to the key it was started with")
        if status >= 500:
            return BackendDied(f"{self.who} failed at {about}: {said}", self.hint)
        return Refused(f"{self.who} refuses {about}: status {status}, {said}", self.hint)

    def _gone(self, error: Exception) -> BackendDied:
        if isinstance(error, Busy):
            return BackendDied(f"{self.who} stays busy: {error}", "lower --batch, or run the same command again later")
        if isinstance(error, httpx.ReadTimeout):
            return BackendDied(f"{self.who} gave no answer in {self._answer:.0f} s", self.hint)
        return BackendDied(f"{self.who} does not answer: {error or type(error).__name__}", self.hint)


class _Crew:
    """A thread with an event loop of its own that does one piece of work; its failure goes to `answers`."""

    def __init__(self, work: Callable[[], Any], answers: SimpleQueue[Any]) -> None:
        self._work, self._answers = work, answers
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="localfair-http", daemon=True)
        self._thread.start()

    def dismiss(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        self._begun.wait()
        if self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._task = self._loop.create_task(self._work())
            self._begun.set()
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._answers.put(_first(error))
        finally:
            self._loop.close()


def _first(error: BaseException) -> BaseException:
    """The first of a group's errors; the rest were cancelled because of it, or tell the same."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _passing(error: BaseException) -> bool:
    """Worth another try: a busy server, a connection refused or broken; not an answer that takes too long."""
    return isinstance(error, Busy | httpx.TransportError) and not isinstance(error, httpx.ReadTimeout)


def _said(response: httpx.Response) -> str:
    """The server's own words, on one line."""
    try:
        data = response.json()
        error = data.get("error", data)
        text = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        text = response.text
    return " ".join(str(text).split())[:300]


@cache
def _trust() -> ssl.SSLContext:
    """Made once: reading the certificates takes longer than a call."""
    import ssl

    return ssl.create_default_context()
