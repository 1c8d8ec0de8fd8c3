"""llama.cpp in process, through llama-cpp-python's low-level API: many sequences decode at once.

A finished sequence's slot is refilled from the queue; each request has its own sampler and seed, and a
beginning that prompts share is read once. Reads a GGUF file. Knows nothing of tasks, recipes or the store.
"""

from __future__ import annotations

import ctypes
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from jinja2 import TemplateError
from llama_cpp import llama_cpp as low
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from localfair.backends import llama_context
from localfair.backends.llama_context import Context, Slot, common
from localfair.errors import BackendError, CorruptWeights, ModelError, PromptTooLong
from localfair.records import Engine, Generation, Request

PIECE_BYTES = 256
SHARED = 64  # tokens that prompts must share before the one waits for the other's reading (ours)
EVERY_LAYER = 10_000
CONTROL = low.LLAMA_TOKEN_ATTR_CONTROL | low.LLAMA_TOKEN_ATTR_UNKNOWN

Prompted = tuple[Request, list[int]]


def open(model: Any, *, adapter_id: str = "", batch: int = 16, threads: int | None = None) -> LlamaCppBackend:
    """The seam's `open`: up to `batch` requests run together, on as many threads as there are cores."""
    return LlamaCppBackend(model, adapter_id=adapter_id, batch=batch, threads=threads)


class LlamaCppBackend:
    """A `Backend` for the GGUF at `model.path`; its weights load at the first request."""

    def __init__(self, model: Any, *, adapter_id: str = "", batch: int = 16, threads: int | None = None) -> None:
        self.engine = Engine(
            model=model.card.name, fingerprint=model.fingerprint, chat_template=model.chat_template_hash,
            family="llama_cpp/gguf", adapter=adapter_id,
        )  # fmt: skip
        self.context = model.context
        self._model_info = model
        self._batch_size = batch
        self._threads = threads or llama_context.physical_cores()
        self._model: Any = None
        self._contexts: weakref.WeakSet[Context] = weakref.WeakSet()

    # -- the seam ---------------------------------------------------------------------------------

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """Each generation as soon as it is finished. Raises PromptTooLong before the first is sent."""
        asked = list(requests)
        if not asked:
            return
        self._load()
        queue = _arranged([(request, self._prompt_tokens(request)) for request in asked])
        longest = max(len(p) + r.sampling.max_tokens for r, p in queue)
        with Context(self._model, longest, min(self._batch_size, len(queue)), self._threads) as context:
            self._contexts.add(context)
            yield from self._decode(context, queue)

    def close(self) -> None:
        """Free the weights, and the contexts of generations nobody finished asking for."""
        for context in list(self._contexts):
            context.free()
        if self._model is not None:
            low.llama_model_free(self._model)
            self._model = None

    # -- loading and tokens -----------------------------------------------------------------------

    def _load(self) -> None:
        if self._model is not None:
            return
        if not self._model_info.chat_template:
            raise ModelError(
                f"{self.engine.model} has no chat template",
                "use an instruction-tuned model, or give chat_template in its card",
            )
        llama_context.silence()
        low.llama_backend_init()
        params = low.llama_model_default_params()
        params.n_gpu_layers = EVERY_LAYER if low.llama_supports_gpu_offload() else 0
        model = low.llama_model_load_from_file(str(self._model_info.path).encode(), params)
        if not model:
            raise CorruptWeights(
                f"llama.cpp could not load {self._model_info.path}{llama_context.complaint()}",
                f"localfair models check {self.engine.model}",
            )
        self._model, self._vocab = model, low.llama_model_get_vocab(model)
        self._control = _control_texts(self._vocab)
        self._format = self._formatter()

    def _formatter(self) -> Jinja2ChatFormatter:
        bos, eos = (
            _piece(self._vocab, token, special=True).decode(errors="replace") if token >= 0 else ""
            for token in (low.llama_vocab_bos(self._vocab), low.llama_vocab_eos(self._vocab))
        )
        try:
            return Jinja2ChatFormatter(template=self._model_info.chat_template, bos_token=bos, eos_token=eos)
        except TemplateError as error:
            raise ModelError(
                f"the chat template of {self.engine.model} is not Jinja: {error}", "give another in its card"
            ) from error

    def _prompt_tokens(self, request: Request) -> list[int]:
        tokens = self._tokenised(self._prompt(request).encode())
        needed = len(tokens) + request.sampling.max_tokens
        if needed > self.context:
            raise PromptTooLong(
                f"{request.about or 'a prompt'} needs {needed} tokens, {self.engine.model} has {self.context}",
                "lower max_tokens, or choose a model with a longer context",
            )
        return tokens

    def _prompt(self, request: Request) -> str:
        """The chat template's text. Control tokens come from the template alone (see `_as_text`)."""
        messages: Any = [{"role": m.role, "content": _as_text(self._control, m.content)} for m in request.messages]
        try:
            return str(self._format(messages=messages).prompt)
        except (TemplateError, ValueError, TypeError) as error:
            raise BackendError(
                f"the chat template of {self.engine.model} refuses {request.about or 'a prompt'}: {error}",
                "some templates take no system message",
            ) from error

    def _tokenised(self, text: bytes) -> list[int]:
        tokens = (low.llama_token * (len(text) + 8))()
        # the template writes the beginning-of-text token itself where the model has one
        add_bos = low.llama_vocab_get_add_bos(self._vocab) and not self._begins_with_bos(text)
        count = low.llama_tokenize(self._vocab, text, len(text), tokens, len(tokens), add_bos, True)
        assert count > 0, count
        return list(tokens[:count])

    def _begins_with_bos(self, text: bytes) -> bool:
        bos = low.llama_vocab_bos(self._vocab)
        return bos >= 0 and text.startswith(_piece(self._vocab, bos, special=True))

    # -- decoding ---------------------------------------------------------------------------------

    def _decode(self, context: Context, queue: deque[Prompted]) -> Iterator[Generation]:
        running: dict[int, Slot] = {}
        try:
            while queue or running:
                while queue and (slot := _seated(context, running, *queue[0])):
                    queue.popleft()
                    running[slot.sequence] = slot
                context.step([running[s] for s in sorted(running)])
                for slot in [s for s in running.values() if s.logits_at >= 0]:
                    if finish := self._advance(context, slot):
                        low.llama_sampler_free(running.pop(slot.sequence).sampler)
                        yield _finished(slot, finish)
        finally:
            for slot in running.values():
                low.llama_sampler_free(slot.sampler)

    def _advance(self, context: Context, slot: Slot) -> str | None:
        """Draw the next token; how the reply ended, if it did."""
        token = low.llama_sampler_sample(slot.sampler, context.pointer, slot.logits_at)
        if low.llama_vocab_is_eog(self._vocab, token):
            return "stop"
        slot.written += 1
        slot.text += _piece(self._vocab, token)
        if _stop_at(slot) is not None:
            return "stop"
        slot.next_token = token
        return "length" if slot.written >= slot.request.sampling.max_tokens else None


