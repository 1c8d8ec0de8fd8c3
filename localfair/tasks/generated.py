"""What generated tasks share: how many questions there are and which split each falls in.

Pure; reads and writes nothing. The split of a question is a keyed hash of its text, so no
question is in train with one seed and in test with another. Ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from localfair.tasks.splits import DEV_KEY, DEV_SHARE, TEST_KEY, TEST_SHARE, Item, Part, share

Draft = Callable[[Random, int], Item]
SIZES: dict[Part, int] = {"train": 1800, "dev": 200, "test": 600}


def make_items(
    name: str, draft: Draft, seed: int, sizes: Mapping[Part, int] = SIZES
) -> dict[Part, list[Item]]:
    """Different questions until every split has its size.

    `draft` gets a random source and a running number.
    """
    random = Random(f"{name} {seed}")
    parts: dict[Part, list[Item]] = {part: [] for part in sizes}
    texts: set[str] = set()
    number = 0
    while not _are_full(parts, sizes):
        item = draft(random, number)
        number += 1
        part = _part(item.text)
        is_new = item.text not in texts
        if is_new and len(parts[part]) < sizes[part]:
            texts.add(item.text)
            parts[part].append(item)
    return parts


def _are_full(parts: Mapping[Part, list[Item]], sizes: Mapping[Part, int]) -> bool:
    return all(len(parts[part]) == size for part, size in sizes.items())


def _part(text: str) -> Part:
    if share(text, TEST_KEY) < TEST_SHARE:
        return "test"
    if share(text, DEV_KEY) < DEV_SHARE:
        return "dev"
    return "train"
