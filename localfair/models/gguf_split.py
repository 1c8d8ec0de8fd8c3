"""A GGUF that was split into several files: which files belong together.

Knows the names that llama.cpp gives them (`llama-gguf-split`), and looks whether the files are
there. Opens none of them.
"""

from __future__ import annotations

import re
from pathlib import Path

from localfair.errors import MissingWeights, ModelError
from localfair.machine.terminal import one_line
from localfair.models.parsing import shown_path

MOST_SHARDS = 9999  # real ones have fewer than a hundred
_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")


def shard_names(name: str) -> list[str]:
    """The names of all shards for that of the first; the name alone when it is none."""
    match = _NAME.fullmatch(name)
    count = int(match["count"]) if match else 1
    if not match or int(match["number"]) != 1 or not 1 < count <= MOST_SHARDS:
        return [name]
    return [f"{match['stem']}-{n:05}-of-{count:05}.gguf" for n in range(1, count + 1)]


def shards_of(path: Path, number: int, count: int) -> list[Path]:
    """The files of the split GGUF whose shard `number` (from 0) of `count` is at `path`.

    Raises ModelError unless it is the first and named as llama.cpp names it, MissingWeights when
    one is not there.
    """
    if number:
        raise ModelError(
            f"{shown_path(path)} is shard {number + 1} of {count}",
            f"give the first: {_first(path, count)}",
        )
    names = shard_names(path.name)
    if len(names) != count:
        raise ModelError(
            f"{shown_path(path)} is the first of {count} shards, and its name does not say so",
            f"llama.cpp finds the others by their names: NAME-00001-of-{count:05}.gguf, and so on",
        )
    shards = [path.with_name(name) for name in names]
    missing = [one_line(shard.name) for shard in shards if not shard.is_file()]
    if missing:
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if missing[3:] else "")
        raise MissingWeights(
            f"{shown_path(path.parent)} lacks {named}",
            f"the model has {count} shards: get them all",
        )
    return shards


def _first(path: Path, count: int) -> str:
    """What the first shard is called, as far as the name of another tells."""
    match = _NAME.fullmatch(path.name)
    stem = one_line(match["stem"]) if match else "NAME"
    return f"{stem}-00001-of-{count:05}.gguf"
