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
import time
from pathlib import Path
from typing import Any

from localfair.machine.files import sha256_file, write_whole
from localfair.models.safetensors_folder import counted_files

# A file changed this recently may change again within the clock's grain: not remembered (ours).
SETTLED_NS = 2_000_000_000


class Hashes:
    """Hashes of files, remembered in `folder`. With `fresh` every file is hashed again."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.path = folder / ".hashes.json"
        self.fresh = fresh

    def of(self, weights: Path) -> str:
        """The sha256 of a GGUF, or that of the sorted `name sha256` lines of a safetensors
        folder.
        """
        if not weights.is_dir():
            return self._of_file(weights)
        lines = [f"{file.name} {self._of_file(file)}\n" for file in counted_files(weights)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def remember(self, path: Path, digest: str) -> None:
        """Note the hash of a file that the caller itself wrote and hashed."""
        self._write(path, path.stat(), digest)

    def _of_file(self, path: Path) -> str:
        stat = path.stat()
        if not self.fresh:
            remembered = self._load().get(_key(path))
            if isinstance(remembered, dict) and remembered.get("stamp") == _stamp(stat):
                return str(remembered["sha256"])
        digest = sha256_file(path)
        if time.time_ns() - stat.st_mtime_ns > SETTLED_NS:
            self._write(path, stat, digest)
        return digest

    def _load(self) -> dict[str, Any]:
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return entries if isinstance(entries, dict) else {}

    def _write(self, path: Path, stat: os.stat_result, digest: str) -> None:
        """Add an entry to the cache, if the cache can be written."""
        entries = self._load()
        entries[_key(path)] = {"stamp": _stamp(stat), "sha256": digest}
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(entries, indent=1, sort_keys=True))


def _key(path: Path) -> str:
    return str(path.resolve())


def _stamp(stat: os.stat_result) -> list[int]:
    """What a file is known again by."""
    return [stat.st_size, stat.st_mtime_ns]
