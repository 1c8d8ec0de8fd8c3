"""An engine for a server the user already runs: llama-server, Ollama, LM Studio, vLLM, anything
OpenAI-compatible.

Sends chat messages and reads replies; the server applies its own chat template, and its weights
cannot be verified. Loopback only, or a host the workspace allows. Knows nothing of tasks, recipes
or the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from localfair.engines.base import Opening
from localfair.engines.completions import LISTED, constrained, drawing, generation, leaning
from localfair.engines.http_client import Answer, Call, Client
from localfair.engines.requests import refuse_too_long
from localfair.errors import EngineError
from localfair.models import endpoint
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models import Model

CHAT = "/v1/chat/completions"


class OpenAIHttpEngine:
    """An `Engine`, and a `Scorer` of single tokens; the server is first asked at the first request.

    Raises NetworkRefused when the server's host is not allowed.
    """

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
        self._is_known = False  # the server was asked who it is

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`. What the server gives no way to measure is refused by the server itself."""
        asked = list(requests)
        calls = [Call(CHAT, self._completion(r), r.about, r) for r in asked]
        self._check(asked)
        for answer in self._client.each(calls, self._batch):
            yield generation(answer.call.tag, answer.data, answer.seconds, self._who)

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`: each continuation must be one of the likeliest first tokens that the server
        lists.

        Raises EngineError for one that is not listed: too unlikely, or more than one token.
        """
        asked = list(requests)
        self._check(asked)
        calls = [Call(CHAT, self._first_token(r), r.about, r) for r in asked]
        for answer in self._client.each(calls, self._batch):
            yield self._scored(answer)

    def close(self) -> None:
        """See `Engine`.

        The server is not ours to stop; it is asked again who it is before the next request.
        """
        self._is_known = False

    # -- what is sent -----------------------------------------------------------------------------

    def _messages(self, request: Request) -> dict[str, Any]:
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        body: dict[str, Any] = {"model": self._card.served, "messages": messages}
        enable_thinking = request.sampling.enable_thinking
        if enable_thinking is None:
            enable_thinking = self._card.enable_thinking
        if enable_thinking is not None:
            # vLLM and llama.cpp's server give it to the template; others leave it
            body["chat_template_kwargs"] = {"enable_thinking": enable_thinking}
        return body

    def _completion(self, request: Request) -> dict[str, Any]:
        body = {
            **self._messages(request),
            **drawing(request, self._card.server),
            **constrained(request, self._card.server),
        }
        if request.logprobs:
            body["logprobs"] = True
        return body

    def _first_token(self, request: Request) -> dict[str, Any]:
        """What asks for the likeliest first tokens of a reply."""
        body = {
            **self._messages(request),
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": self._listed,
        }
        if self._card.server == "llamacpp":
            body |= leaning(request.continuations[0])
        return body

    @property
    def _listed(self) -> int:
        """How many of the likeliest tokens the server can list."""
        return LISTED.get(self._card.server, 20)

    # -- before the first is sent -----------------------------------------------------------------

    def _check(self, asked: list[Request]) -> None:
        """The server is there, is who it was, and every request fits, before the first is sent."""
        if not asked:
            return
        if not self._is_known:
            self._check_identity()
            self._is_known = True
        for request, prompt in self._lengths(asked):
            reply = request.sampling.max_tokens if request.action == "generate" else 1
            refuse_too_long(request, prompt, reply, self.identity, self._context)

    def _check_identity(self) -> None:
        """Raise EngineError when the server holds other weights than when its card was made."""
        card = self._card
        answering = endpoint.look(self._url, card.served)
        if card.identity and answering.identity != card.identity:
            raise EngineError(
                f"{self._who} now holds other weights than when {self.identity.model} was added",
                f"localfair models add --endpoint {card.url} --served {card.served} --name NEW",
            )

    def _lengths(self, asked: list[Request]) -> Iterator[tuple[Request, int]]:
        """The prompt's tokens of every request, from servers that count them and say how many
        fit.
        """
        if not self._context:
            return
        if self._card.server == "vllm":
            calls = [Call("/tokenize", self._messages(r), r.about, r) for r in asked]
            for answer in self._client.each(calls, self._batch):
                yield answer.call.tag, int(answer.data["count"])
        if self._card.server == "llamacpp":
            yield from self._lengths_of_texts(asked)

    def _lengths_of_texts(self, asked: list[Request]) -> Iterator[tuple[Request, int]]:
        """Of llama.cpp's server, which renders a prompt and tokenises a text, each by itself."""
        rendering = [Call("/apply-template", self._messages(r), r.about, r) for r in asked]
        tokenising = []
        for answer in self._client.each(rendering, self._batch):
            body = {
                "content": answer.data["prompt"],
                "add_special": True,
                "parse_special": True,
            }
            tokenising.append(Call("/tokenize", body, tag=answer.call.tag))
        for answer in self._client.each(tokenising, self._batch):
            yield answer.call.tag, len(answer.data["tokens"])

    # -- what comes back --------------------------------------------------------------------------

    def _scored(self, answer: Answer) -> Generation:
        """The log-probabilities of a request's continuations among the first tokens that the
        server listed.
        """
        request: Request = answer.call.tag
        try:
            prompt_tokens = int(answer.data["usage"]["prompt_tokens"])
            first = answer.data["choices"][0]["logprobs"]["content"][0]
            # two tokens may have one spelling: the likelier, which comes first, stands
            tokens = reversed(first["top_logprobs"])
            listed = {token["token"]: float(token["logprob"]) for token in tokens}
        except (KeyError, IndexError, TypeError) as error:
            raise EngineError(
                f"{self._who} lists no log-probabilities", 'set review.mode = "reasoned"'
            ) from error
        for continuation in request.continuations:
            if continuation not in listed:
                raise EngineError(
                    f"{request.about or 'a request'}: {self._who} does not list {continuation!r} "
                    f"among the {self._listed} likeliest tokens",
                    'score with an engine that loads the weights itself, or set review.mode = "reasoned"',
                )
        return Generation(
            request=request,
            text="",
            finish="stop",
            prompt_tokens=prompt_tokens,
            completion_tokens=len(request.continuations),
            seconds=answer.seconds,
            logprobs=tuple(listed[continuation] for continuation in request.continuations),
        )
