"""llama.cpp in process, through llama-cpp-python's low-level API: many sequences decode at once.

A finished sequence's slot is refilled from the queue; each request has its own sampler and seed.
Reads a GGUF file. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import ctypes
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import llama_cpp
from llama_cpp import llama_cpp as low
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from localfair.errors import BackendDied, CorruptWeights, PromptTooLong
from localfair.records import Engine, Generation, Request

PIECE_BYTES = 256
PROMPT_CHUNK = 512  # prompt tokens per decode step, so that running sequences are not starved for long


@dataclass(slots=True)
class Slot:
    """One running sequence: its request, what is still to be prefilled, what has been written."""

    sequence: int
    request: Request
    prompt: list[int]
    sampler: Any
    started: float
    fed: int = 0
    written: list[int] = field(default_factory=list)
    text: bytes = b""
    next_token: int | None = None
    logits_at: int = -1


class LlamaCppBackend:
    """`batch` sequences of up to `context` tokens each (n_ctx is per sequence here, never in total)."""

    def __init__(self, model: Any, *, adapter_id: str = "", batch: int = 16, threads: int | None = None) -> None:
        self.engine = Engine(
            model=model.card.name, fingerprint=model.fingerprint, chat_template=model.chat_template_hash,
            family="llama_cpp/gguf", adapter=adapter_id,
        )  # fmt: skip
        self.context = model.context
        self._model_info = model
        self._batch_size = batch
        self._threads = threads
        self._model: Any = None

    # -- the seam ---------------------------------------------------------------------------------

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """Each generation as soon as it is finished. Raises PromptTooLong before the first is sent."""
        self._load()
        queue = deque((r, self._prompt_tokens(r)) for r in requests)
        if not queue:
            return
        # neighbours that begin alike follow one another, so that a slot can keep the common prefix
        longest = max(len(p) + r.sampling.max_tokens for r, p in queue)
        sequences = min(self._batch_size, len(queue))
        with _Context(self._model, longest, sequences, self._threads) as context:
            yield from self._decode(context, queue, sequences)

    def close(self) -> None:
        """Free the weights."""
        if self._model is not None:
            low.llama_model_free(self._model)
            self._model = None

    # -- loading and tokens -----------------------------------------------------------------------

    def _load(self) -> None:
        if self._model is not None:
            return
        low.llama_log_set(_silent, ctypes.c_void_p(0))
        low.llama_backend_init()
        params = low.llama_model_default_params()
        self._model = low.llama_model_load_from_file(str(self._model_info.path).encode(), params)
        if not self._model:
            self._model = None
            raise CorruptWeights(
                f"llama.cpp could not load {self._model_info.path}",
                f"localfair models check {self.engine.model}",
            )
        self._vocab = low.llama_model_get_vocab(self._model)
        self._format = self._formatter()

    def _formatter(self) -> Jinja2ChatFormatter:
        bos, eos = low.llama_vocab_bos(self._vocab), low.llama_vocab_eos(self._vocab)
        return Jinja2ChatFormatter(
            template=self._model_info.chat_template,
            eos_token=self._piece(eos, special=True).decode(errors="replace") if eos >= 0 else "",
            bos_token=self._piece(bos, special=True).decode(errors="replace") if bos >= 0 else "",
        )

    def _prompt_tokens(self, request: Request) -> list[int]:
        messages: Any = [{"role": m.role, "content": m.content} for m in request.messages]
        text = self._format(messages=messages).prompt.encode()
        tokens = (low.llama_token * (len(text) + 8))()
        # the template writes the beginning-of-text token itself where the model has one
        add_bos = low.llama_vocab_get_add_bos(self._vocab) and not self._begins_with_bos(text)
        count = low.llama_tokenize(self._vocab, text, len(text), tokens, len(tokens), add_bos, True)
        assert count > 0, count
        needed = count + request.sampling.max_tokens
        if needed > self.context:
            raise PromptTooLong(
                f"{request.about or 'a prompt'} needs {needed} tokens, {self.engine.model} has {self.context}",
                "lower max_tokens, or choose a model with a longer context",
            )
        return list(tokens[:count])

    def _begins_with_bos(self, text: bytes) -> bool:
        bos = low.llama_vocab_bos(self._vocab)
        return bos >= 0 and text.startswith(self._piece(bos, special=True))

    def _piece(self, token: int, special: bool = False) -> bytes:
        buffer = ctypes.create_string_buffer(PIECE_BYTES)
        length = low.llama_token_to_piece(self._vocab, token, buffer, PIECE_BYTES, 0, special)
        return buffer.raw[: max(0, length)]

    # -- decoding ---------------------------------------------------------------------------------

    def _decode(
        self, context: _Context, queue: deque[tuple[Request, list[int]]], sequences: int
    ) -> Iterator[Generation]:
        free = list(range(sequences))[::-1]
        running: dict[int, Slot] = {}
        held: dict[int, list[int]] = {}  # what each free slot's cache still holds
        try:
            while queue or running:
                while queue and free:
                    slot = self._admit(context, queue.popleft(), free, held)
                    running[slot.sequence] = slot
                context.step([running[s] for s in sorted(running)])
                for slot in [s for s in running.values() if s.logits_at >= 0]:
                    if finish := self._advance(context, slot):
                        yield self._finished(slot, finish)
                        held[slot.sequence] = slot.prompt[:]
                        free.append(running.pop(slot.sequence).sequence)
                        low.llama_sampler_free(slot.sampler)
        finally:
            for slot in running.values():
                low.llama_sampler_free(slot.sampler)

    def _admit(
        self, context: _Context, item: tuple[Request, list[int]], free: list[int], held: dict[int, list[int]]
    ) -> Slot:
        """Seat a request in the free slot whose cache shares the longest beginning with it."""
        request, prompt = item
        best = max(free, key=lambda s: _common(held.get(s, []), prompt))
        free.remove(best)
        kept = min(_common(held.get(best, []), prompt), len(prompt) - 1)
        context.keep(best, kept)
        return Slot(best, request, prompt, _sampler(request), time.monotonic(), fed=kept)

    def _advance(self, context: _Context, slot: Slot) -> str | None:
        """Draw the next token; how the reply ended, if it did."""
        token = low.llama_sampler_sample(slot.sampler, context.pointer, slot.logits_at)
        if low.llama_vocab_is_eog(self._vocab, token):
            return "stop"
        slot.written.append(token)
        slot.text += self._piece(token)
        if _stop_at(slot) is not None:
            return "stop"
        slot.next_token = token
        return "length" if len(slot.written) >= slot.request.sampling.max_tokens else None

    def _finished(self, slot: Slot, finish: Any) -> Generation:
        stop = _stop_at(slot)
        text = slot.text if stop is None else slot.text[:stop]
        return Generation(
            request=slot.request, text=text.decode(errors="replace"), finish=finish,
            prompt_tokens=len(slot.prompt), completion_tokens=len(slot.written),
            seconds=time.monotonic() - slot.started,
        )  # fmt: skip


class _Context:
    """A llama_context with split KV: `length` cells for each of `sequences`, and one batch to fill."""

    def __init__(self, model: Any, length: int, sequences: int, threads: int | None) -> None:
        params = low.llama_context_default_params()
        per_sequence = -(-length // 256) * 256
        params.n_ctx = per_sequence * sequences
        params.n_seq_max = sequences
        params.n_batch = max(PROMPT_CHUNK, sequences) + sequences
        params.n_ubatch = params.n_batch
        params.kv_unified = False
        params.no_perf = True
        if threads:
            params.n_threads = params.n_threads_batch = threads
        self.pointer = low.llama_init_from_model(model, params)
        if not self.pointer:
            raise BackendDied("llama.cpp could not make a context", "lower --batch or max_tokens")
        assert low.llama_n_ctx(self.pointer) >= per_sequence * sequences
        self._memory = low.llama_get_memory(self.pointer)
        self._batch = low.llama_batch_init(params.n_batch, 0, 1)
        self._room = params.n_batch

    def __enter__(self) -> _Context:
        return self

    def __exit__(self, *_: object) -> None:
        low.llama_batch_free(self._batch)
        low.llama_free(self.pointer)

    def keep(self, sequence: int, tokens: int) -> None:
        """Forget all but the first `tokens` of a sequence."""
        low.llama_memory_seq_rm(self._memory, sequence, tokens, -1)

    def step(self, slots: list[Slot]) -> None:
        """Decode one token of each running slot and a chunk of the prompts still to be read.

        Slots come in ascending sequence id: with split KV another order cuts the batch into pieces.
        """
        self._batch.n_tokens = 0
        room = self._room - sum(s.next_token is not None for s in slots)
        for slot in slots:
            slot.logits_at = -1
            if slot.next_token is not None:
                self._add(slot, slot.next_token, len(slot.prompt) + len(slot.written) - 1, last=True)
                slot.next_token = None
            elif room > 0:
                chunk = slot.prompt[slot.fed : slot.fed + room]
                room -= len(chunk)
                for offset, token in enumerate(chunk):
                    position = slot.fed + offset
                    self._add(slot, token, position, last=position == len(slot.prompt) - 1)
                slot.fed += len(chunk)
        code = low.llama_decode(self.pointer, self._batch)
        if code:
            raise BackendDied(f"llama.cpp could not decode (code {code})", "lower --batch, or close other programs")

    def _add(self, slot: Slot, token: int, position: int, *, last: bool) -> None:
        batch, i = self._batch, self._batch.n_tokens
        batch.token[i] = token
        batch.pos[i] = position
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = slot.sequence
        batch.logits[i] = last
        if last:
            slot.logits_at = i
        batch.n_tokens += 1


def _sampler(request: Request) -> Any:
    """temperature, then nucleus, then a draw with the request's own seed; greedy at temperature 0."""
    chain = low.llama_sampler_chain_init(low.llama_sampler_chain_default_params())
    sampling = request.sampling
    if sampling.temperature <= 0:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_greedy())
        return chain
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_temp(sampling.temperature))
    if sampling.top_p < 1:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_top_p(sampling.top_p, 1))
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_dist(request.seed))
    return chain


def _common(a: list[int], b: list[int]) -> int:
    """Length of the common beginning of two token lists."""
    count = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        count += 1
    return count


def _stop_at(slot: Slot) -> int | None:
    """Byte position of the first stop string in what has been written, or None."""
    stops = (slot.text.find(s.encode()) for s in slot.request.sampling.stop)
    return min((p for p in stops if p >= 0), default=None)


@low.llama_log_callback
def _silent(level: int, text: bytes, user_data: Any) -> None:
    """llama.cpp writes to stderr what nobody asked for."""


def open(model: Any, *, adapter_id: str = "", batch: int = 16, **_: Any) -> LlamaCppBackend:
    """The seam's `open`. `llama_cpp.__version__` is recorded with the run."""
    assert llama_cpp.__version__
    return LlamaCppBackend(model, adapter_id=adapter_id, batch=batch)
