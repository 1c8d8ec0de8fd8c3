"""Whether the record holds a data set as it would be read now: reading it again would add nothing.

Reads the files' bytes and localfair's source; writes nothing.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import localfair
from localfair.machine.files import sha256_file
from localfair.record.connection import exists
from localfair.record.nouns import content_id
from localfair.record.store import Store

MOST_BYTES = 2**28  # a folder that holds more is read again: weights may lie beside its tables


def import_id(task: str, data: Path) -> str | None:
    """The hash of all that decides what questions a task reads: its files, and how they are read.

    None for files that cannot be listed or are too large to look at each time.
    """
    try:
        files = _files(data)
        return content_id("import", task=task, code=source_hash(), files=files)
    except OSError:
        return None


def is_imported(db: Path, identity: str | None) -> bool:
    """Whether a record holds the questions that an `import_id` stands for."""
    if identity is None or not exists(db):
        return False
    with Store.open(db) as store:
        return store.is_imported(identity)


def _files(data: Path) -> list[list[str]]:
    """Name and sha256 of a file, or of each file in a folder. Raises OSError."""
    paths = sorted(data.iterdir()) if data.is_dir() else [data]
    files = [path for path in paths if path.is_file()]
    if sum(path.stat().st_size for path in files) > MOST_BYTES:
        raise OSError(f"{data} holds more than {MOST_BYTES} bytes")
    return [[path.name, sha256_file(path)] for path in files]


@cache
def source_hash() -> str:
    """32 hex digits over the source of localfair: other code may read or make other rows."""
    root = Path(localfair.__file__).parent
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\n")
        digest.update(path.read_bytes())
    return digest.hexdigest()
