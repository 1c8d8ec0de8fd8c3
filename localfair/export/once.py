"""What was exported before: the same adapter, format and place is the same file and is not made again.

Reads and writes the record's `exports` and the files they name. Knows nothing of how a format is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localfair.machine.files import sha256_file, whole
from localfair.record.connection import now
from localfair.record.nouns import content_id
from localfair.record.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One exported file or folder; `made` now, or found as it was. A folder's sha256: see `digest`."""

    id: str
    path: Path
    sha256: str
    bytes: int
    made: bool


def shelve(
    store: Store, adapter: str, format: str, path: Path, make: Callable[[Path], None]
) -> Export:
    """The export of `format` at `path`: as it stands when it is what the record says, else made by `make(part)`."""
    path = path.absolute()
    known = store.rows(
        "SELECT * FROM exports WHERE adapter = ? AND format = ? AND path = ?",
        adapter,
        format,
        str(path),
    )
    if path.exists():
        sha256 = digest(path)
        for row in known:
            if row["sha256"] == sha256:
                return Export(
                    id=row["id"], path=path, sha256=sha256, bytes=row["bytes"], made=False
                )
    with whole(path) as part:
        make(part)
    parts = {"adapter": adapter, "format": format, "path": str(path), "sha256": digest(path)}
    row = {"id": content_id("export", **parts), **parts, "bytes": _bytes(path), "created": now()}
    store.ensure("exports", [row])
    return Export(id=row["id"], path=path, sha256=row["sha256"], bytes=row["bytes"], made=True)


def digest(path: Path) -> str:
    """The sha256 of a file; of a folder, that of the sorted `name sha256` lines of its files."""
    if path.is_file():
        return sha256_file(path)
    lines = [f"{file.name} {sha256_file(file)}\n" for file in sorted(path.iterdir())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
