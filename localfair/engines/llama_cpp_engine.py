"""llama.cpp in process, through llama-cpp-python's low-level API: many sequences decode at once.

A finished sequence's slot is refilled from the queue; each request has its own sampler and seed, and a
beginning that prompts share is read once. Reads a GGUF file, and perhaps a GGUF LoRA. Knows nothing of tasks,
recipes or the store.
"""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llama_cpp import llama_cpp as low

from localfair.engines.base import Opening
from localfair.engines.gguf_adapter import as_gguf
from localfair.engines.llama_context import Context, Slot, common
from localfair.engines.llama_sampling import Sampler, log_softmax, sampler
from localfair.engines.llama_vocabulary import Vocabulary
from localfair.engines.requests import refuse_too_long
from localfair.errors import CorruptWeights
from localfair.machine.hardware import physical_cores
from localfair.models import llama_log
from localfair.record.nouns import Generation, Request

if TYPE_CHECKING:
    from localfair.models import Model

SHARED = 16  # tokens that prompts must share before the one waits for the other's reading (ours)
EVERY_LAYER = 10_000


@dataclass(slots=True, eq=False)
class Asked:
    """A request's tokens to be read, and what comes of them: a reply's text, or the scores of continuations."""

    request: Request
    prompt: list[int]
    continuations: list[tuple[int, list[int]]] = field(
        default_factory=list
    )  # (which, its tokens) that read off here
    sampler: Sampler | None = None
    started: float = 0.0
    written: int = 0
    text: bytes = b""
    finish: Any = None
    logprobs: list[float] = field(default_factory=list)
    scored: dict[int, float] = field(default_factory=dict)

    @property
    def wanted(self) -> int:
        """How many of the prompt's last tokens must show their logits."""
        return max((len(tokens) for _, tokens in self.continuations), default=1)


Running = dict[int, tuple[Slot, Asked]]


class LlamaCppEngine:
    """An `Engine` and a `Scorer` for the GGUF at `model.path`; its weights load at the first request."""

    def __init__(self, model: Model, opening: Opening) -> None:
        self.identity = opening.identity
        self.context = model.context
        self._model_info = model
        self._adapter_path = opening.adapter
        self._batch_size = opening.batch
        self._threads = opening.threads or physical_cores()
        self._model: Any = None
        self._adapter: Any = None
        self._contexts: weakref.WeakSet[Context] = weakref.WeakSet()

    # -- the seam ---------------------------------------------------------------------------------

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """Each generation as soon as it is finished. Raises PromptTooLong before the first is sent."""
        asked = list(requests)
        if not asked:
            return
        self._load()
        queue = [Asked(request, self._prompt_tokens(request)) for request in asked]
        for made in self._read(queue, self._advance):
            yield _generation(made)

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """See `Scorer`. A continuation is tokenised by itself and holds no end of turn."""
        asked = list(requests)
        if not asked:
            return
        self._load()
        rows = {id(request): self._rows(request) for request in asked}
        for row in self._read([r for of in rows.values() for r in of], self._score):
            same = rows[id(row.request)]
            if all(r.finish for r in same):
                yield _scores(same)

    def close(self) -> None:
        """Free the weights, and the contexts of generations nobody finished asking for."""
        for context in list(self._contexts):
            context.free()
        if self._model is not None:
            low.llama_model_free(self._model)  # its adapter goes with it
            self._model = self._adapter = None

    # -- loading and tokens -----------------------------------------------------------------------

    def _load(self) -> None:
        if self._model is not None:
            return
        llama_log.silence()
        low.llama_backend_init()
        params = low.llama_model_default_params()
        params.n_gpu_layers = EVERY_LAYER if low.llama_supports_gpu_offload() else 0
        model = low.llama_model_load_from_file(str(self._model_info.path).encode(), params)
        if not model:
            raise CorruptWeights(
                f"llama.cpp could not load {self._model_info.path}{llama_log.complaint()}",
                f"localfair models check {self.identity.model}",
            )
        self._model = model
        self._words = Vocabulary(model, self.identity.model, self._model_info.chat_template)
        if self._adapter_path is not None:
            self._adapter = self._load_adapter(as_gguf(self._adapter_path, self._model_info.path))

    def _load_adapter(self, path: Path) -> Any:
        adapter = low.llama_adapter_lora_init(self._model, str(path).encode())
        if not adapter:
            raise CorruptWeights(
                f"llama.cpp could not load the adapter {path}{llama_log.complaint()}",
                "it must be a GGUF LoRA of this very base",
            )
        return adapter

    def _prompt_tokens(self, request: Request) -> list[int]:
        tokens = self._words.prompt(request)
        reply = request.sampling.max_tokens
        refuse_too_long(request, len(tokens), reply, self.identity, self.context)
        return tokens

    def _rows(self, request: Request) -> list[Asked]:
        """A score request's continuations; those that read the same inputs share a row (five digits: one row)."""
        prompt = self._words.prompt(request)
        rows: dict[tuple[int, ...], Asked] = {}
        for which, text in enumerate(request.continuations):
            tokens = self._words.tokens(text.encode(), special=False)
            refuse_too_long(request, len(prompt), len(tokens), self.identity, self.context)
            row = [*prompt, *tokens[:-1]]
            rows.setdefault(tuple(row), Asked(request, row)).continuations.append((which, tokens))
        return list(rows.values())

    # -- decoding ---------------------------------------------------------------------------------

    def _read(
        self, asked: list[Asked], advance: Callable[[Context, Slot, Asked], bool]
    ) -> Iterator[Asked]:
        """Each as soon as `advance`, told of every step that showed logits, says that it is done."""
        queue = _arranged(asked)
        longest = max(
            len(a.prompt) + (0 if a.continuations else a.request.sampling.max_tokens) for a in asked
        )
        most = min(self._batch_size, len(asked))
        with Context(self._model, longest, most, self._threads, self._adapter) as context:
            self._contexts.add(context)
            yield from self._decode(context, queue, advance)

    def _decode(
        self, context: Context, queue: deque[Asked], advance: Callable[[Context, Slot, Asked], bool]
    ) -> Iterator[Asked]:
        running: Running = {}
        try:
            while queue or running:
                while queue and (slot := _seated(context, running, queue[0])):
                    running[slot.sequence] = slot, self._begun(queue.popleft())
                if not queue:
                    running = _closed_up(context, running)
                context.step([running[s][0] for s in sorted(running)])
                for slot, asked in [pair for pair in running.values() if pair[0].read]:
                    if advance(context, slot, asked):
                        _free(running.pop(slot.sequence)[1])
                        yield asked
        finally:
            for _, asked in running.values():
                _free(asked)

    def _begun(self, asked: Asked) -> Asked:
        asked.started = time.monotonic()
        asked.sampler = None if asked.continuations else sampler(asked.request, self._words.pointer)
        return asked

    def _advance(self, context: Context, slot: Slot, asked: Asked) -> bool:
        """Draw the next token; whether the reply ended with it."""
        assert asked.sampler is not None
        at = slot.read[-1][1]
        token = asked.sampler.choose(context, at)
        if self._words.ends(token):
            asked.finish = "stop"
            return True
        if asked.request.logprobs:
            asked.logprobs.append(float(log_softmax(context.logits(at))[token]))
        asked.written += 1
        asked.text += self._words.piece(token)
        slot.next_token = token
        full = asked.written >= asked.request.sampling.max_tokens
        asked.finish = "stop" if _stop_at(asked) is not None else "length" if full else None
        return asked.finish is not None

    def _score(self, context: Context, slot: Slot, asked: Asked) -> bool:
        """Add up what the step showed of each continuation; whether the row is read."""
        for fed, at in slot.read:
            scores = log_softmax(context.logits(at))
            for which, tokens in asked.continuations:
                place = fed - (
                    len(asked.prompt) - len(tokens) + 1
                )  # the continuation's token that comes next
                if place >= 0:
                    asked.scored[which] = asked.scored.get(which, 0.0) + float(
                        scores[tokens[place]]
                    )
        asked.finish = "stop" if slot.fed == len(slot.prompt) else None
        return asked.finish is not None


