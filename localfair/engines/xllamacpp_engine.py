"""llama.cpp's C++ server out of a wheel that needs no compiler, as a child process of ours.

Reads a GGUF and perhaps an adapter. Prompts are rendered here by the card's own chat template and
sent as tokens. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from localfair.engines.answers import (
    read_from,
    token_count,
    token_ids,
)
from localfair.engines.base import FailedRequest, Opening
from localfair.engines.completions import constrained, drawing, generation
from localfair.engines.gguf_adapter import as_gguf
from localfair.engines.http_arrivals import ServerArrivals, by_request
from localfair.engines.http_crew import Answer, Answers, Call, Failed
from localfair.engines.http_stream import Unstreamed, streamed
from localfair.engines.requests import prepared, refuse_too_long
from localfair.engines.scoring import Scoring
from localfair.engines.server import Launch, Server, start
from localfair.engines.streaming import Growing, Streamed
from localfair.engines.thinking import thinking_tokens, with_opening
from localfair.engines.xllamacpp_child import KEY
from localfair.engines.xllamacpp_scoring import WHO, forced, next_token, scored
from localfair.errors import EngineDied
from localfair.models.chat_template import ChatTemplate
from localfair.models.control import as_text
from localfair.models.gguf_tokens import ENDS, marked_tokens
from localfair.record.nouns import Generation, Request
from localfair.tasks.reply import opened_thinking

if TYPE_CHECKING:
    from localfair.models import Model


SERVED = "localfair"
LEAST = 1024  # tokens a sequence has at least, so that a server is seldom started again for a longer prompt (ours)
STEP = 512  # tokens by which a sequence's context grows (ours)
TOGETHER = 64  # texts that one call tokenises
NO_TOKEN = -1  # an id that no token has: the mark between two texts
CACHE_SHARE = 0.5  # of the machine's free memory that the key-value cache may take (ours)
LISTED = 64  # likeliest tokens asked for at once; one that is not among them is asked for by itself


class XllamacppEngine:
    """An `Engine` and a `Scorer`.

    Its server starts at the first request, and again when a longer context is needed. `port` of
    None takes a free one. `deadline` is the seconds that the server may take to start. `least` is
    the tokens a sequence has at least; `listed` is how many likeliest tokens a score asks for at
    once.
    """

    def __init__(
        self,
        model: Model,
        opening: Opening,
        *,
        port: int | None = None,
        deadline: float = 600.0,
        least: int = LEAST,
        listed: int = LISTED,
    ) -> None:
        self.identity = opening.identity
        self._model = model
        self._opening = opening
        self._port = port
        self._deadline = deadline
        self._least = least
        self._listed = listed
        self._server: Server | None = None
        self._length = 0  # tokens that each of the server's sequences may have
        self._slots = opening.batch
        self._template: ChatTemplate | None = None
        self._bos = ""  # the beginning-of-text token's text
        self._end_of_turn = ""  # the template's, where llama.cpp does not end a turn at it
        self._written: tuple[str, ...] = ()  # control tokens that stay in a reply's text

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`."""
        asked = list(requests)
        failed = by_request(self._opening.failed)
        rendered: dict[int, str] = {}

        def ask() -> Answers:
            texts = self._rendered(asked, self._opening.failed)
            rendered.update((id(request), text) for request, text in texts)
            prompts = self._fitted(texts, _most_written, self._opening.failed)
            calls = [self._completion(request, prompt) for request, prompt in prompts]
            return self._answers(calls, failed)

        def read(answer: Answer) -> Generation:
            return with_opening(_reply(answer), rendered[id(answer.call.tag)])

        return ServerArrivals(read, failed, *([ask] if asked else []))

    def stream(self, request: Request) -> Streamed:
        """See `Streamer`."""
        (rendered,) = self._rendered([request], None)
        ((_, prompt),) = self._fitted([rendered], _most_written, None)
        call = self._completion(request, prompt)
        opening = "" if request.constraint else opened_thinking(rendered[1])
        growing = Growing(())
        try:
            client = self._started().client
            answer = yield from streamed(client, call, lambda text: growing.more(opening + text))
        except Unstreamed:
            whole = next(self.generate([request]))
            yield growing.rest(whole.text)
            return whole
        reply = with_opening(_reply(answer), rendered[1])
        yield growing.rest(reply.text)
        return reply

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn.

        The likeliest tokens are read off one step; a token that is not among them is forced in a
        step of its own, where the server reports its log-probability as it was before the bias.
        """
        asked = list(requests)
        failed = by_request(self._opening.failed)
        scorings: list[Scoring] = []

        def ask_likeliest() -> Answers:
            scorings.extend(self._scorings(asked, self._opening.failed))
            calls = [call for scoring in scorings for call in self._likeliest(scoring)]
            return self._answers(calls, failed)

        def ask_forced() -> Answers:
            calls = [call for scoring in scorings for call in forced(scoring)]
            return self._answers(calls, failed)

        return ServerArrivals(scored, failed, *([ask_likeliest, ask_forced] if asked else []))

    def _answers(self, calls: list[Call], failed: Failed | None) -> Answers:
        return self._started().client.each(calls, self._slots, failed)

    def close(self) -> None:
        """See `Engine`: the server is gone, with its memory, when this returns."""
        server = self._server
        self._server = None
        if server is not None:
            server.stop()

    # -- the server -------------------------------------------------------------------------------

    def _started(self, length: int = 0) -> Server:
        """The server, with `length` tokens for each sequence or more."""
        if self._server is not None and self._length >= length:
            return self._server
        self.close()
        rounded = -(-length // STEP) * STEP
        self._length = min(max(self._least, rounded), max(self._model.context, 1))
        self._slots = self._fitting(self._length)
        server = start(self._launch(self._length))
        self._server = server
        properties = server.client.get("/props")
        self._check_context(properties, length)
        if self._template is None:
            self._template = self._made_template(properties)
        return server

    def _made_template(self, properties: dict[str, object]) -> ChatTemplate:
        tokens = marked_tokens(self._model.path)
        with read_from(WHO, "/props"):
            self._bos = str(properties["bos_token"])
            eos = str(properties["eos_token"])
        template = ChatTemplate(
            self.identity.model,
            self._model.chat_template,
            bos=self._bos,
            eos=eos,
            control=tokens.control,
            settings=self._model.settings,
        )
        template.protect(tokens.added)
        end = template.end_of_turn() or ""
        # the server stops at its own; it sees another only where it writes it
        if end not in ENDS and end != eos:
            self._end_of_turn = end
        self._written = thinking_tokens(tokens.control)
        if self._end_of_turn:
            self._written += (self._end_of_turn,)
        return template

    def _check_context(self, properties: dict[str, Any], length: int) -> None:
        """Raise EngineDied when the server gives its sequences less than it was told to."""
        with read_from(WHO, "/props"):
            settings = properties["default_generation_settings"]
            tokens = token_count(settings["n_ctx"], "n_ctx")
            slots = properties["total_slots"]
        if tokens < min(length, self._length) or slots != self._slots:
            raise EngineDied(
                f"{WHO} gives {tokens} tokens to each of {slots} sequences, not {self._length}",
                "lower --batch",
            )

    def _fitting(self, length: int) -> int:
        """How many sequences of that length run together: as many as asked for, fewer where
        memory is short.
        """
        import psutil

        cache = self._model.kv_bytes * length
        if not cache:
            return self._opening.batch
        fitting = int(psutil.virtual_memory().available * CACHE_SHARE / cache)
        return max(1, min(self._opening.batch, fitting))

    def _launch(self, length: int) -> Launch:
        adapter = self._opening.adapter
        settings = {
            "path": str(self._model.path),
            "adapter": str(as_gguf(adapter, self._model.path)) if adapter else "",
            "served": SERVED,
            "length": length,
            "slots": self._slots,
            "threads": self._opening.threads,
        }

        def command(port: int) -> list[str]:
            module = "localfair.engines.xllamacpp_child"
            return [sys.executable, "-m", module, json.dumps({**settings, "port": port})]

        return Launch(
            name=WHO,
            command=command,
            served=SERVED,
            key_variable=KEY,
            deadline=self._deadline,
            port=self._port,
        )

    def _completion(self, request: Request, prompt: list[int]) -> Call:
        body = {
            "prompt": prompt,
            **drawing(request, "llamacpp"),
            **constrained(request, "llamacpp"),
        }
        if request.logprobs:
            body["logprobs"] = 1
        # control tokens whose text the server is to write
        if self._written:
            body["preserved_tokens"] = list(self._written)
        if self._end_of_turn:
            body["stop"] = [*request.sampling.stop, self._end_of_turn]
        return Call("/v1/completions", body, request.about, request)

    # -- tokens -----------------------------------------------------------------------------------

    def _prompts(
        self, asked: list[Request], written: Callable[[Request], int], failed: FailedRequest | None
    ) -> list[tuple[Request, list[int]]]:
        """Each request with its prompt as tokens, in a server long enough for all of them.

        `written` is how many tokens come after a prompt. What does not fit the model's context, or
        is refused by the template, is left out; see `prepared`.
        """
        return self._fitted(self._rendered(asked, failed), written, failed)

    def _rendered(
        self, asked: list[Request], failed: FailedRequest | None
    ) -> list[tuple[Request, str]]:
        """Each request with its prompt as text."""
        self._started()
        assert self._template is not None
        template = self._template
        return prepared(asked, lambda request: (request, template.prompt(request)), failed)

    def _fitted(
        self,
        texts: list[tuple[Request, str]],
        written: Callable[[Request], int],
        failed: FailedRequest | None,
    ) -> list[tuple[Request, list[int]]]:
        """See `_prompts`, for prompts that were rendered."""
        tokens = self._prompt_tokens(list(dict.fromkeys(text for _, text in texts)))

        def fitting(request: Request, prompt: list[int]) -> tuple[Request, list[int]]:
            most = self._model.context
            refuse_too_long(request, len(prompt), written(request), self.identity, most)
            return request, prompt

        prompt_of = {id(request): tokens[text] for request, text in texts}
        rendered = [request for request, _ in texts]
        prompts = prepared(rendered, lambda r: fitting(r, prompt_of[id(r)]), failed)
        self._started(max((len(prompt) + written(r) for r, prompt in prompts), default=0))
        return prompts

    def _scorings(self, asked: list[Request], failed: FailedRequest | None) -> list[Scoring]:
        """Every request's continuations as tokens, with its prompt."""
        continuations = dict.fromkeys(text for r in asked for text in r.continuations)
        self._started()
        assert self._template is not None
        control = self._template.control
        quoted = {text: as_text(control, text) for text in continuations}
        tokens = self._tokenised(list(quoted.values()), parse_special=False)

        def texts(request: Request) -> list[list[int]]:
            return [tokens[quoted[text]] for text in request.continuations]

        def longest(request: Request) -> int:
            return max((len(ids) for ids in texts(request)), default=0)

        prompts = self._prompts(asked, longest, failed)
        return [Scoring(request, prompt, texts(request)) for request, prompt in prompts]

    def _likeliest(self, scoring: Scoring) -> Iterator[Call]:
        """What asks for the likeliest tokens after each beginning.

        One that is wanted is forced, to be sure of it.
        """
        for beginning, wanted in scoring.wanted().items():
            yield next_token(scoring, beginning, wanted[0], self._listed)

    def _prompt_tokens(self, texts: list[str]) -> dict[str, list[int]]:
        """Text -> tokens of a prompt, which gets the beginning its vocabulary wants, and only
        once.
        """
        tokens = self._tokenised(texts, parse_special=True)
        if not texts:
            return tokens
        beginning = self._beginning()
        for text, ids in tokens.items():
            if ids[:1] != beginning:
                tokens[text] = [*beginning, *ids]
        return tokens

    def _beginning(self) -> list[int]:
        """The beginning-of-text token, where the vocabulary adds one.

        What it adds to an empty text may be an end-of-text token, which no prompt gets.
        """
        empty = Call("/tokenize", {"content": "", "add_special": True})
        (answer,) = self._started().client.each([empty], 1)
        with read_from(WHO, answer.call.path, answer.raw):
            added = token_ids(answer.data["tokens"])[:1]
        bos = self._tokenised([self._bos], parse_special=True)[self._bos] if self._bos else []
        return added if added == bos else []

    def _tokenised(self, texts: list[str], *, parse_special: bool) -> dict[str, list[int]]:
        """Text -> tokens. Many texts go in one call, between ids that no token has."""
        calls = []
        for first in range(0, len(texts), TOGETHER):
            together = texts[first : first + TOGETHER]
            body = {
                "content": _between(together),
                "add_special": False,
                "parse_special": parse_special,
            }
            calls.append(Call("/tokenize", body, tag=together))
        tokens: dict[str, list[int]] = {}
        for answer in self._started().client.each(calls, self._slots):
            with read_from(WHO, answer.call.path, answer.raw):
                of_texts = _split(token_ids(answer.data["tokens"]))
                tokens.update(zip(answer.call.tag, of_texts, strict=True))
        return tokens


def _between(texts: list[str]) -> list[str | int]:
    """Texts with a mark between them, as /tokenize takes texts and ids mixed."""
    mixed: list[str | int] = []
    for text in texts:
        mixed += [text, NO_TOKEN]
    return mixed[:-1]


def _split(tokens: list[int]) -> list[list[int]]:
    """The tokens between the marks."""
    texts: list[list[int]] = [[]]
    for token in tokens:
        if token == NO_TOKEN:
            texts.append([])
        else:
            texts[-1].append(token)
    return texts


def _most_written(request: Request) -> int:
    return request.sampling.max_tokens


def _reply(answer: Answer) -> Generation:
    return generation(answer.call.tag, answer.data, answer.seconds, WHO, answer.raw)
