"""Continuous batching for one causal model: many prompts in, each reply out as soon as it is
finished.

Reads token ids and writes token ids; knows nothing of text, requests or weights' origin. Every row
of the batch keeps its own length: a finished row leaves at once, a waiting one takes its place, no
row is ever padded on the left, and a prefix that waiting prompts share is computed once (ours;
after vLLM's and Orca's continuous batching).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from localfair.models.forward import logits_at

SHARED = 64  # tokens that prompts must share before their common prefix is computed apart
PREFILL = 4096  # tokens of prompts computed at once, a bound on memory
GROWTH = 128  # columns by which the cache grows

KeysAndValues = list[tuple[Tensor, Tensor]]  # by layer


@dataclass(slots=True, eq=False)
class BatchRow:
    """A prompt and its reply so far. `chooses` draws a token from (V,) logits; None is greedy.

    `ended(row)` is asked after each token; a row that has ended leaves the batch. `prefix` is how
    many of the first tokens the row shares with its neighbours. `wanted`: after how many of its last
    tokens logits are wanted; none of these is shared. `note` is the caller's.
    """

    ids: list[int]
    ended: Callable[[BatchRow], bool]
    chooses: Callable[[Tensor], int] | None = None
    reply: list[int] = field(default_factory=list)
    prefix: int = 0
    wanted: int = 1
    began: float = 0.0
    note: Any = None


class _Layer(CacheLayerMixin):  # type: ignore[misc]
    """One layer's keys and values, (rows, heads, columns, width), written in place."""

    is_sliding = False

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self.slots = slots

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.keys = self._empty(key_states)
        self.values = self._empty(value_states)
        self.is_initialized = True

    def _empty(self, like: Tensor) -> Tensor:
        return like.new_zeros(self.slots.rows, like.shape[1], self.slots.columns, like.shape[3])

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Write this step's states where the slots aim; return the aimed rows up to the widest."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        columns = self.slots.at
        start = self.slots.start
        stop = start + len(columns)
        rows = torch.arange(start, stop, device=columns.device)[:, None]
        self.keys[rows, :, columns] = key_states.transpose(1, 2)
        self.values[rows, :, columns] = value_states.transpose(1, 2)
        width = self.slots.width
        return self.keys[start:stop, :, :width], self.values[start:stop, :, :width]

    def get_seq_length(self) -> int:
        return 0  # positions and masks are always given, so nobody has to guess them

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.slots.width, 0

    def get_max_length(self) -> int:
        return -1


