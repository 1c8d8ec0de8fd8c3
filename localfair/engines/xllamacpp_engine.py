"""llama.cpp's C++ server out of a wheel that needs no compiler, as a child process of ours.

Reads a GGUF and perhaps an adapter. Prompts are rendered here by the card's own chat template and
sent as tokens. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from localfair.engines.answers import (
    log_probability,
    only_choice,
    read_from,
    token_count,
    token_ids,
)
from localfair.engines.base import Opening
from localfair.engines.completions import by_request, constrained, drawing, leaning, replies
from localfair.engines.gguf_adapter import as_gguf
from localfair.engines.http_client import Call
from localfair.engines.requests import refuse_too_long
from localfair.engines.scoring import Scoring
from localfair.engines.server import Launch, Server, start
from localfair.engines.thinking import thinking_tokens, with_opening
from localfair.engines.xllamacpp_child import KEY
from localfair.errors import EngineDied, EngineError
from localfair.models.chat_template import ChatTemplate
from localfair.models.control import as_text
from localfair.models.gguf_tokens import ENDS, marked_tokens
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models import Model

WHO = "the xllamacpp server"
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
        if not asked:
            return
        texts = self._rendered(asked)
        prompts = self._fitted(asked, texts, [r.sampling.max_tokens for r in asked])
        calls = [self._completion(r, prompt) for r, prompt in zip(asked, prompts, strict=True)]
        failed = by_request(self._opening.failed)
        answers = self._started().client.each(calls, self._slots, failed)
        text_of = {id(request): text for request, text in zip(asked, texts, strict=True)}
        for reply in replies(answers, WHO, failed):
            yield with_opening(reply, text_of[id(reply.request)])

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn.

        The likeliest tokens are read off one step; a token that is not among them is forced in a
        step of its own, where the server reports its log-probability as it was before the bias.
        """
        asked = list(requests)
        if not asked:
            return
        scorings = self._scorings(asked)
        for asks in (self._likeliest, _forced):
            calls = [call for scoring in scorings for call in asks(scoring)]
            for answer in self._started().client.each(calls, self._slots):
                scoring, beginning = answer.call.tag
                scoring.take(beginning, _logprobs(answer.data), answer.seconds)
                if not scoring.wanted():
                    yield scoring.generation()

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

    def _made_template(self, properties: dict[str, Any]) -> ChatTemplate:
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

    def _prompts(self, asked: list[Request], replies: list[int]) -> list[list[int]]:
        """Every request's prompt as tokens, in a server long enough for them and their replies.

        Raises PromptTooLong when one does not fit the model's context.
        """
        return self._fitted(asked, self._rendered(asked), replies)

    def _rendered(self, asked: list[Request]) -> list[str]:
        """Every request's prompt as text."""
        self._started()
        assert self._template is not None
        return [self._template.prompt(request) for request in asked]

    def _fitted(
        self, asked: list[Request], texts: list[str], replies: list[int]
    ) -> list[list[int]]:
        """See `_prompts`, for prompts that were rendered."""
        tokens = self._prompt_tokens(list(dict.fromkeys(texts)))
        prompts = [tokens[text] for text in texts]
        longest = 0
        for request, prompt, reply in zip(asked, prompts, replies, strict=True):
            refuse_too_long(request, len(prompt), reply, self.identity, self._model.context)
            longest = max(longest, len(prompt) + reply)
        self._started(longest)
        return prompts

    def _scorings(self, asked: list[Request]) -> list[Scoring]:
        """Every request's continuations as tokens, with its prompt."""
        continuations = dict.fromkeys(text for r in asked for text in r.continuations)
        self._started()
        assert self._template is not None
        control = self._template.control
        quoted = {text: as_text(control, text) for text in continuations}
        tokens = self._tokenised(list(quoted.values()), parse_special=False)
        texts = [[tokens[quoted[text]] for text in request.continuations] for request in asked]
        longest = [max((len(ids) for ids in of_request), default=0) for of_request in texts]
        prompts = self._prompts(asked, longest)
        scorings = []
        for request, prompt, of_request in zip(asked, prompts, texts, strict=True):
            scorings.append(Scoring(request, prompt, of_request))
        return scorings

    def _likeliest(self, scoring: Scoring) -> Iterator[Call]:
        """What asks for the likeliest tokens after each beginning.

        One that is wanted is forced, to be sure of it.
        """
        for beginning, wanted in scoring.wanted().items():
            yield _next_token(scoring, beginning, wanted[0], self._listed)

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


def _forced(scoring: Scoring) -> Iterator[Call]:
    """What asks for each token that is still missing."""
    for beginning, wanted in scoring.wanted().items():
        for token in wanted:
            yield _next_token(scoring, beginning, token, 1)


def _next_token(scoring: Scoring, beginning: tuple[int, ...], token: int, listed: int) -> Call:
    """What makes the server write `token` and list the likeliest with their log-probabilities."""
    body = {
        "prompt": list(beginning),
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": listed,
        **leaning(token),
    }
    return Call("/v1/completions", body, scoring.request.about, (scoring, beginning))


def _logprobs(data: Any) -> dict[int, float]:
    """Token -> log-probability in an answer's one step, those listed and the one written."""
    with read_from(WHO, ""):
        choice = only_choice(data)
    try:
        step = choice["logprobs"]["content"][0]
    except (KeyError, IndexError, TypeError) as error:
        raise EngineError(
            f"{WHO} cannot score half a character", "give continuations of whole characters"
        ) from error
    with read_from(WHO, ""):
        tokens = [*step["top_logprobs"], step]
        return {int(token["id"]): log_probability(token["logprob"]) for token in tokens}
