"""What generated tasks share: how many questions there are and which split each falls in.

Pure; reads and writes nothing. The split of a question is a keyed hash of its text, so no
question is in train with one seed and in test with another. Ours.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from localfair.tasks.splits import DEV_KEY, DEV_SHARE, TEST_KEY, TEST_SHARE, Item, Part, share

SIZES: dict[Part, int] = {"train": 1800, "dev": 200, "test": 600}


def make_items(
    name: str, draft: Callable[[Random, int], Item], seed: int
) -> dict[Part, list[Item]]:
    """Different questions until every split is full. `draft` gets a random source and a running number."""
    random = Random(f"{name} {seed}")
    parts: dict[Part, list[Item]] = {part: [] for part in SIZES}
    seen: set[str] = set()
    number = 0
    while any(len(parts[part]) < size for part, size in SIZES.items()):
        item = draft(random, number)
        number += 1
        part = _part(item.text)
        if item.text not in seen and len(parts[part]) < SIZES[part]:
            seen.add(item.text)
            parts[part].append(item)
    return parts


def _part(text: str) -> Part:
    if share(text, TEST_KEY) < TEST_SHARE:
        return "test"
    return "dev" if share(text, DEV_KEY) < DEV_SHARE else "train"
