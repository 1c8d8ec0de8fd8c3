"""Questions of reasoning-gym's generators (arXiv 2505.24760, Apache-2.0), as a table of one's own.

The package is the extra `gym`; it loads when questions are made. Reads and writes nothing. A
question whose answer is no single number, choice, yes or no or text cannot be graded here: it is
left out. Ours.
"""

from __future__ import annotations

import importlib
import random
from typing import Any

from localfair.errors import BadDataset, MissingDependency, UsageError, nearest
from localfair.tasks.base import Dataset
from localfair.tasks.golds import BadGold, Gold, Written, key_with_kind, read_column
from localfair.tasks.splits import Item, assemble
from localfair.tasks.table_notes import counted

LICENCE = "Apache-2.0"
LEAST_SOUND = 0.5  # of its questions, or a generator is not one that can be graded here (ours)


def generators() -> list[str]:
    """The names of the generators that are installed. Raises MissingDependency."""
    return sorted(_registry())


def generated(name: str, stored_as: str, *, size: int, seed: int) -> Dataset:
    """`size` questions of a generator, split as a set published as one file is.

    Raises MissingDependency, UsageError for an unknown generator, BadDataset for one whose answers
    cannot be graded.
    """
    registry = _registry()
    if name not in registry:
        raise UsageError(f"reasoning-gym has no generator {name!r}", nearest(name, registry))
    try:
        entries = _entries(name, size, seed)
    except Exception as error:  # whatever a generator raises
        problem = " ".join(str(error).split())[:120] or type(error).__name__
        raise BadDataset(f"reasoning-gym's {name} failed: {problem}", "try another one") from None
    written = [Written(str(entry.get("answer") or "")) for entry in entries]
    golds = read_column(written)
    items = []
    skipped = []
    for number, (entry, gold) in enumerate(zip(entries, golds, strict=True), 1):
        text = str(entry.get("question") or "").strip()
        if isinstance(gold, BadGold) or not text or "\n" in gold.text:
            skipped.append(f"{name} item {number}: its answer cannot be graded")
            continue
        items.append(Item(key=key_with_kind(str(number), gold), text=text, gold=gold.text))
    if len(items) < LEAST_SOUND * len(entries):
        raise BadDataset(
            f"reasoning-gym's {name}: {len(skipped)} of {len(entries)} answers cannot be graded",
            "take a generator whose answers are numbers, words, yes or no",
        )
    told = f"left out {len(skipped)} of {len(entries)} questions: no reply to them can be graded"
    return Dataset(
        assemble(stored_as, {"all": items}),
        (),
        LICENCE,
        notes=(_kinds(golds),),
        warnings=(f"replies are held to the one answer that {name} gives, not to its own scoring",),
        skipped=tuple(skipped),
        skipped_told=told if skipped else "",
    )


def _registry() -> Any:
    try:
        return importlib.import_module("reasoning_gym.factory").DATASETS
    except ImportError:
        raise MissingDependency(
            "the generators need the package 'reasoning-gym'", "pip install 'localfair[gym]'"
        ) from None


def _entries(name: str, size: int, seed: int) -> list[dict[str, Any]]:
    gym = importlib.import_module("reasoning_gym")
    state = random.getstate()  # some generators draw from the process's own
    random.seed(seed)
    try:
        return list(gym.create_dataset(name, size=size, seed=seed))
    finally:
        random.setstate(state)


def _kinds(golds: list[Gold | BadGold]) -> str:
    counts: dict[Any, int] = {}
    for gold in golds:
        if isinstance(gold, Gold):
            counts[gold.answer_kind] = counts.get(gold.answer_kind, 0) + 1
    kinds = sorted(counts.items(), key=lambda pair: -pair[1])
    return f"answers: {', '.join(counted(count, kind) for kind, count in kinds)}"
