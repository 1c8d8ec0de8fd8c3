"""Which questions are train, dev and test, the same on every machine and every day.

Pure functions over items; reads and writes nothing. Published splits are kept. What the authors
do not settle is settled by a keyed blake2b of the question's text: one file is split 70/30 into
train and test, and one in ten of train becomes dev. The keys are constants: to change one is to
change every split made with it. Ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from localfair.record.nouns import Question, Split

Part = Literal["train", "dev", "test", "all"]
TEST_KEY, DEV_KEY = b"localfair test split 1", b"localfair dev split 1"
TEST_SHARE, DEV_SHARE = 0.3, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A question before it has a split. `rationale` ends in a statement that grades right, or is empty."""

    key: str
    text: str
    gold: str
    choices: tuple[str, ...] = ()
    rationale: str = ""


def share(text: str, key: bytes) -> float:
    """A number in [0, 1) that only the normalised text and the key decide."""
    digest = hashlib.blake2b(normal(text).encode(), key=key, digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def normal(text: str) -> str:
    return " ".join(text.casefold().split())


def assemble(task: str, parts: Mapping[Part, Sequence[Item]]) -> tuple[Question, ...]:
    """Questions of one task: `all` is split 70/30, dev is carved from train unless it is given.

    No question stands in two splits: test keeps it, then dev, then train.
    """
    splits: dict[Split, list[Item]] = {
        "test": [*parts.get("test", ()), *(i for i in parts.get("all", ()) if in_test(i))],
        "dev": list(parts.get("dev", ())),
        "train": [*parts.get("train", ()), *(i for i in parts.get("all", ()) if not in_test(i))],
    }
    if "dev" not in parts:
        splits["dev"] = [i for i in splits["train"] if in_dev(i)]
    apart = _without_overlap(splits)
    return tuple(
        _question(task, split, i) for split in ("train", "dev", "test") for i in apart[split]
    )


def in_test(item: Item) -> bool:
    return share(item.text, TEST_KEY) < TEST_SHARE


def in_dev(item: Item) -> bool:
    return share(item.text, DEV_KEY) < DEV_SHARE


def shuffled(choices: Iterable[str], text: str) -> list[str]:
    """The choices in an order that their own text and the question's decide."""
    return sorted(choices, key=lambda c: (hashlib.blake2b(f"{text}\n{c}".encode()).digest(), c))


def _without_overlap(splits: Mapping[Split, Sequence[Item]]) -> dict[Split, list[Item]]:
    """Drop from a later split what an earlier one holds, and exact repeats inside one split."""
    taken: set[tuple[str, ...]] = set()
    out: dict[Split, list[Item]] = {}
    for split in ("test", "dev", "train"):
        exact = {
            (i.text, i.choices, i.gold): i for i in reversed(splits[split]) if _same(i) not in taken
        }
        out[split] = list(reversed(exact.values()))
        taken |= {_same(i) for i in out[split]}
    return out


def _same(item: Item) -> tuple[str, ...]:
    return (normal(item.text), *sorted(normal(c) for c in item.choices))


def _question(task: str, split: Split, i: Item) -> Question:
    return Question(
        task=task,
        key=i.key,
        split=split,
        text=i.text,
        gold=i.gold,
        choices=i.choices,
        rationale=i.rationale,
    )