def _arranged(asked: list[Asked]) -> deque[Asked]:
    """By their tokens, so that each prompt follows the one it shares the longest beginning with."""
    return deque(sorted(asked, key=lambda one: one.prompt))


def _seated(context: Context, running: Running, asked: Asked) -> Slot | None:
    """Seat a request in the free slot that holds most of its beginning, or a copy of the slot that does.

    None when no slot is free, or a running one is about to read much of the same beginning.
    """
    free = [s for s in range(context.sequences) if s not in running]
    if not free:
        return None
    shared = partial(common, asked.prompt)
    held = [shared(tokens) for tokens in context.cached]
    if any(shared(slot.prompt) >= max(held) + SHARED for slot, _ in running.values()):
        return None
    source, target = max(range(len(held)), key=held.__getitem__), max(free, key=held.__getitem__)
    if held[source] >= held[target] + SHARED:
        target = min(free, key=held.__getitem__)
        context.copy(source, target)
    fed = context.keep(
        target, min(shared(context.cached[target]), len(asked.prompt) - asked.wanted)
    )
    return Slot(target, asked.prompt, asked.wanted, fed)


def _closed_up(context: Context, running: Running) -> Running:
    """The running slots without a gap between them: what stands above one is copied into it.

    With split KV a gap in the ids cuts a step in pieces, and each reads all weights: 13 of 16 sequences took longer
    than all 16 (ours). While requests wait, gaps are filled with them instead.
    """
    gaps = [s for s in range(len(running)) if s not in running]
    for target, source in zip(gaps, sorted(s for s in running if s >= len(running)), strict=True):
        context.copy(source, target)
        running[source][0].sequence = target
    return {slot.sequence: (slot, asked) for slot, asked in running.values()}


def _free(asked: Asked) -> None:
    if asked.sampler is not None:
        asked.sampler.free()
        asked.sampler = None


def _generation(asked: Asked) -> Generation:
    return Generation(
        request=asked.request, text=asked.text[: _stop_at(asked)].decode(errors="replace"), finish=asked.finish,
        prompt_tokens=len(asked.prompt), completion_tokens=asked.written,
        seconds=time.monotonic() - asked.started, logprobs=tuple(asked.logprobs),
    )  # fmt: skip


def _scores(rows: list[Asked]) -> Generation:
    request, found = (
        rows[0].request,
        {which: score for row in rows for which, score in row.scored.items()},
    )
    continued = sum(len(tokens) for row in rows for _, tokens in row.continuations)
    first = min(rows, key=lambda row: len(row.prompt))
    return Generation(
        request=request, text="", finish="stop", prompt_tokens=len(first.prompt) - first.wanted + 1,
        completion_tokens=continued, seconds=time.monotonic() - min(row.started for row in rows),
        logprobs=tuple(found[which] for which in range(len(request.continuations))),
    )  # fmt: skip


def _stop_at(asked: Asked) -> int | None:
    """Byte position of the first stop string in what has been written, or None."""
    stops = (asked.text.find(s.encode()) for s in asked.request.sampling.stop)
    return min((p for p in stops if p >= 0), default=None)
