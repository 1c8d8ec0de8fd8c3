"""A llama_context whose sequences keep what they have read: decode steps, copied prefixes, samplers.

Reads token ids and writes logits that a sampler draws from; knows nothing of text, requests' messages or
files. The key-value cache is split: every sequence has `length` cells of its own.
"""

from __future__ import annotations

import ctypes
import os
from collections import deque
from dataclasses import dataclass
from itertools import count as endless
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as low

from localfair.errors import BackendDied
from localfair.records import Request, content_id

PROMPT_CHUNK = 512  # prompt tokens per decode step, so that running sequences are not starved for long
ERROR = 4  # GGML_LOG_LEVEL_ERROR
_complaints: deque[str] = deque(maxlen=1)


@dataclass(slots=True, eq=False)
class Slot:
    """One running sequence: its request, how much of the prompt is read, what has been written."""

    sequence: int
    request: Request
    prompt: list[int]
    sampler: Any
    started: float
    fed: int = 0
    written: int = 0
    text: bytes = b""
    next_token: int | None = None
    logits_at: int = -1


class Context:
    """Up to `sequences` sequences of `length` tokens: as many as memory gives, `sequences` says how many.

    `cached[s]` is what sequence s holds. Raises BackendDied when not even one sequence fits.
    """

    def __init__(self, model: Any, length: int, sequences: int, threads: int) -> None:
        self._pointer = None
        self.sequences = sequences
        while not (pointer := low.llama_init_from_model(model, _params(length, self.sequences, threads))):
            if self.sequences == 1:
                raise BackendDied(f"llama.cpp could not make a context{complaint()}", "lower max_tokens")
            self.sequences //= 2
        self._pointer = pointer
        assert low.llama_n_ctx_seq(pointer) >= length, "a sequence has fewer cells than were asked for"
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
            raise BackendDied("the backend was closed while it was generating", "ask it again")
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

        Slots come in ascending sequence id: with split KV another order cuts the batch into pieces.
        """
        pointer, self._batch.n_tokens = self.pointer, 0
        room = self._room - sum(s.next_token is not None for s in slots)
        for slot in slots:
            slot.logits_at = -1
            if slot.next_token is not None:
                self._add(slot, slot.next_token, last=True)
                slot.next_token = None
                continue
            chunk = slot.prompt[slot.fed : slot.fed + room]
            room -= len(chunk)
            for token in chunk:
                slot.fed += 1
                self._add(slot, token, last=slot.fed == len(slot.prompt))
        if code := low.llama_decode(pointer, self._batch):
            raise BackendDied(
                f"llama.cpp could not decode (code {code}){complaint()}", "close other programs, or lower --batch"
            )

    def _add(self, slot: Slot, token: int, *, last: bool) -> None:
        batch, i = self._batch, self._batch.n_tokens
        batch.token[i] = token
        batch.pos[i] = len(self.cached[slot.sequence])
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = slot.sequence
        batch.logits[i] = last
        if last:
            slot.logits_at = i
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


def sampler(request: Request) -> Any:
    """Temperature, then nucleus, then a draw from the request's own seed and sample; greedy at 0."""
    chain = low.llama_sampler_chain_init(low.llama_sampler_chain_default_params())
    sampling = request.sampling
    if sampling.temperature <= 0:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_greedy())
        return chain
    seed = int(content_id("draws", seed=request.seed, sample=request.sample)[3:], 16) % 2**31
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_temp(sampling.temperature))
    if sampling.top_p < 1:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_top_p(sampling.top_p, 1))
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_dist(seed))
    return chain


def common(a: list[int], b: list[int]) -> int:
    """Length of the common beginning of two token lists."""
    most = min(len(a), len(b))
    return most if a[:most] == b[:most] else next(i for i in endless() if a[i] != b[i])


def physical_cores() -> int:
    """Cores this process may run on, each counted once however many threads it has."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})


def _siblings(cpu: int) -> str:
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return str(cpu)


def complaint() -> str:
    """`: ` and the last error that llama.cpp logged, or nothing. Asking forgets it."""
    return f": {_complaints.pop()}" if _complaints else ""


def silence() -> None:
    """From now on llama.cpp's log goes to `complaint`, not to stderr."""
    low.llama_log_set(_LISTENER, ctypes.c_void_p(0))


def _listen(level: int, text: bytes, user_data: Any) -> None:
    if level == ERROR:
        _complaints.append(text.decode(errors="replace").strip())


_LISTENER = low.llama_log_callback(_listen)  # kept here: llama.cpp has its address alone
