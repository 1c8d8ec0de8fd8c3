"""An engine for a server the user already runs: llama-server, Ollama, LM Studio, vLLM, anything
OpenAI-compatible.

Sends chat messages and reads replies; the server applies its own chat template, and its weights
cannot be verified. Loopback only, or a host the workspace allows. Knows nothing of tasks, recipes
or the store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from localfair.engines.answers import (
    log_probability,
    only_choice,
    read_from,
    token_count,
    token_ids,
)
from localfair.engines.base import Opening
from localfair.engines.completions import (
    LISTED,
    constrained,
    drawing,
    generation,
    leaning,
)
from localfair.engines.http_arrivals import ServerArrivals, by_request
from localfair.engines.http_client import Client, Limits
from localfair.engines.http_crew import Answer, Answers, Call, Failed
from localfair.engines.http_failures import Served
from localfair.engines.http_stream import Unstreamed, streamed
from localfair.engines.requests import refuse_too_long
from localfair.engines.streaming import Growing, Streamed
from localfair.errors import EngineError, PromptTooLong, ReplyError
from localfair.machine.terminal import warn
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
        self._failed = opening.failed
        self._key = endpoint.key_of(self._card.name)
        settings = self._card.endpoint
        self._client = Client(
            url,
            self._key,
            server=Served(
                self._who,
                "is it still running? Start it and run the same command again",
                endpoint.key_hint(self._card.name),
            ),
            limits=Limits(answer=settings.timeout, tries=settings.tries),
        )
        self._is_known = False  # the server was asked who it is
        self._is_told = False  # that it answers in another model's name

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`. What the server gives no way to measure is refused by the server itself."""
        return self._arrivals(list(requests), self._reply, self._completion)

    def stream(self, request: Request) -> Streamed:
        """See `Streamer`; in one piece where the server sends no events."""
        self._fitting([request], None)
        call = Call(CHAT, self._completion(request), request.about, request)
        growing = Growing(())
        try:
            answer = yield from streamed(self._client, call, growing.more)
        except Unstreamed:
            whole = next(self.generate([request]))
            yield growing.rest(whole.text)
            return whole
        self._look_at_name(answer)
        reply = self._reply(answer)
        yield growing.rest(reply.text)
        return reply

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`: each continuation must be one of the likeliest first tokens that the server
        lists.

        Raises ReplyError for one that is not listed: too unlikely, or more than one token.
        """
        return self._arrivals(list(requests), self._scored, self._first_token)

    def _arrivals(
        self,
        asked: list[Request],
        read: Callable[[Answer], Generation],
        body: Callable[[Request], dict[str, object]],
    ) -> ServerArrivals:
        failed = by_request(self._failed)

        def ask() -> Answers:
            calls = [Call(CHAT, body(r), r.about, r) for r in asked]
            fitting = self._fitting(asked, failed)
            calls = [call for call in calls if id(call.tag) in fitting]
            return self._client.each(calls, self._batch, failed)

        def named(answer: Answer) -> Generation:
            self._look_at_name(answer)
            return read(answer)

        return ServerArrivals(named, failed, *([ask] if asked else []))

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

    def _fitting(self, asked: list[Request], failed: Failed | None) -> set[int]:
        """The requests that fit, by `id`: the server is there, is who it was, and was asked.

        Raises PromptTooLong without `failed`.
        """
        if not self._is_known:
            self._check_identity()
            self._is_known = True
        if not self._context or self._card.server not in ("vllm", "llamacpp"):
            return {id(request) for request in asked}
        fitting = set()
        for call, prompt in self._lengths(asked, failed):
            request: Request = call.tag
            reply = request.sampling.max_tokens if request.action == "generate" else 1
            try:
                refuse_too_long(request, prompt, reply, self.identity, self._context)
            except PromptTooLong as error:
                if failed is None:
                    raise
                failed(call, error)
            else:
                fitting.add(id(request))
        return fitting

    def _check_identity(self) -> None:
        """Raise EngineError when the server holds other weights than when its card was made."""
        card = self._card
        answering = endpoint.look(self._url, card.served, self._key)
        if card.identity and answering.identity != card.identity:
            raise EngineError(
                f"{self._who} now holds other weights than when {self.identity.model} was added",
                f"localfair models add --endpoint {card.url} --served {card.served} --name NEW",
            )

    def _lengths(self, asked: list[Request], failed: Failed | None) -> Iterator[tuple[Call, int]]:
        """The prompt's tokens of every request, from servers that count them and say how many
        fit.
        """
        if self._card.server == "vllm":
            calls = [Call("/tokenize", self._messages(r), r.about, r) for r in asked]
            for answer in self._client.each(calls, self._batch, failed):
                with read_from(self._who, answer.call.path, answer.raw):
                    count = token_count(answer.data["count"], "count")
                yield answer.call, count
        else:
            yield from self._lengths_of_texts(asked, failed)

    def _lengths_of_texts(
        self, asked: list[Request], failed: Failed | None
    ) -> Iterator[tuple[Call, int]]:
        """Of llama.cpp's server, which renders a prompt and tokenises a text, each by itself."""
        rendering = [Call("/apply-template", self._messages(r), r.about, r) for r in asked]
        tokenising = []
        for answer in self._client.each(rendering, self._batch, failed):
            with read_from(self._who, answer.call.path, answer.raw):
                prompt = answer.data["prompt"]
            body = {
                "content": prompt,
                "add_special": True,
                "parse_special": True,
            }
            tokenising.append(Call("/tokenize", body, tag=answer.call.tag))
        for answer in self._client.each(tokenising, self._batch, failed):
            with read_from(self._who, answer.call.path, answer.raw):
                tokens = token_ids(answer.data["tokens"])
            yield answer.call, len(tokens)

    # -- what comes back --------------------------------------------------------------------------

    def _look_at_name(self, answer: Answer) -> None:
        """Say once when an answer comes in another model's name.

        Servers have names of their own for what they serve (a file's path, a dated version), so
        another name is no reason to stop. llama.cpp's server has one model, whatever its name.
        """
        named = answer.data.get("model") if isinstance(answer.data, dict) else None
        is_other = isinstance(named, str) and not _is_same(named, self._card.served)
        if is_other and not self._is_told and self._card.server != "llamacpp":
            self._is_told = True
            warn(
                f"{self._who} answers as {str(named)[:100]!r}, not as {self._card.served!r}: "
                "is that the model you mean?"
            )

    def _reply(self, answer: Answer) -> Generation:
        request: Request = answer.call.tag
        return generation(request, answer.data, answer.seconds, self._who, answer.raw)

    def _scored(self, answer: Answer) -> Generation:
        """The log-probabilities of a request's continuations among the first tokens that the
        server listed.
        """
        request: Request = answer.call.tag
        try:
            prompt_tokens = token_count(answer.data["usage"]["prompt_tokens"], "prompt_tokens")
            first = only_choice(answer.data)["logprobs"]["content"][0]
            # two tokens may have one spelling: the likelier, which comes first, stands
            tokens = reversed(first["top_logprobs"])
            listed = {token["token"]: log_probability(token["logprob"]) for token in tokens}
        except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
            raise EngineError(
                f"{self._who} lists no log-probabilities", 'set review.mode = "reasoned"'
            ) from error
        for continuation in request.continuations:
            if continuation not in listed:
                raise ReplyError(
                    f"{request.about or 'a request'}: {self._who} does not list {continuation!r} "
                    f"among the {self._listed} likeliest tokens",
                    'score with an engine that loads the weights itself, or set review.mode = "reasoned"',
                    raw=answer.raw,
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


def _is_same(named: str, served: str) -> bool:
    """Whether two names may be of one model, whatever their folder, tag, date and case."""
    short, long = sorted((_bare(named), _bare(served)), key=len)
    return short == long or (bool(short) and re.match(re.escape(short) + r"\W", long) is not None)


def _bare(name: str) -> str:
    """`model` of `Folder/Model.gguf` and of `model:latest`."""
    file = re.split(r"[/\\]", name.lower())[-1]
    return file.partition(":")[0].removesuffix(".gguf")
