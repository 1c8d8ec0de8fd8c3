"""sha256 of weights, computed once per file and remembered beside them.

Reads weights, reads and writes `<workspace>/models/weights/.hashes.json`. A cache that is damaged or
cannot be written costs time, never a wrong answer: an entry counts only for the same path, size and mtime.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path
from typing import Any

from localfair.machine.files import sha256_file, write_whole
from localfair.models.safetensors_folder import counted_files

# a file changed this recently may change again within the clock's grain, so it is not remembered (ours)
SETTLED_NS = 2_000_000_000


class Hashes:
    """Hashes of files, remembered in `folder`. `fresh` ignores what is remembered and hashes again."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.path = folder / ".hashes.json"
        self.fresh = fresh

    def of(self, weights: Path) -> str:
        """The sha256 of a GGUF, or of a safetensors folder: of its sorted `name sha256` lines."""
        if not weights.is_dir():
            return self._file(weights)
        lines = [f"{file.name} {self._file(file)}\n" for file in counted_files(weights)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _file(self, path: Path) -> str:
        key, stat = str(path.resolve()), path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        known = self._load().get(key)
        if not self.fresh and isinstance(known, dict) and known.get("stamp") == stamp:
            return str(known["sha256"])
        digest = sha256_file(path)
        if time.time_ns() - stat.st_mtime_ns > SETTLED_NS:
            self._write(key, {"stamp": stamp, "sha256": digest})
        return digest

    def remember(self, path: Path, digest: str) -> None:
        """Note the hash of a file that the caller itself wrote and hashed."""
        stat = path.stat()
        entry = {"stamp": [stat.st_size, stat.st_mtime_ns], "sha256": digest}
        self._write(str(path.resolve()), entry)

    def _load(self) -> dict[str, Any]:
        try:
            value = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _write(self, key: str, entry: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(
                self.path, json.dumps({**self._load(), key: entry}, indent=1, sort_keys=True)
            )
