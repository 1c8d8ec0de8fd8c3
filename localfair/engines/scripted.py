"""The scripted engine: answers from a script's rules, a shipped peer of the real ones for
documentation and tests.

Reads a `localfair.models.script.Script`. Knows nothing of weights, tasks or the store.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from localfair.engines.base import EngineSpec, Opening
from localfair.engines.requests import prepared, refuse_constraint, refuse_too_long
from localfair.engines.streaming import Streamed
from localfair.errors import CorruptWeights
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models.script import Rule, Script


class ScriptedEngine:
    """An `Engine` and a `Scorer`.

    Answers in the order asked; counts `calls` and `loads` so that a test can.
    """

    def __init__(self, script: Script, opening: Opening) -> None:
        self.identity = opening.identity
        self.script = script
        self._failed = opening.failed
        self.calls = 0
        self.loads = 0
        self._loaded = False

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """One reply per request. Raises PromptTooLong before the first reply."""
        pending = prepared(requests, self._fitting, self._failed)
        self._load()
        for request in pending:
            self._count()
            yield self._reply(request)

    def stream(self, request: Request) -> Streamed:
        """See `Streamer`: word by word."""
        fitting = self._fitting(request)
        self._load()
        self._count()
        generation = self._reply(fitting)
        yield from re.findall(r"\S*\s*", generation.text)
        return generation

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """The rule's `scores` per continuation (log-probabilities).

        Uniform for those it does not name.
        """
        for request in requests:
            self._load()
            self._count()
            rule, _ = self._rule(request)
            uniform = -math.log(len(request.continuations))
            yield Generation(
                request=request,
                text="",
                finish="stop",
                prompt_tokens=_count_words(request),
                completion_tokens=0,
                seconds=0.0,
                logprobs=tuple(rule.scores.get(text, uniform) for text in request.continuations),
            )

    def _fitting(self, request: Request) -> Request:
        """The request, if its reply can be written."""
        refuse_constraint(request, "scripted")
        most = request.sampling.max_tokens
        words = _count_words(request)
        refuse_too_long(request, words, most, self.identity, self.script.context)
        return request

    def close(self) -> None:
        """Nothing is held; the next request counts as a load."""
        self._loaded = False

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            self.loads += 1

    def _count(self) -> None:
        self.calls += 1
        time.sleep(self.script.delay)

    def _reply(self, request: Request) -> Generation:
        rule, match = self._rule(request)
        template = rule.replies[request.seed % len(rule.replies)]
        words = match.expand(template).split(" ")
        kept = words[: request.sampling.max_tokens]
        finish: Literal["stop", "length"] = "stop" if len(kept) == len(words) else "length"
        return Generation(
            request=request,
            text=" ".join(kept),
            finish=finish,
            prompt_tokens=_count_words(request),
            completion_tokens=len(kept),
            seconds=0.0,
        )

    def _rule(self, request: Request) -> tuple[Rule, re.Match[str]]:
        """The first rule that the messages match. Raises CorruptWeights when none does."""
        text = _text(request)
        for rule in self.script.rules:
            match = rule.when.search(text)
            if match:
                return rule, match
        raise CorruptWeights(
            f"no rule of script {self.script.name!r} matches: {text[:80]!r}",
            'end it with a rule `when = ""`',
        )


def _text(request: Request) -> str:
    """All messages as one text."""
    return "\n".join(message.content for message in request.messages)


def _count_words(request: Request) -> int:
    """A script's tokens are words."""
    return len(_text(request).split())


SPEC = EngineSpec(
    name="scripted",
    reads=("script",),
    opens=ScriptedEngine,
    variant=lambda model, precision: "scripted",
    scores=True,
    scores_texts=True,
    adapts=True,
    instant=True,
)
