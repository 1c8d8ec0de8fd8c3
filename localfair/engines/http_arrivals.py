"""Generations out of a server's answers, as they arrive.

Reads answers; knows nothing of sockets, nor of how an answer is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from localfair.engines.base import FailedRequest
from localfair.engines.http_crew import Answer, Answers, Call, Failed
from localfair.engines.scoring import Scoring
from localfair.errors import LocalfairError, ReplyError
from localfair.machine.signals import let_through
from localfair.record.nouns import Generation, Request

Read = Callable[[Answer], Generation | None]  # None: it makes no generation yet


class ServerArrivals:
    """`Arrivals` of an engine behind a server.

    `phases` make the answers when their turn comes: each is asked once the one before is answered.
    `read` makes a generation of an answer. An answer that it cannot read (ReplyError) goes to
    `failed` as a call that failed; without one the error is raised.
    """

    def __init__(self, read: Read, failed: Failed | None, *phases: Callable[[], Answers]) -> None:
        self._read = read
        self._failed = failed
        self._phases = iter(phases)
        self._answers: Answers | None = None
        self._unread: list[tuple[Call, ReplyError]] = []

    def __iter__(self) -> Iterator[Generation]:
        return self

    def __next__(self) -> Generation:
        while True:
            self._hand_over_unread()
            if self._answers is None:
                begin = next(self._phases)
                with let_through():
                    self._answers = begin()
            for answer in self._answers:
                generation = self._generation(answer)
                self._hand_over_unread()
                if generation is not None:
                    return generation
            self._answers = None

    def ready(self) -> list[Generation]:
        """See `Arrivals`."""
        generations = []
        for answer in self._answers.ready() if self._answers else ():
            generation = self._generation(answer)
            if generation is not None:
                generations.append(generation)
        return generations

    def close(self) -> None:
        """See `Arrivals`."""
        self._phases = iter(())
        if self._answers is not None:
            self._answers.close()

    def _generation(self, answer: Answer) -> Generation | None:
        try:
            return self._read(answer)
        except ReplyError as error:
            self._unread.append((answer.call, error))
            return None

    def _hand_over_unread(self) -> None:
        """The answers that could not be read are failed calls."""
        while self._unread:
            call, error = self._unread.pop(0)
            if self._failed is None:
                self.close()
                raise error
            self._failed(call, error)


def by_request(failed: FailedRequest | None) -> Failed | None:
    """A client's `failed` that hands on the request, which a call's `tag` is or belongs to.

    A request fails once, however many calls it takes.
    """
    if failed is None:
        return None
    handed_on: dict[int, Request] = {}

    def hand_on(call: Call, error: LocalfairError) -> None:
        request = _request_of(call)
        if id(request) not in handed_on:
            handed_on[id(request)] = request
            failed(request, error)

    return hand_on


def _request_of(call: Call) -> Request:
    """The request that a call is made for; a scoring is told that it failed."""
    tag = call.tag[0] if isinstance(call.tag, tuple) else call.tag
    if isinstance(tag, Scoring):
        tag.failed = True
        return tag.request
    request: Request = tag
    return request
