"""Continuous batching on llama.cpp: each reading gets a slot, and a slot that is free gets the next
reading.

Prompts that begin alike follow one another, and a beginning that was read is kept or copied (ours).
Reads and writes slots; knows nothing of files, text or requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from localfair.engines.llama_context import Context, Slot, common
from localfair.engines.llama_reading import Reading
from localfair.engines.llama_vocabulary import Vocabulary

SHARED = 16  # tokens that prompts must share before the one waits for the other's reading (ours)

Running = dict[int, tuple[Slot, Reading]]  # by sequence


def decode(
    context: Context,
    vocabulary: Vocabulary,
    readings: list[Reading],
    *,
    each_step: bool = False,
) -> Iterator[list[Reading]]:
    """The readings that are done with the same step, together, as soon as they are.

    `each_step` yields after every step, also where none is done with it.
    All are freed when the iterator ends or is closed.
    """
    # by their tokens: each prompt follows the one it shares the longest beginning with
    queue = deque(sorted(readings, key=lambda reading: reading.prompt))
    running: Running = {}
    try:
        while queue or running:
            _seat(context, vocabulary, running, queue)
            if not queue:
                running = _closed_up(context, running)
            context.step([running[sequence][0] for sequence in sorted(running)])
            done = []
            for slot, reading in list(running.values()):
                if slot.shown and reading.advance(context, slot):
                    del running[slot.sequence]
                    reading.free()
                    done.append(reading)
            if done or each_step:
                yield done
    finally:
        for _, reading in running.values():
            reading.free()


def _seat(
    context: Context, vocabulary: Vocabulary, running: Running, queue: deque[Reading]
) -> None:
    """Seat waiting readings, in their order, while there are slots for them."""
    while queue:
        slot = _slot_for(context, running, queue[0])
        if slot is None:
            return
        reading = queue.popleft()
        reading.begin(vocabulary)
        running[slot.sequence] = (slot, reading)


def _slot_for(context: Context, running: Running, reading: Reading) -> Slot | None:
    """The free slot that holds most of a reading's beginning, or a free copy of the slot that does.

    None when no slot is free, or a running one is about to read much of the same beginning.
    """
    free = [sequence for sequence in range(context.sequences) if sequence not in running]
    if not free:
        return None
    prompt = reading.prompt
    held = [common(prompt, tokens) for tokens in context.cached]
    for slot, _ in running.values():
        if common(prompt, slot.prompt) >= max(held) + SHARED:
            return None
    source = max(range(len(held)), key=held.__getitem__)
    target = max(free, key=held.__getitem__)
    if held[source] >= held[target] + SHARED:
        target = min(free, key=held.__getitem__)
        context.copy(source, target)
    # the tokens whose logits are wanted must be read, whatever the slot holds
    useful = min(common(prompt, context.cached[target]), len(prompt) - reading.wanted)
    return Slot(target, prompt, reading.wanted, fed=context.keep(target, useful))


def _closed_up(context: Context, running: Running) -> Running:
    """The running slots without a gap between them: what stands above one is copied into it.

    With split KV a gap in the ids cuts a step in pieces, and each reads all weights: 13 of 16
    sequences took longer than all 16 (ours). While requests wait, gaps are filled with them
    instead.
    """
    count = len(running)
    gaps = [sequence for sequence in range(count) if sequence not in running]
    above = sorted(sequence for sequence in running if sequence >= count)
    for target, source in zip(gaps, above, strict=True):
        context.copy(source, target)
        running[source][0].sequence = target
    return {slot.sequence: (slot, reading) for slot, reading in running.values()}
