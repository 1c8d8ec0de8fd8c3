"""llama.cpp in process, through llama-cpp-python's low-level API: many sequences decode at once.

A finished sequence's slot is refilled from the queue (`llama_batch`); each request has its own
sampler and seed, and a beginning that prompts share is read once. Reads a GGUF file, and perhaps
an adapter. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llama_cpp import llama_cpp as low

from localfair.engines.base import Opening
from localfair.engines.gguf_adapter import as_gguf
from localfair.engines.llama_batch import decode
from localfair.engines.llama_context import PROMPT_CHUNK, Context
from localfair.engines.llama_reading import Reading, Reply, SharedInputs, scored, shared_inputs
from localfair.engines.llama_vocabulary import Vocabulary
from localfair.engines.requests import refuse_too_long
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
        asked = list(requests)
        if not asked:
            return
        self._load()
        replies = [Reply(request, self._prompt_tokens(request)) for request in asked]
        for reply in self._read(replies):
            assert isinstance(reply, Reply)
            yield reply.generation()

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn."""
        asked = list(requests)
        if not asked:
            return
        self._load()
        parts: list[list[SharedInputs]] = [self._inputs(request) for request in asked]
        of_request = {id(part): siblings for siblings in parts for part in siblings}
        for reading in self._read([part for siblings in parts for part in siblings]):
            siblings = of_request[id(reading)]
            if all(part.done for part in siblings):
                yield scored(siblings)

    def close(self) -> None:
        """Free the weights, and the contexts of generations nobody finished asking for."""
        for context in list(self._contexts):
            context.free()
        if self._weights is not None:
            low.llama_model_free(self._weights)
            self._weights = None
            self._adapter = None
            self._vocabulary = None

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

    def _read(self, readings: Sequence[Reading]) -> Iterator[Reading]:
        """Each reading as soon as it is done, in a context made for the longest of them."""
        longest = max(reading.length for reading in readings)
        sequences = min(self._opening.batch, len(readings))
        with Context(
            self._weights, longest, sequences, self._threads, self._adapter, self._prompt_chunk
        ) as context:
            self._contexts.add(context)
            yield from decode(context, self._load(), list(readings))
