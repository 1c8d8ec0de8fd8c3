"""Continuous batching for one causal model: many prompts in, each reply out as soon as it is finished.

Reads token ids and writes token ids; knows nothing of text, requests or weights' origin. Every row of the
batch keeps its own length: a finished row leaves at once, a waiting one takes its place, no row is ever
padded on the left, and a prefix that waiting prompts share is computed once (ours; after vLLM's and Orca's
continuous batching).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from localfair.models.forward import logits_at

SHARED = 64  # tokens that prompts must share before their common prefix is computed apart
PREFILL = 4096  # tokens of prompts computed at once, a bound on memory
GROWTH = 128  # columns by which the cache grows


@dataclass(slots=True, eq=False)
class Row:
    """A prompt and its reply so far. `chooses` draws a token from (V,) logits; None is greedy.

    `ended(row)` is asked after each token; a row that has ended leaves the batch.
    """

    ids: list[int]
    ended: Callable[[Row], bool]
    chooses: Callable[[Tensor], int] | None = None
    reply: list[int] = field(default_factory=list)
    prefix: int = 0
    began: float = 0.0
    note: Any = None


class _Layer(CacheLayerMixin):  # type: ignore[misc]
    """One layer's keys and values, (rows, heads, columns, width), written in place."""

    is_sliding = False

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self.slots = slots

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.keys, self.values = (self._empty(new) for new in (key_states, value_states))
        self.is_initialized = True

    def _empty(self, like: Tensor) -> Tensor:
        return like.new_zeros(self.slots.rows, like.shape[1], self.slots.columns, like.shape[3])

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Write this step's states where the slots aim; return the aimed rows up to the widest."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, at = self.slots.start, self.slots.at
        stop = start + len(at)
        rows = torch.arange(start, stop, device=at.device)[:, None]
        for kept, new in ((self.keys, key_states), (self.values, value_states)):
            kept[rows, :, at] = new.transpose(1, 2)
        width = self.slots.width
        return self.keys[start:stop, :, :width], self.values[start:stop, :, :width]

    def get_seq_length(self) -> int:
        return 0  # positions and masks are always given, so nobody has to guess them

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.slots.width, 0

    def get_max_length(self) -> int:
        return -1


