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
from localfair.tasks.texts import composed

# What a published file is: a split, or "all" when the authors publish none.
Part = Literal["train", "dev", "test", "all"]
TEST_KEY = b"localfair test split 1"
DEV_KEY = b"localfair dev split 1"
TEST_SHARE = 0.3
DEV_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A question before it has a split.

    `rationale` ends in a statement that grades right, or is empty.
    """

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
    """The text without case, with single spaces and with accented letters as one character each."""
    return " ".join(composed(text).casefold().split())


def assemble(task: str, parts: Mapping[Part, Sequence[Item]]) -> tuple[Question, ...]:
    """Questions of one task: `all` is split 70/30, dev is carved from train unless it is given.

    No question stands in two splits: test keeps it, then dev, then train.
    """
    splits: dict[Split, list[Item]] = {
        "train": list(parts.get("train", ())),
        "dev": list(parts.get("dev", ())),
        "test": list(parts.get("test", ())),
    }
    for item in parts.get("all", ()):
        splits["test" if in_test(item) else "train"].append(item)
    if "dev" not in parts:
        splits["dev"] = [item for item in splits["train"] if in_dev(item)]
    apart = _without_overlap(splits)
    questions: list[Question] = []
    for split in ("train", "dev", "test"):
        questions.extend(_question(task, split, item) for item in apart[split])
    return tuple(questions)


def in_test(item: Item) -> bool:
    """Whether an item of a set published as one file is test."""
    return share(item.text, TEST_KEY) < TEST_SHARE


def in_dev(item: Item) -> bool:
    """Whether an item of train is dev, when the authors publish no dev."""
    return share(item.text, DEV_KEY) < DEV_SHARE


def shuffled(choices: Iterable[str], text: str) -> list[str]:
    """The choices in an order that their own text and the question's decide."""

    def order(choice: str) -> tuple[bytes, str]:
        return hashlib.blake2b(f"{text}\n{choice}".encode()).digest(), choice

    return sorted(choices, key=order)


def _without_overlap(splits: Mapping[Split, Sequence[Item]]) -> dict[Split, list[Item]]:
    """Drop from a later split what an earlier one holds, and exact repeats inside one split."""
    taken: set[tuple[str, ...]] = set()
    apart: dict[Split, list[Item]] = {}
    for split in ("test", "dev", "train"):
        free = [item for item in splits[split] if same_question(item) not in taken]
        apart[split] = _distinct(free)
        taken.update(same_question(item) for item in apart[split])
    return apart


def _distinct(items: Sequence[Item]) -> list[Item]:
    """The items without exact repeats: of those the first is kept, where the last of them stood."""
    distinct: dict[tuple[str, tuple[str, ...], str], Item] = {}
    # a dict keeps the place of what came first and the value of what came last
    for item in reversed(items):
        distinct[item.text, item.choices, item.gold] = item
    return list(reversed(distinct.values()))


def same_question(item: Item) -> tuple[str, ...]:
    """What two items share when they ask the same: their text, and their choices in any order."""
    choices = sorted(normal(choice) for choice in item.choices)
    return (normal(item.text), *choices)


def _question(task: str, split: Split, item: Item) -> Question:
    return Question(
        task=task,
        key=item.key,
        split=split,
        text=item.text,
        gold=item.gold,
        choices=item.choices,
        rationale=item.rationale,
    )