def _arranged(queue: list[Prompted]) -> deque[Prompted]:
    """Prompts that begin alike follow one another, else as asked."""
    groups: dict[tuple[int, ...], list[Prompted]] = {}
    for request, prompt in queue:
        groups.setdefault(tuple(prompt[:SHARED]), []).append((request, prompt))
    return deque(item for group in groups.values() for item in group)


def _seated(context: Context, running: dict[int, Slot], request: Request, prompt: list[int]) -> Slot | None:
    """Seat a request in the free slot that holds most of its beginning, or a copy of the slot that does.

    None when no slot is free, or a running one is about to read much of the same beginning.
    """
    free = [s for s in range(context.sequences) if s not in running]
    if not free:
        return None
    shared = partial(common, prompt)
    held = [shared(tokens) for tokens in context.cached]
    if any(shared(slot.prompt) >= max(held) + SHARED for slot in running.values()):
        return None
    source, target = max(range(len(held)), key=held.__getitem__), max(free, key=held.__getitem__)
    if held[source] >= held[target] + SHARED:
        target = min(free, key=held.__getitem__)
        context.copy(source, target)
    fed = context.keep(target, min(shared(context.cached[target]), len(prompt) - 1))
    return Slot(target, request, prompt, llama_context.sampler(request), time.monotonic(), fed=fed)


def _finished(slot: Slot, finish: Any) -> Generation:
    return Generation(
        request=slot.request, text=slot.text[: _stop_at(slot)].decode(errors="replace"), finish=finish,
        prompt_tokens=len(slot.prompt), completion_tokens=slot.written,
        seconds=time.monotonic() - slot.started,
    )  # fmt: skip


def _stop_at(slot: Slot) -> int | None:
    """Byte position of the first stop string in what has been written, or None."""
    stops = (slot.text.find(s.encode()) for s in slot.request.sampling.stop)
    return min((p for p in stops if p >= 0), default=None)


def _piece(vocab: Any, token: int, special: bool = False) -> bytes:
    """A token's bytes; none for a control token unless `special`."""
    size = PIECE_BYTES
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = low.llama_token_to_piece(vocab, token, buffer, size, 0, special)
        if length >= 0:
            return buffer.raw[:length]
        size = -length


def _control_texts(vocab: Any) -> tuple[str, ...]:
    """What the vocabulary's control tokens look like when spelled out."""
    marked = (i for i in range(low.llama_vocab_n_tokens(vocab)) if low.llama_vocab_get_attr(vocab, i) & CONTROL)
    texts = (low.llama_vocab_get_text(vocab, i).decode(errors="replace") for i in marked)
    return tuple(text for text in texts if len(text) > 1)


def _as_text(control: tuple[str, ...], text: str) -> str:
    """A space after the first character of each control token the text spells: quoting ends no turn.

    The same as `localfair.lessons` does, so that both engines read the same prompt.
    """
    while found := next((token for token in control if token in text), None):
        text = text.replace(found, found[0] + " " + found[1:])
    return text
