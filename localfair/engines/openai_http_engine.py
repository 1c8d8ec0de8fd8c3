"""An engine for a server the user already runs: llama-server, Ollama, LM Studio, vLLM, anything OpenAI-compatible.

Sends chat messages and reads replies; the server applies its own chat template, and its weights cannot be verified.
Loopback only, or a host the workspace allows. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from localfair.engines.base import Opening
from localfair.engines.completions import (
    LISTED,
    constrained,
    drawing,
    generation,
    leaning,
)
from localfair.engines.http_client import Answer, Call, Client
from localfair.engines.requests import refuse_too_long
from localfair.errors import EngineError
from localfair.models import endpoint
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models import Model

CHAT = "/v1/chat/completions"


class OpenAIHttpEngine:
    """An `Engine`, and a `Scorer` of single tokens; the server is first asked at the first request."""

    def __init__(self, model: Model, opening: Opening) -> None:
        url = endpoint.allowed(model.card.url, opening.hosts)
        self.identity = opening.identity
        self._card = model.card
        self._context = model.context
        self._batch = opening.batch
        self._url = url
        self._who = f"the server at {url}"
        self._client = Client(
            url,
            endpoint.key(),
            who=self._who,
            hint="is it still running? Start it and run the same command again",
        )
        self._seen = False

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`. What the server gives no way to measure is refused by the server itself."""
        asked = list(requests)
        bodies = [self._body(request) for request in asked]
        self._ready(asked)
        calls = [Call(CHAT, body, r.about, r) for r, body in zip(asked, bodies, strict=True)]
        for answer in self._client.each(calls, self._batch):
            yield generation(answer.call.tag, answer.data, answer.seconds, self._who)

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`: each continuation must be one of the likeliest first tokens that the server lists.

        Raises EngineError for one that is not listed: too unlikely, or more than one token.
        """
        asked = list(requests)
        self._ready(asked)
        most = LISTED.get(self._card.server, 20)
        first = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": most}
        own = self._card.server == "llamacpp"
        calls = [
            Call(
                CHAT,
                self._messages(r) | first | (leaning(r.continuations[0]) if own else {}),
                r.about,
                r,
            )
            for r in asked
        ]
        for answer in self._client.each(calls, self._batch):
            yield self._scored(answer, most)

    def close(self) -> None:
        """See `Engine`. The server is not ours to stop; it is asked again who it is before the next request."""
        self._seen = False

    def _body(self, request: Request) -> dict[str, Any]:
        server = self._card.server
        logprobs = {"logprobs": True} if request.logprobs else {}
        return (
            self._messages(request)
            | drawing(request, server)
            | constrained(request, server)
            | logprobs
        )

    def _messages(self, request: Request) -> dict[str, Any]:
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        return {"model": self._card.served, "messages": messages}

    def _ready(self, asked: list[Request]) -> None:
        """The server is there, is who it was, and every request fits, before the first is sent."""
        if not asked:
            return
        if not self._seen:
            seen = endpoint.look(self._url, self._card.served)
            if self._card.identity and seen.identity != self._card.identity:
                raise EngineError(
                    f"{self._who} now holds other weights than when {self.identity.model} was added",
                    f"localfair models add --endpoint {self._card.url} --served {self._card.served} --name NEW",
                )
            self._seen = True
        for request, tokens in self._lengths(asked):
            reply = request.sampling.max_tokens if request.action == "generate" else 1
            refuse_too_long(request, tokens, reply, self.identity, self._context)

    def _lengths(self, asked: list[Request]) -> Iterator[tuple[Request, int]]:
        """The prompt's tokens of every request, from servers that count them and say how many fit."""
        if not self._context:
            return
        if self._card.server == "vllm":
            calls = [Call("/tokenize", self._messages(r), r.about, r) for r in asked]
            yield from (
                (a.call.tag, int(a.data["count"])) for a in self._client.each(calls, self._batch)
            )
        if self._card.server == "llamacpp":
            calls = [Call("/apply-template", self._messages(r), r.about, r) for r in asked]
            prompts = list(self._client.each(calls, self._batch))
            whole = {"add_special": True, "parse_special": True}
            calls = [
                Call("/tokenize", {"content": a.data["prompt"]} | whole, tag=a.call.tag)
                for a in prompts
            ]
            yield from (
                (a.call.tag, len(a.data["tokens"])) for a in self._client.each(calls, self._batch)
            )

    def _scored(self, answer: Answer, most: int) -> Generation:
        request: Request = answer.call.tag
        try:
            usage, tokens = answer.data["usage"], answer.data["choices"][0]["logprobs"]["content"]
            listed = {t["token"]: float(t["logprob"]) for t in reversed(tokens[0]["top_logprobs"])}
        except (KeyError, IndexError, TypeError) as error:
            raise EngineError(
                f"{self._who} lists no log-probabilities", 'set review.mode = "reasoned"'
            ) from error
        if absent := [c for c in request.continuations if c not in listed]:
            raise EngineError(
                f"{request.about or 'a request'}: {self._who} does not list {absent[0]!r} "
                f"among the {most} likeliest tokens",
                'score with an engine that loads the weights itself, or set review.mode = "reasoned"',
            )
        return Generation(
            request=request, text="", finish="stop", prompt_tokens=int(usage["prompt_tokens"]),
            completion_tokens=len(request.continuations), seconds=answer.seconds,
            logprobs=tuple(listed[c] for c in request.continuations),
        )  # fmt: skip
