"""What a training leaves on disk while it runs: its own record, whole checkpoints, and one clear error for a full disk.

Reads and writes `training.json` and looks at `checkpoint-*` folders. Knows nothing of models or losses; the
checkpoints themselves are transformers' own.
"""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localfair.errors import DiskFull, TrainingError

RECORD = "training.json"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TORCH_CANNOT_WRITE = ("PytorchStreamWriter failed writing", "unexpected pos", "iostream error")


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that is whole, or None: one cut in half falls back to the one before."""
    found = (p for p in folder.glob("checkpoint-*") if _is_whole(p))
    newest = max(found, key=lambda p: int(p.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def _is_whole(folder: Path) -> bool:
    """`trainer_state.json`, a checkpoint's last file, reads as JSON, and no file of tensors lacks its end."""
    from safetensors import SafetensorError, safe_open

    try:
        if not isinstance(json.loads((folder / "trainer_state.json").read_text()), dict):
            return False
        for file in folder.glob("*.safetensors"):
            with safe_open(file, framework="pt"):
                pass
    except (OSError, ValueError, SafetensorError):
        return False
    # torch writes zip archives, whose directory stands at the end
    return all(zipfile.is_zipfile(file) for kind in ("*.pt", "*.pth") for file in folder.glob(kind))


def begin(folder: Path, identity: str) -> dict[str, Any]:
    """The folder's record: new, or what earlier calls of the same training left. Raises TrainingError for another's."""
    try:
        earlier: dict[str, Any] = json.loads((folder / RECORD).read_text())
    except FileNotFoundError:
        return {"id": identity, "seconds": 0.0, "peak_bytes": 0}
    if earlier["id"] != identity:
        raise TrainingError(f"{folder} holds another training", "choose an empty folder")
    return {"seconds": 0.0, "peak_bytes": 0} | earlier


def write(folder: Path, record: dict[str, Any]) -> None:
    """Replace the folder's record."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (RECORD + ".part")
    part.write_text(json.dumps(record))
    part.replace(folder / RECORD)


class Clock:
    """Seconds and peak memory of this call and of those before it, written down step by step by one process."""

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder, self.record = folder, record
        self._at = time.perf_counter()

    def note(self) -> None:
        """Bring the folder's record up to now."""
        now = time.perf_counter()
        self.record["seconds"] += now - self._at
        self.record["peak_bytes"] = max(self.record["peak_bytes"], peak_bytes())
        self._at = now
        if int(os.environ.get("RANK", 0)) == 0:
            write(self.folder, self.record)


def peak_bytes() -> int:
    """The most memory that was held so far: of the GPU, or of this process where there is none."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def saving() -> Iterator[None]:
    """Whatever a library raises when the disk takes no more becomes DiskFull."""
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        raise DiskFull(
            "no space left on the disk while the adapter was being trained",
            "free some space and run the same command again: it goes on from the last checkpoint",
        ) from error


def _is_full(error: BaseException) -> bool:
    """By number, or by the words of safetensors (`os error 28`) and of torch, whose archive writer tells no number."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    numbers = re.findall(r"os error (\d+)", str(error))
    return any(int(n) in FULL for n in numbers) or any(
        words in str(error) for words in TORCH_CANNOT_WRITE
    )
