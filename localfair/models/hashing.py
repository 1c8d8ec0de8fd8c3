"""sha256 of weights, computed once per file and remembered beside them.

Reads weights; reads and writes `<workspace>/models/weights/.hashes.json`. A cache that is damaged
or cannot be written costs time, never a wrong answer: an entry counts only for the same path, size
and mtime.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from localfair.machine.bounds import read_bytes
from localfair.machine.files import sha256_file, write_whole
from localfair.models.gguf_header import weight_files as gguf_files
from localfair.models.gguf_split import shard_names
from localfair.models.parsing import MOST_JSON, Malformed, json_object
from localfair.models.safetensors_folder import counted_files
from localfair.models.safetensors_folder import weight_files as folder_files

# A file changed this recently may change again within the clock's grain: not remembered (ours).
SETTLED_NS = 2_000_000_000


class Hashes:
    """Hashes of files, remembered in `folder`. With `fresh` every file is hashed again."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.path = folder / ".hashes.json"
        self.fresh = fresh

    def of(self, weights: Path) -> str:
        """The sha256 of a GGUF; of a split one that of the `number sha256` lines of its shards, in
        their order; of a safetensors folder that of the sorted `name sha256` lines.

        Raises as `weights_of`.
        """
        if weights.is_dir():
            lines = [f"{file.name} {self._of_file(file)}\n" for file in counted_files(weights)]
            return hashlib.sha256("".join(lines).encode()).hexdigest()
        shards = weights_of(weights)
        if len(shards) == 1:
            return self._of_file(weights)
        lines = [f"{n} {self._of_file(shard)}\n" for n, shard in enumerate(shards, start=1)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def remembered(self, weights: Path) -> str | None:
        """What `of` gives where every file's hash is remembered; else None. Nothing is hashed.

        Raises as `weights_of`.
        """
        files = counted_files(weights) if weights.is_dir() else weights_of(weights)
        entries = self._load()
        known = [_remembered(entries.get(_key(file)), file.stat()) for file in files]
        return self.of(weights) if all(known) else None

    def remember(self, path: Path, digest: str) -> None:
        """Note the hash of a file that the caller itself wrote and hashed."""
        self._write(path, path.stat(), digest)

    def _of_file(self, path: Path) -> str:
        stat = path.stat()
        if not self.fresh:
            digest = _remembered(self._load().get(_key(path)), stat)
            if digest:
                return digest
        digest = sha256_file(path)
        if time.time_ns() - stat.st_mtime_ns > SETTLED_NS:
            self._write(path, stat, digest)
        return digest

    def _load(self) -> dict[str, Any]:
        try:
            return json_object(read_bytes(self.path, MOST_JSON))
        except (OSError, Malformed, ValueError, RecursionError):
            return {}

    def _write(self, path: Path, stat: os.stat_result, digest: str) -> None:
        """Add an entry to the cache, if the cache can be written."""
        entries = self._load()
        entries[_key(path)] = {"stamp": _stamp(stat), "sha256": digest}
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(entries, indent=1, sort_keys=True))


def weights_of(path: Path) -> list[Path]:
    """The files that hold the weights at `path`: a GGUF and its shards, or a folder's safetensors.

    Raises as `read_gguf_header` and `read_folder`, for what it needs to read.
    """
    if path.is_dir():
        return folder_files(path)
    # most GGUFs are one file, and their name says so: their head need not be read for that
    return [path] if shard_names(path.name) == [path.name] else gguf_files(path)


def _remembered(entry: object, stat: os.stat_result) -> str:
    """The hash in an entry of the cache that is whole and of the file as it is now; else ''."""
    if not isinstance(entry, dict) or entry.get("stamp") != _stamp(stat):
        return ""
    digest = entry.get("sha256")
    is_hash = isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest)
    return str(digest) if is_hash else ""


def _key(path: Path) -> str:
    return str(path.resolve())


def _stamp(stat: os.stat_result) -> list[int]:
    """What a file is known again by."""
    return [stat.st_size, stat.st_mtime_ns]
