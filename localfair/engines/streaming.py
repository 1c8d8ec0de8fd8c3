"""A reply while it is written: the one way to read it piece by piece, from any engine.

An engine that can is a `Streamer`; any other gives its reply as one piece when it is finished.
Knows nothing of tokens, servers or terminals.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Protocol, runtime_checkable

from localfair.engines.arrivals import close
from localfair.engines.base import Engine
from localfair.errors import EngineDied
from localfair.record.nouns import Generation, Request

UNFINISHED = "\ufffd"  # what stands for a character of which not every byte is there

Streamed = Generator[str, None, Generation]


@runtime_checkable
class Streamer(Protocol):
    """An engine that shows a reply while it is written; not every engine can."""

    def stream(self, request: Request) -> Streamed:
        """Yield the text of one reply in pieces, and return the generation.

        The pieces together are its text. What `generate` would leave to `Opening.failed` is raised
        before the first piece.
        """
        ...


def stream(engine: Engine, request: Request) -> Streamed:
    """The reply in pieces: in one, where the engine is no `Streamer`."""
    if isinstance(engine, Streamer):
        with closing(engine.stream(request)) as pieces:
            return (yield from pieces)
    arrivals = engine.generate([request])
    try:
        generation = next(arrivals, None)
    finally:
        close(arrivals)
    if generation is None:
        raise EngineDied(
            f"{engine.identity.model} gave no reply", "ask again, or use another --engine"
        )
    yield generation.text
    return generation


class Growing:
    """A text that grows token by token: what of it no later token can take back.

    The beginning of a stop string may become the whole of it, and bytes a character.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._given = 0  # characters that were handed out

    def more(self, text: str) -> str:
        """What is settled of the text and was not handed out yet."""
        return self.rest(text[: self._settled(text)])

    def rest(self, text: str) -> str:
        """What of the finished text was not handed out yet."""
        piece = text[self._given :]
        self._given += len(piece)
        return piece

    def _settled(self, text: str) -> int:
        """How much of the text stays, whatever comes after it."""
        end = len(text.rstrip(UNFINISHED))
        for stop in self._stops:
            for length in range(min(len(stop) - 1, end), 0, -1):
                if text[:end].endswith(stop[:length]):
                    end -= length
                    break
        return end
