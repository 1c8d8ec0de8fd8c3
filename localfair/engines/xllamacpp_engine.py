"""llama.cpp's C++ server out of a wheel that needs no compiler, as a child process of ours.

Reads a GGUF and perhaps a LoRA adapter as GGUF. Prompts are rendered here by the card's own chat template and sent
as tokens. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from localfair.engines.base import Opening
from localfair.engines.completions import constrained, drawing, generation, leaning
from localfair.engines.gguf_adapter import as_gguf
from localfair.engines.http_client import Call
from localfair.engines.requests import refuse_too_long
from localfair.engines.scoring import Scoring
from localfair.engines.server import Launch, Server, start
from localfair.engines.xllamacpp_child import KEY
from localfair.errors import EngineDied, EngineError
from localfair.models.chat import ChatText
from localfair.models.gguf_tokens import control_texts
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models import Model

WHO = "the xllamacpp server"
SERVED = "localfair"
LEAST = 1024  # tokens a sequence has at least, so that a server is seldom started again for a longer prompt (ours)
TOGETHER, NO_TOKEN = 64, -1  # texts that one call tokenises, and the mark between them
CACHE_SHARE = 0.5  # of the machine's free memory that the key-value cache may take (ours)
LISTED = (
    64  # likeliest tokens asked for in one go; one that is not among them is asked for by itself
)


class XllamacppEngine:
    """An `Engine` and a `Scorer`; its server starts at the first request, and again when a longer context is needed."""

    def __init__(
        self, model: Model, opening: Opening, *, port: int | None = None, deadline: float = 600.0
    ) -> None:
        self.identity = opening.identity
        self._model = model
        self._opening = opening
        self._port = port
        self._deadline = deadline
        self._server: Server | None = None
        self._length = 0
        self._slots = opening.batch
        self._chat: ChatText | None = None

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Engine`."""
        asked = list(requests)
        if not asked:
            return
        prompts = self._prompts(asked, [r.sampling.max_tokens for r in asked])
        calls = [
            self._call(request, prompt) for request, prompt in zip(asked, prompts, strict=True)
        ]
        for answer in self._started().client.each(calls, self._slots):
            yield generation(answer.call.tag, answer.data, answer.seconds, WHO)

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn.

        The likeliest tokens are read off one step; a token that is not among them is forced in a step of its own,
        where the server reports its log-probability as it was before the bias.
        """
        asked = list(requests)
        if not asked:
            return
        texts = self._tokenised(list(dict.fromkeys(c for r in asked for c in r.continuations)))
        longest = [max((len(texts[c]) for c in r.continuations), default=0) for r in asked]
        prompts = self._prompts(asked, longest)
        scorings = [
            Scoring(r, p, [texts[c] for c in r.continuations])
            for r, p in zip(asked, prompts, strict=True)
        ]
        for forced in (False, True):
            calls = [call for scoring in scorings for call in _next_tokens(scoring, forced)]
            for answer in self._started().client.each(calls, self._slots):
                scoring, beginning = answer.call.tag
                found = {int(t["id"]): float(t["logprob"]) for t in _listed(answer.data)}
                scoring.take(beginning, found, answer.seconds)
                if not scoring.wanted():
                    yield scoring.generation()

    def close(self) -> None:
        """See `Engine`: the server is gone, with its memory, when this returns."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    # -- the server -------------------------------------------------------------------------------

    def _started(self, length: int = 0) -> Server:
        """The server, with `length` tokens for each sequence or more."""
        if self._server is not None and self._length >= length:
            return self._server
        self.close()
        self._length = min(max(LEAST, -(-length // 512) * 512), max(self._model.context, 1))
        self._slots = self._fitting(self._length)
        server = self._server = start(self._launch(self._length))
        properties = server.client.get("/props")
        had = int(properties["default_generation_settings"]["n_ctx"])
        if had < min(length, self._length) or properties["total_slots"] != self._slots:
            raise EngineDied(
                f"{WHO} gives {had} tokens to each of {properties['total_slots']} sequences, not {self._length}",
                "lower --batch",
            )
        if self._chat is None:
            names = (properties["bos_token"], properties["eos_token"])
            self._chat = ChatText(
                self.identity.model,
                self._model.chat_template,
                *names,
                control_texts(self._model.path),
            )
        return server

    def _fitting(self, length: int) -> int:
        """How many sequences of that length run together: as many as asked for, fewer where memory is short."""
        import psutil

        cache = self._model.kv_bytes * length
        fit = (
            int(psutil.virtual_memory().available * CACHE_SHARE / cache)
            if cache
            else self._opening.batch
        )
        return max(1, min(self._opening.batch, fit))

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
            return [sys.executable, "-m", module, json.dumps(settings | {"port": port})]

        return Launch(
            name=WHO,
            command=command,
            served=SERVED,
            key_variable=KEY,
            deadline=self._deadline,
            port=self._port,
        )

    # -- tokens -----------------------------------------------------------------------------------

    def _prompts(self, asked: list[Request], replies: list[int]) -> list[list[int]]:
        """Every request's prompt as tokens, in a server long enough for all. Raises PromptTooLong."""
        self._started()
        assert self._chat is not None
        texts = [self._chat.prompt(request) for request in asked]
        tokens = self._tokenised(list(dict.fromkeys(texts)), special=True)
        prompts = [tokens[text] for text in texts]
        for request, prompt, reply in zip(asked, prompts, replies, strict=True):
            refuse_too_long(request, len(prompt), reply, self.identity, self._model.context)
        self._started(max(len(p) + reply for p, reply in zip(prompts, replies, strict=True)))
        return prompts

    def _tokenised(self, texts: list[str], special: bool = False) -> dict[str, list[int]]:
        """Text -> tokens; `special` for a prompt, which gets the beginning its vocabulary wants, and only once.

        Many texts go in one call, between ids that no token has.
        """
        client = self._started().client
        own = {"add_special": False, "parse_special": special}
        some = [texts[i : i + TOGETHER] for i in range(0, len(texts), TOGETHER)]
        calls = [Call("/tokenize", {"content": _between(part)} | own, tag=part) for part in some]
        found: dict[str, list[int]] = {}
        for answer in client.each(calls, self._slots):
            found |= zip(answer.call.tag, _split(answer.data["tokens"]), strict=True)
        if special and texts:
            (bos,) = client.each([Call("/tokenize", {"content": "", "add_special": True})], 1)
            first = bos.data["tokens"][:1]
            found = {
                t: tokens if tokens[:1] == first else [*first, *tokens]
                for t, tokens in found.items()
            }
        return found

    # -- calls ------------------------------------------------------------------------------------

    @staticmethod
    def _call(request: Request, prompt: list[int]) -> Call:
        body = {"prompt": prompt} | drawing(request, "llamacpp") | constrained(request, "llamacpp")
        return Call(
            "/v1/completions",
            body | ({"logprobs": 1} if request.logprobs else {}),
            request.about,
            request,
        )


def _between(texts: list[str]) -> list[str | int]:
    """Texts with a mark between them, as /tokenize takes texts and ids mixed."""
    return [part for text in texts for part in (text, NO_TOKEN)][:-1]


def _split(tokens: list[int]) -> list[list[int]]:
    """The tokens between the marks."""
    found: list[list[int]] = [[]]
    for token in tokens:
        if token == NO_TOKEN:
            found.append([])
        else:
            found[-1].append(token)
    return found


def _next_tokens(scoring: Scoring, forced: bool) -> Iterator[Call]:
    """What asks for the next token's log-probabilities: the likeliest after each beginning, or each missing one."""
    for beginning, wanted in scoring.wanted().items():
        for token in wanted if forced else wanted[:1]:
            body = {
                "prompt": list(beginning), "max_tokens": 1, "temperature": 0, "logprobs": 1 if forced else LISTED,
            } | leaning(token)  # fmt: skip
            yield Call("/v1/completions", body, scoring.request.about, (scoring, beginning))


def _listed(data: Any) -> list[dict[str, Any]]:
    """The tokens of an answer's one step, with their log-probabilities."""
    try:
        step = data["choices"][0]["logprobs"]["content"][0]
    except (KeyError, IndexError) as error:
        raise EngineError(
            f"{WHO} cannot score half a character", "give continuations of whole characters"
        ) from error
    return [*step["top_logprobs"], step]
