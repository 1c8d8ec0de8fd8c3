"""A llama_context whose sequences keep what they have read: decode steps and copied prefixes.

Reads token ids and writes logits; knows nothing of text, samplers, requests or files. The key-value cache is
split: every sequence has `length` cells of its own.
"""

from __future__ import annotations

from ctypes import c_float
from dataclasses import dataclass, field
from itertools import count as endless
from typing import Any

import numpy
from llama_cpp import llama_cpp as low
from numpy.typing import NDArray

from localfair.errors import EngineDied
from localfair.models.llama_log import complaint

PROMPT_CHUNK = (
    512  # prompt tokens per decode step, so that running sequences are not starved for long
)


@dataclass(slots=True, eq=False)
class Slot:
    """One running sequence: the tokens it reads, how far it got, and the token it is to read next.

    The logits of the last `wanted` prompt tokens, and of every token after them, are computed. `read` holds
    those of the last step: (how many tokens stand before and at it, its place in the batch).
    """

    sequence: int
    prompt: list[int]
    wanted: int = 1
    fed: int = 0
    next_token: int | None = None
    read: list[tuple[int, int]] = field(default_factory=list)


class Context:
    """Up to `sequences` sequences of `length` tokens: as many as memory gives, `sequences` says how many.

    `cached[s]` is what sequence s holds. Raises EngineDied when not even one sequence fits.
    """

    def __init__(
        self, model: Any, length: int, sequences: int, threads: int, adapter: Any = None
    ) -> None:
        self._pointer = None
        self.sequences = sequences
        while not (
            pointer := low.llama_init_from_model(model, _params(length, self.sequences, threads))
        ):
            if self.sequences == 1:
                raise EngineDied(
                    f"llama.cpp could not make a context{complaint()}", "lower max_tokens"
                )
            self.sequences //= 2
        self._pointer = pointer
        self._vocabulary = low.llama_vocab_n_tokens(low.llama_model_get_vocab(model))
        if adapter is not None:
            low.llama_set_adapters_lora(
                pointer, (low.llama_adapter_lora_p_ctypes * 1)(adapter), 1, (c_float * 1)(1.0)
            )
        assert low.llama_n_ctx_seq(pointer) >= length, (
            "a sequence has fewer cells than were asked for"
        )
        self._room = low.llama_n_batch(pointer)
        self._batch = low.llama_batch_init(self._room, 0, 1)
        self.cached: list[list[int]] = [[] for _ in range(self.sequences)]

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.free()

    @property
    def pointer(self) -> Any:
        if self._pointer is None:
            raise EngineDied("the engine was closed while it was generating", "ask it again")
        return self._pointer

    def _memory(self) -> Any:
        return low.llama_get_memory(self.pointer)

    def free(self) -> None:
        """Give the memory back. Idempotent."""
        if self._pointer is not None:
            low.llama_batch_free(self._batch)
            low.llama_free(self._pointer)
            self._pointer = None

    def keep(self, sequence: int, tokens: int) -> int:
        """Forget all but the first `tokens` of a sequence; how many are left.

        None are where the model cannot forget a part (a recurrent one).
        """
        if tokens == 0 or not low.llama_memory_seq_rm(self._memory(), sequence, tokens, -1):
            low.llama_memory_seq_rm(self._memory(), sequence, -1, -1)
            tokens = 0
        del self.cached[sequence][tokens:]
        return tokens

    def copy(self, source: int, target: int) -> None:
        """Have `target` hold all that `source` holds. With split KV only whole sequences can be copied."""
        low.llama_memory_seq_rm(self._memory(), target, -1, -1)
        low.llama_memory_seq_cp(self._memory(), source, target, -1, -1)
        self.cached[target] = self.cached[source][:]

    def step(self, slots: list[Slot]) -> None:
        """Decode one token of each running slot and a chunk of the prompts still to be read.

        Slots come in ascending sequence id: with split KV another order, or a gap, cuts the batch into pieces.
        """
        pointer, self._batch.n_tokens = self.pointer, 0
        room = self._room - sum(s.next_token is not None for s in slots)
        for slot in slots:
            slot.read.clear()
            chunk = slot.prompt[slot.fed : slot.fed + room]
            if slot.next_token is not None:
                chunk, slot.next_token = [slot.next_token], None
            else:
                room -= len(chunk)
            for token in chunk:
                slot.fed += 1
                self._add(slot, token)
        if code := low.llama_decode(pointer, self._batch):
            raise EngineDied(
                f"llama.cpp could not decode (code {code}){complaint()}",
                "close other programs, or lower --batch",
            )

    def logits(self, at: int) -> NDArray[numpy.float32]:
        """(V,) logits at a place of the last step's batch; they are gone after the next step."""
        return numpy.ctypeslib.as_array(
            low.llama_get_logits_ith(self.pointer, at), (self._vocabulary,)
        )

    def _add(self, slot: Slot, token: int) -> None:
        batch, i = self._batch, self._batch.n_tokens
        batch.token[i] = token
        batch.pos[i] = len(self.cached[slot.sequence])
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = slot.sequence
        batch.logits[i] = slot.fed > len(slot.prompt) - slot.wanted
        if batch.logits[i]:
            slot.read.append((slot.fed, i))
        batch.n_tokens += 1
        self.cached[slot.sequence].append(token)


def _params(length: int, sequences: int, threads: int) -> Any:
    params = low.llama_context_default_params()
    params.n_ctx = -(-length // 256) * 256 * sequences
    params.n_seq_max = sequences
    params.n_batch = params.n_ubatch = max(PROMPT_CHUNK, sequences) + sequences
    params.kv_unified = False
    params.no_perf = True
    params.n_threads = params.n_threads_batch = threads
    return params


def common(a: list[int], b: list[int]) -> int:
    """Length of the common beginning of two token lists."""
    most = min(len(a), len(b))
    return most if a[:most] == b[:most] else next(i for i in endless() if a[i] != b[i])
