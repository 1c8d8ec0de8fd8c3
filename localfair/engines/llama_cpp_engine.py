"""llama.cpp in process, through llama-cpp-python's low-level API: many sequences decode at once.

A finished sequence's slot is refilled from the queue (`llama_batch`); each request has its own
sampler and seed, and a beginning that prompts share is read once. Reads a GGUF file, and perhaps
an adapter. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llama_cpp import llama_cpp as low

from localfair.engines.arrivals import Grouped
from localfair.engines.at_once import AtOnce
from localfair.engines.base import Opening
from localfair.engines.gguf_adapter import as_gguf
from localfair.engines.llama_batch import decode
from localfair.engines.llama_context import PROMPT_CHUNK, Context, NoRoom
from localfair.engines.llama_reading import Reading, Reply, SharedInputs, scored, shared_inputs
from localfair.engines.llama_vocabulary import Vocabulary
from localfair.engines.requests import prepared, refuse_too_long
from localfair.engines.streaming import Growing, Streamed
from localfair.errors import CorruptWeights
from localfair.machine.hardware import physical_cores
from localfair.models import llama_log
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models import Model

EVERY_LAYER = 10_000


class LlamaCppEngine:
    """An `Engine` and a `Scorer` for the GGUF at `model.path`.

    Its weights load at the first request. `prompt_chunk` is the tokens of prompts that a step
    has room for.
    """

    def __init__(self, model: Model, opening: Opening, *, prompt_chunk: int = PROMPT_CHUNK) -> None:
        self.identity = opening.identity
        self._model = model
        self._opening = opening
        self._at_once = AtOnce(f"llama.cpp with {model.name}", opening.batch)
        self._threads = opening.threads or physical_cores()
        self._prompt_chunk = prompt_chunk
        self._weights: Any = None  # llama.cpp's llama_model
        self._adapter: Any = None  # llama.cpp's llama_adapter_lora, which goes with the model
        self._vocabulary: Vocabulary | None = None
        self._contexts: weakref.WeakSet[Context] = weakref.WeakSet()

    # -- the seam ---------------------------------------------------------------------------------

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """Each generation as soon as it is finished.

        Raises PromptTooLong before the first is sent.
        """
        return Grouped(self._replies(list(requests)))

    def _replies(self, asked: list[Request]) -> Generator[list[Generation]]:
        """The replies that end with the same step, together."""
        if not asked:
            return
        self._load()
        replies = prepared(asked, self._reply, self._opening.failed)
        for done in self._read(replies):
            yield [reply.generation() for reply in done if isinstance(reply, Reply)]

    def _reply(self, request: Request) -> Reply:
        return Reply(request, self._prompt_tokens(request))

    def stream(self, request: Request) -> Streamed:
        """See `Streamer`."""
        self._load()
        reply = self._reply(request)
        growing = Growing(request.sampling.stop)
        for _ in self._read([reply], each_step=True):
            yield growing.more(reply.generation().text)
        generation = reply.generation()
        yield growing.rest(generation.text)
        return generation

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn."""
        return Grouped(self._scores(list(requests)))

    def _scores(self, asked: list[Request]) -> Generator[list[Generation]]:
        """The scores that one step completes, together."""
        if not asked:
            return
        self._load()
        parts: list[list[SharedInputs]] = prepared(asked, self._inputs, self._opening.failed)
        of_request = {id(part): siblings for siblings in parts for part in siblings}
        for done in self._read([part for siblings in parts for part in siblings]):
            complete = {}
            for reading in done:
                siblings = of_request[id(reading)]
                if all(part.done for part in siblings):
                    complete[id(siblings)] = siblings
            if complete:
                yield [scored(siblings) for siblings in complete.values()]

    def close(self) -> None:
        """Free the weights, and the contexts of generations nobody finished asking for."""
        for context in list(self._contexts):
            context.free()
        weights = self._weights
        self._weights = None  # before they are freed: see Context.free
        self._adapter = None
        self._vocabulary = None
        if weights is not None:
            low.llama_model_free(weights)

    # -- loading ----------------------------------------------------------------------------------

    def _load(self) -> Vocabulary:
        """Load what is not loaded yet; the model's vocabulary."""
        if self._vocabulary is not None:
            return self._vocabulary
        llama_log.silence()
        low.llama_backend_init()
        if self._weights is None:
            self._weights = self._load_weights()
        vocabulary = Vocabulary(self._weights, self._model)
        if self._opening.adapter is not None:
            self._adapter = self._load_adapter(as_gguf(self._opening.adapter, self._model.path))
        self._vocabulary = vocabulary
        return vocabulary

    def _load_weights(self) -> Any:
        params = low.llama_model_default_params()
        params.n_gpu_layers = EVERY_LAYER if low.llama_supports_gpu_offload() else 0
        weights = low.llama_model_load_from_file(str(self._model.path).encode(), params)
        if not weights:
            raise CorruptWeights(
                f"llama.cpp could not load {self._model.path}{llama_log.complaint()}",
                f"localfair models check {self.identity.model}",
            )
        return weights

    def _load_adapter(self, path: Path) -> Any:
        adapter = low.llama_adapter_lora_init(self._weights, str(path).encode())
        if not adapter:
            raise CorruptWeights(
                f"llama.cpp could not load the adapter {path}{llama_log.complaint()}",
                "it must be a GGUF LoRA of this very base",
            )
        return adapter

    # -- tokens -----------------------------------------------------------------------------------

    def _prompt_tokens(self, request: Request) -> list[int]:
        """The tokens of a prompt. Raises PromptTooLong when they and the reply do not fit."""
        prompt = self._load().prompt(request)
        reply = request.sampling.max_tokens
        refuse_too_long(request, len(prompt), reply, self.identity, self._model.context)
        return prompt

    def _inputs(self, request: Request) -> list[SharedInputs]:
        """What must be read to score a request. Raises PromptTooLong when it does not fit."""
        vocabulary = self._load()
        prompt = vocabulary.prompt(request)
        texts = []
        for continuation in request.continuations:
            tokens = vocabulary.inside(continuation)
            refuse_too_long(request, len(prompt), len(tokens), self.identity, self._model.context)
            texts.append(tokens)
        return shared_inputs(request, prompt, texts)

    # -- decoding ---------------------------------------------------------------------------------

    def _read(
        self, readings: Sequence[Reading], *, each_step: bool = False
    ) -> Iterator[list[Reading]]:
        """The readings that are done with the same step, in a context made for the longest.

        Where memory is too short, those that are not done begin again, fewer at once.
        """
        waiting = {id(reading): reading for reading in readings}
        while waiting:
            left = list(waiting.values())
            longest = max(reading.length for reading in left)
            sequences = min(self._at_once.most, len(left))
            try:
                with Context(
                    self._weights,
                    longest,
                    sequences,
                    self._threads,
                    self._adapter,
                    self._prompt_chunk,
                ) as context:
                    self._contexts.add(context)
                    for done in decode(context, self._load(), left, each_step=each_step):
                        for reading in done:
                            del waiting[id(reading)]
                        yield done
            except NoRoom as error:
                self._at_once.halve(error, sequences)