class Slots(Cache):  # type: ignore[misc]
    """A key-value cache of `rows` rows of unequal length.

    `aim` says what the next forward pass writes.
    """

    def __init__(self, layers: int, rows: int) -> None:
        super().__init__(layers=[_Layer(self) for _ in range(layers)])
        self.rows = rows
        self.columns = 0
        self.start = 0
        self.width = 0
        self.at = torch.empty(0, 0, dtype=torch.long)

    def aim(self, start: int, at: Tensor) -> Tensor:
        """The next pass writes rows from `start` on, at columns `at` (n, q).

        Returns the mask (n, 1, q, width) of what each token sees, true where it sees.
        """
        self.start = start
        self.at = at
        self.width = int(at.max()) + 1
        if self.width > self.columns:
            self._grow(-(-self.width // GROWTH) * GROWTH)
        columns = torch.arange(self.width, device=at.device)
        return (columns <= at[:, :, None])[:, None]

    def _grow(self, columns: int) -> None:
        old = self.columns
        self.columns = columns
        for layer in self.layers:
            if not layer.is_initialized:
                continue
            keys = layer.keys
            values = layer.values
            layer.lazy_initialization(keys, values)
            layer.keys[:, :, :old] = keys
            layer.values[:, :, :old] = values

    def move(self, source: int, target: int) -> None:
        """Copy a row over another."""
        for layer in self.layers:
            layer.keys[target] = layer.keys[source]
            layer.values[target] = layer.values[source]

    def take(self, row: int, columns: int) -> KeysAndValues:
        """A copy of a row's first columns, layer by layer."""
        taken = []
        for layer in self.layers:
            keys = layer.keys[row, :, :columns].clone()
            values = layer.values[row, :, :columns].clone()
            taken.append((keys, values))
        return taken

    def put(self, taken: KeysAndValues, start: int, count: int) -> None:
        """Lay what was taken into the first columns of `count` rows."""
        for layer, (keys, values) in zip(self.layers, taken, strict=True):
            columns = keys.shape[1]
            layer.keys[start : start + count, :, :columns] = keys
            layer.values[start : start + count, :, :columns] = values


class Batch:
    """Up to `size` rows of one model at a time.

    A prefill computes `tokens` prompt tokens at most, or one prompt.
    """

    def __init__(self, model: Any, size: int, tokens: int = PREFILL) -> None:
        self.model = model
        self.size = size
        self.tokens = tokens
        self.slots = Slots(model.config.num_hidden_layers, size)
        self._prefix: list[int] = []  # the last prefix that was computed apart
        self._prefix_states: KeysAndValues = []

    def replies(self, rows: Sequence[BatchRow]) -> Iterator[BatchRow]:
        """Yield each row when its reply has ended."""
        for ended in self.steps(rows):
            yield from ended

    def steps(self, rows: Sequence[BatchRow]) -> Iterator[list[BatchRow]]:
        """Yield the rows whose replies ended with the same step, together."""
        waiting = deque(arranged(rows))
        running: list[BatchRow] = []
        while waiting or running:
            admitted = self._admitted(waiting, len(running))
            if admitted:
                logits = self.prefill(admitted, len(running), [1] * len(admitted))
                running += admitted
                _choose(admitted, logits)
            else:
                _choose(running, self._step(running))
            ended = self._leave(running)
            if ended:
                yield ended

    def alone(self, row: BatchRow) -> Iterator[BatchRow]:
        """Yield the row after each token of its reply, alone in the batch, until it has ended."""
        _choose([row], self.prefill([row], 0, [1]))
        yield row
        while not row.ended(row):
            _choose([row], self._step([row]))
            yield row

    def _admitted(self, waiting: deque[BatchRow], running: int) -> list[BatchRow]:
        """The waiting rows that join now: a quarter of the batch at least, so that prefills stay
        few.
        """
        free = self.size - running
        worth_it = min(len(waiting), max(1, self.size // 4))
        if not waiting or (running and free < worth_it):
            return []
        return [waiting.popleft() for _ in range(self._together(waiting, free))]

    def first(self, rows: Sequence[BatchRow]) -> Sequence[BatchRow]:
        """The first of the arranged rows that one prefill takes."""
        return rows[: self._together(rows, self.size)]

    def _together(self, rows: Sequence[BatchRow], most: int) -> int:
        """How many of the first arranged rows are computed in one pass: of one prefix, within
        `tokens`.
        """
        first = rows[0]
        prefix = first.ids[: first.prefix]
        longest = len(first.ids) - first.prefix  # the first is the longest of its neighbours
        most = max(1, min(most, len(rows), self.tokens // longest))
        count = 1
        while count < most and rows[count].ids[: rows[count].prefix] == prefix:
            count += 1
        return count

    @torch.inference_mode()
    def prefill(self, rows: Sequence[BatchRow], start: int, wanted: Sequence[int]) -> Tensor:
        """(sum of wanted, V) logits of the last `wanted[i]` tokens of each row, now in slots from
        `start` on.

        The rows share their first `prefix` tokens, the same number for each.
        """
        prefix = rows[0].prefix
        self._lay(rows[0].ids[:prefix], start, len(rows))
        lengths = torch.tensor([len(row.ids) - prefix for row in rows])[:, None]
        steps = torch.arange(int(lengths.max()))[None]
        ids = torch.zeros(len(rows), steps.shape[1], dtype=torch.long)
        for i, row in enumerate(rows):
            row.began = time.perf_counter()
            ids[i, : len(row.ids) - prefix] = torch.tensor(row.ids[prefix:])
        is_prompt = steps < lengths
        is_wanted = steps >= lengths - torch.tensor(wanted)[:, None]
        at = (prefix + steps).expand(len(rows), -1)
        return self._forward(ids, at, start, is_prompt & is_wanted)

    def _lay(self, prefix: list[int], start: int, count: int) -> None:
        """Put a prefix's states into `count` slots from `start` on.

        They are computed unless the same prefix was laid last.
        """
        if not prefix:
            return
        if self._prefix != prefix:
            keep = torch.zeros(1, len(prefix), dtype=torch.bool)
            keep[0, -1] = True
            self._forward(torch.tensor([prefix]), torch.arange(len(prefix))[None], start, keep)
            self._prefix = prefix
            self._prefix_states = self.slots.take(start, len(prefix))
        self.slots.put(self._prefix_states, start, count)

    @torch.inference_mode()
    def _step(self, rows: Sequence[BatchRow]) -> Tensor:
        """(n, V) logits after each row's newest token."""
        ids = torch.tensor([[row.reply[-1]] for row in rows])
        at = torch.tensor([[len(row.ids) + len(row.reply) - 1] for row in rows])
        return self._forward(ids, at, 0, torch.ones_like(ids, dtype=torch.bool))

    def _forward(self, ids: Tensor, at: Tensor, start: int, keep: Tensor) -> Tensor:
        """Logits where `keep` (n, q) is true, of tokens `ids` (n, q) at positions `at` (n, q)."""
        device = self.model.device
        at = at.to(device)
        return logits_at(
            self.model,
            keep.to(device),
            input_ids=ids.to(device),
            position_ids=at,
            attention_mask=self.slots.aim(start, at),
            past_key_values=self.slots,
            use_cache=True,
        )

    @torch.inference_mode()
    def _leave(self, running: list[BatchRow]) -> list[BatchRow]:
        """Take the ended rows out; the last running row moves into each gap."""
        ended = [row for row in running if row.ended(row)]
        for row in ended:
            gap = running.index(row)
            last = running.pop()
            if last is not row:
                running[gap] = last
                self.slots.move(len(running), gap)
        return ended


def arranged(rows: Sequence[BatchRow]) -> list[BatchRow]:
    """Rows that begin alike side by side, long ones first, each told how much of it its
    neighbours share.
    """
    groups: dict[tuple[int, ...], list[BatchRow]] = {}
    for row in rows:
        groups.setdefault(tuple(row.ids[:SHARED]), []).append(row)
    ordered = []
    for group in groups.values():
        shared = _common(group) if len(group) > 1 else 0
        for row in group:
            row.prefix = shared if shared >= SHARED else 0
        ordered += sorted(group, key=lambda row: -len(row.ids))
    return ordered


def _common(rows: Sequence[BatchRow]) -> int:
    """How many first tokens all rows share.

    Never one whose logits are wanted: it must be left to compute.
    """
    # what the smallest and the greatest in their order share, all between them share too
    low = min(row.ids for row in rows)
    high = max(row.ids for row in rows)
    most = min(len(row.ids) - row.wanted for row in rows)
    for i in range(most):
        if low[i] != high[i]:
            return i
    return most


def _choose(rows: Sequence[BatchRow], logits: Tensor) -> None:
    """Append one token to each row's reply."""
    greedy = logits.argmax(-1).tolist()
    for row, likeliest, scores in zip(rows, greedy, logits, strict=True):
        token = row.chooses(scores) if row.chooses else likeliest
        row.reply.append(token)
