"""A file or folder that appears whole or not at all, and a full disk in one line.

Writes beside the target and renames. Knows nothing of what is written.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from localfair.errors import DiskFull, UsageError


@contextlib.contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to; it takes the target's place when the block ends well, else it goes.

    Raises DiskFull, or UsageError for a folder that cannot be written to.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        parent = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise _in_words(error, target) from error
    try:
        part = parent / target.name
        yield part
        if target.is_dir():
            shutil.rmtree(target)
        part.replace(target)
    except Exception as error:
        if _disk_is_full(error):
            raise _in_words(error, target) from error
        raise
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def _disk_is_full(error: Exception) -> bool:
    """safetensors says it in words alone, and numpy says only that fewer items were written than asked."""
    said = str(error)
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in said
    return full or (isinstance(error, OSError) and "requested and" in said)


def _in_words(error: Exception, target: Path) -> DiskFull | UsageError:
    if _disk_is_full(error):
        return DiskFull(
            f"no space left on the disk for {target}", "free some space, or choose another --out"
        )
    reason = getattr(error, "strerror", None) or error
    return UsageError(f"cannot write to {target.parent}: {reason}", "choose another --out")


def write_whole(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, so that no reader ever sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sha256_file(path: Path) -> str:
    """The sha256 of a file's content, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