class Slots(Cache):  # type: ignore[misc]
    """A key-value cache of `rows` rows of unequal length. `aim` says what the next forward pass writes."""

    def __init__(self, layers: int, rows: int) -> None:
        super().__init__(layers=[_Layer(self) for _ in range(layers)])
        self.rows, self.columns = rows, 0
        self.start, self.width, self.at = 0, 0, torch.empty(0, 0, dtype=torch.long)

    def aim(self, start: int, at: Tensor) -> Tensor:
        """Write rows from `start` on, at columns `at` (n, q); the mask (n, 1, q, width), true where seen."""
        self.start, self.at, self.width = start, at, int(at.max()) + 1
        if self.width > self.columns:
            self._grow(-(-self.width // GROWTH) * GROWTH)
        return (torch.arange(self.width, device=at.device) <= at[:, :, None])[:, None]

    def _grow(self, columns: int) -> None:
        old, self.columns = self.columns, columns
        for layer in (layer for layer in self.layers if layer.is_initialized):
            keys, values = layer.keys, layer.values
            layer.lazy_initialization(keys, values)
            layer.keys[:, :, :old], layer.values[:, :, :old] = keys, values

    def move(self, source: int, target: int) -> None:
        """Copy a row over another."""
        for layer in self.layers:
            layer.keys[target], layer.values[target] = layer.keys[source], layer.values[source]

    def take(self, row: int, columns: int) -> list[tuple[Tensor, Tensor]]:
        """A copy of a row's first columns, layer by layer."""
        kept = [(layer.keys, layer.values) for layer in self.layers]
        return [(k[row, :, :columns].clone(), v[row, :, :columns].clone()) for k, v in kept]

    def put(self, taken: list[tuple[Tensor, Tensor]], start: int, count: int) -> None:
        """Lay what was taken into the first columns of `count` rows."""
        for layer, (keys, values) in zip(self.layers, taken, strict=True):
            columns = keys.shape[1]
            layer.keys[start : start + count, :, :columns] = keys
            layer.values[start : start + count, :, :columns] = values


class Batch:
    """Up to `size` rows of one model at a time."""

    def __init__(self, model: Any, size: int) -> None:
        self.model, self.size = model, size
        self.slots = Slots(model.config.num_hidden_layers, size)
        self.shared: tuple[list[int], list[tuple[Tensor, Tensor]]] = ([], [])

    def replies(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Yield each row when its reply has ended."""
        waiting, running = deque(arranged(rows)), list[Row]()
        while waiting or running:
            if fresh := self._admitted(waiting, len(running)):
                logits = self.prefill(fresh, len(running), [1] * len(fresh))
                running += fresh
            else:
                fresh, logits = running, self._step(running)
            _choose(fresh, logits)
            yield from self._leave(running)

    def _admitted(self, waiting: deque[Row], running: int) -> list[Row]:
        """The waiting rows that join now: a quarter of the batch at least, so that prefills stay few."""
        free = self.size - running
        if not waiting or (running and free < min(len(waiting), max(1, self.size // 4))):
            return []
        return [waiting.popleft() for _ in range(_together(waiting, free))]

    def first(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The first of the arranged rows that one prefill takes."""
        return rows[: _together(rows, self.size)]

    @torch.inference_mode()
    def prefill(self, rows: Sequence[Row], start: int, wanted: Sequence[int]) -> Tensor:
        """(sum of wanted, V) logits of the last `wanted[i]` tokens of each row, now in slots from `start` on.

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
        keep = (steps < lengths) & (steps >= lengths - torch.tensor(wanted)[:, None])
        return self._forward(ids, (prefix + steps).expand(len(rows), -1), start, keep)

    def _lay(self, prefix: list[int], start: int, count: int) -> None:
        """Have the prefix in `count` slots from `start` on; computed unless it is the last one asked for."""
        if not prefix:
            return
        if self.shared[0] != prefix:
            keep = torch.zeros(1, len(prefix), dtype=torch.bool)
            keep[0, -1] = True
            self._forward(torch.tensor([prefix]), torch.arange(len(prefix))[None], start, keep)
            self.shared = (prefix, self.slots.take(start, len(prefix)))
        self.slots.put(self.shared[1], start, count)

    @torch.inference_mode()
    def _step(self, rows: Sequence[Row]) -> Tensor:
        """(n, V) logits after each row's newest token."""
        ids = torch.tensor([[row.reply[-1]] for row in rows])
        at = torch.tensor([[len(row.ids) + len(row.reply) - 1] for row in rows])
        return self._forward(ids, at, 0, torch.ones_like(ids, dtype=torch.bool))

    def _forward(self, ids: Tensor, at: Tensor, start: int, keep: Tensor) -> Tensor:
        ids, at, keep = (given.to(self.model.device) for given in (ids, at, keep))
        return logits_at(
            self.model,
            keep,
            input_ids=ids,
            position_ids=at,
            attention_mask=self.slots.aim(start, at),
            past_key_values=self.slots,
            use_cache=True,
        )

    @torch.inference_mode()
    def _leave(self, running: list[Row]) -> list[Row]:
        """Take the ended rows out; the last running row moves into each gap."""
        ended = [row for row in running if row.ended(row)]
        for row in ended:
            gap, last = running.index(row), running.pop()
            if gap < len(running):
                running[gap] = last
                self.slots.move(len(running), gap)
        return ended


def arranged(rows: Sequence[Row]) -> list[Row]:
    """Rows that begin alike side by side, long ones first, each told how much of it its neighbours share."""
    groups: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.ids[:SHARED]), []).append(row)
    for group in groups.values():
        shared = _common([row.ids for row in group]) if len(group) > 1 else 0
        for row in group:
            row.prefix = shared if shared >= SHARED else 0
        group.sort(key=lambda row: -len(row.ids))
    return [row for group in groups.values() for row in group]


def _common(prompts: Sequence[list[int]]) -> int:
    """How many first tokens all prompts share; never the whole of one, a token must be left to compute."""
    low, high = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    return next((i for i in range(most) if low[i] != high[i]), most)


def _together(rows: Sequence[Row], most: int) -> int:
    """How many of the first arranged rows are computed in one pass: of one prefix, within PREFILL tokens."""
    first = rows[0]
    most = max(1, min(most, len(rows), PREFILL // (len(first.ids) - first.prefix)))
    same = (r.ids[: r.prefix] == first.ids[: first.prefix] for r in islice(rows, most))
    return sum(takewhile(bool, same))


def _choose(rows: Sequence[Row], logits: Tensor) -> None:
    """Append one token to each row's reply."""
    greedy = logits.argmax(-1).tolist()
    for row, token, scores in zip(rows, greedy, logits, strict=True):
        row.reply.append(row.chooses(scores) if row.chooses else token)
