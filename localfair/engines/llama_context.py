"""A llama_context whose sequences keep what they have read: decode steps and copied prefixes.

Reads token ids and writes logits; knows nothing of text, samplers, requests or files. The
key-value cache is split: every sequence has `length` cells of its own.
"""

from __future__ import annotations

from ctypes import c_float
from dataclasses import dataclass, field
from typing import Any

import numpy
from llama_cpp import llama_cpp as low
from numpy.typing import NDArray

from localfair.errors import EngineDied
from localfair.models.llama_log import complaint

# prompt tokens a decode step reads at most, so that running sequences are not starved for long (ours)
PROMPT_CHUNK = 512


# what llama_decode gives back: no room in the key-value cache; an allocation failed
SHORT_OF_MEMORY = (1, -2)


class NoRoom(Exception):
    """Memory was too short for what llama.cpp was to do."""


@dataclass(slots=True, eq=False)
class Slot:
    """One running sequence: the tokens it reads, how far it got, and the token it is to read next.

    The logits of the last `wanted` prompt tokens, and of every token after them, are computed.
    `shown` holds those of the last step: (how many tokens stand before and at it, its index in
    the batch).
    """

    sequence: int
    prompt: list[int]
    wanted: int = 1
    fed: int = 0
    next_token: int | None = None
    shown: list[tuple[int, int]] = field(default_factory=list)


class Context:
    """`sequences` sequences of `length` tokens.

    `cached[s]` is what sequence s holds. A step has room for `prompt_chunk` prompt tokens
    and one token of each sequence. Raises NoRoom when memory is too short for as many.
    """

    def __init__(
        self,
        model: object,
        length: int,
        sequences: int,
        threads: int,
        adapter: object = None,
        prompt_chunk: int = PROMPT_CHUNK,
    ) -> None:
        self._pointer: Any = None
        self.sequences = sequences
        self._prompt_chunk = prompt_chunk
        self._pointer = self._made(model, length, threads)
        self._vocabulary = low.llama_vocab_n_tokens(low.llama_model_get_vocab(model))
        if adapter is not None:
            adapters = (low.llama_adapter_lora_p_ctypes * 1)(adapter)
            low.llama_set_adapters_lora(self._pointer, adapters, 1, (c_float * 1)(1.0))
        assert low.llama_n_ctx_seq(self._pointer) >= length, "a sequence has too few cells"
        self._room = low.llama_n_batch(self._pointer)
        self._batch = low.llama_batch_init(self._room, 0, 1)
        self.cached: list[list[int]] = [[] for _ in range(self.sequences)]

    def _made(self, model: object, length: int, threads: int) -> Any:
        pointer = low.llama_init_from_model(model, self._params(length, threads))
        if not pointer:
            raise NoRoom(f"llama.cpp could not make a context{complaint()}")
        return pointer

    def _params(self, length: int, threads: int) -> Any:
        params = low.llama_context_default_params()
        cells = -(-length // 256) * 256  # a sequence's cells, rounded up as llama.cpp pads them
        batch = max(self._prompt_chunk, self.sequences) + self.sequences
        params.n_ctx = cells * self.sequences
        params.n_seq_max = self.sequences
        params.n_batch = batch
        params.n_ubatch = batch
        params.kv_unified = False
        params.no_perf = True
        params.n_threads = threads
        params.n_threads_batch = threads
        return params

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.free()

    @property
    def pointer(self) -> Any:
        """llama.cpp's own context. Raises EngineDied when it was freed."""
        if self._pointer is None:
            raise EngineDied("the engine was closed while it was generating", "ask it again")
        return self._pointer

    def _memory(self) -> Any:
        return low.llama_get_memory(self.pointer)

    def free(self) -> None:
        """Give the memory back. Idempotent.

        A signal may raise between any two lines: what is being freed is forgotten first, since
        freeing it twice ends the process.
        """
        pointer = self._pointer
        self._pointer = None
        if pointer is not None:
            low.llama_batch_free(self._batch)
            low.llama_free(pointer)

    def keep(self, sequence: int, tokens: int) -> int:
        """Forget all but the first `tokens` of a sequence; how many are left.

        None are left where the model cannot forget a part (a recurrent one).
        """
        if tokens == 0 or not low.llama_memory_seq_rm(self._memory(), sequence, tokens, -1):
            low.llama_memory_seq_rm(self._memory(), sequence, -1, -1)
            tokens = 0
        del self.cached[sequence][tokens:]
        return tokens

    def copy(self, source: int, target: int) -> None:
        """Have `target` hold all that `source` holds.

        With split KV only whole sequences can be copied.
        """
        low.llama_memory_seq_rm(self._memory(), target, -1, -1)
        low.llama_memory_seq_cp(self._memory(), source, target, -1, -1)
        self.cached[target] = self.cached[source][:]

    def step(self, slots: list[Slot]) -> None:
        """Decode one token of each running slot and a chunk of the prompts still to be read.

        Slots come in ascending sequence id: with split KV another order, or a gap, cuts the batch
        into pieces. Raises NoRoom when memory is too short, EngineDied when llama.cpp cannot
        decode.
        """
        pointer = self.pointer
        self._batch.n_tokens = 0
        replying = sum(slot.next_token is not None for slot in slots)
        room = self._room - replying
        for slot in slots:
            slot.shown.clear()
            if slot.next_token is not None:
                self._add(slot, slot.next_token)
                slot.next_token = None
                continue
            chunk = slot.prompt[slot.fed : slot.fed + room]
            room -= len(chunk)
            for token in chunk:
                self._add(slot, token)
        code = low.llama_decode(pointer, self._batch)
        if code in SHORT_OF_MEMORY:
            raise NoRoom(f"llama.cpp could not decode (code {code}){complaint()}")
        if code:
            raise EngineDied(
                f"llama.cpp could not decode (code {code}){complaint()}",
                "close other programs, or lower --batch",
            )

    def logits(self, index: int) -> NDArray[numpy.float32]:
        """(V,) logits at an index of the last step's batch; they are gone after the next step."""
        values = low.llama_get_logits_ith(self.pointer, index)
        return numpy.ctypeslib.as_array(values, (self._vocabulary,))

    def _add(self, slot: Slot, token: int) -> None:
        """Put the slot's next token into the batch."""
        batch = self._batch
        index = batch.n_tokens
        slot.fed += 1
        batch.token[index] = token
        batch.pos[index] = len(self.cached[slot.sequence])
        batch.n_seq_id[index] = 1
        batch.seq_id[index][0] = slot.sequence
        batch.logits[index] = slot.fed > len(slot.prompt) - slot.wanted
        if batch.logits[index]:
            slot.shown.append((slot.fed, index))
        batch.n_tokens += 1
        self.cached[slot.sequence].append(token)


def common(a: list[int], b: list[int]) -> int:
    """Length of the common beginning of two token lists."""
    shorter = min(len(a), len(b))
    if a[:shorter] == b[:shorter]:
        return shorter  # usual, and far quicker than looking token by token
    for i in range(shorter):
        if a[i] != b[i]:
            return i
    return shorter
