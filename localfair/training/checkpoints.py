"""What a training leaves on disk while it runs: its own record and whole checkpoints.

Reads and writes `training.json`, reads `checkpoint-*` folders. The checkpoints themselves are
transformers' own. Knows nothing of models or losses.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import time
import zipfile
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localfair.errors import TrainingError
from localfair.machine.files import full_disk_as, write_whole

RECORD = "training.json"
CHECKPOINTS = "checkpoints"
# what `id` in the record is made of: 1 (not written down) the repr of lessons, 2 their named fields
FORMAT = 2
LOG = logging.getLogger(__name__)


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that is whole, or None; one cut in half is passed over."""
    checkpoints = [path for path in folder.glob("checkpoint-*") if _is_whole(path)]
    if not checkpoints:
        return None
    return str(max(checkpoints, key=_step_of))


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("checkpoint-"))


def _is_whole(checkpoint: Path) -> bool:
    """Whether `trainer_state.json`, its last file, is JSON and no file of tensors lacks its end."""
    from safetensors import SafetensorError, safe_open

    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text())
        for file in checkpoint.glob("*.safetensors"):
            with safe_open(file, framework="pt"):
                pass
    except (OSError, ValueError, SafetensorError):
        return False
    # torch writes zip archives, whose directory stands at the end
    archives = [*checkpoint.glob("*.pt"), *checkpoint.glob("*.pth")]
    return isinstance(state, dict) and all(zipfile.is_zipfile(file) for file in archives)


@dataclass(slots=True, kw_only=True)
class Record:
    """What `training.json` holds: of all calls of a training together, whole ones and cut ones.

    result: what came of it, once it has ended.
    """

    format: int = FORMAT
    id: str
    seconds: float = 0.0
    peak_bytes: int = 0
    result: dict[str, Any] | None = None


def begin(folder: Path, identity: str) -> Record:
    """The folder's record: new, or what earlier calls of the same training left.

    What an older localfair left cannot be told apart from another training: its checkpoints are
    removed, a warning says so, and the training starts again. Raises TrainingError when the folder
    holds another training.
    """
    new = Record(id=identity)
    try:
        earlier: dict[str, Any] = json.loads((folder / RECORD).read_text())
    except FileNotFoundError:
        return new
    if earlier.get("format") != FORMAT:
        LOG.warning("%s was begun by another version of localfair: training starts again", folder)
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
        return new
    record = Record(**earlier)
    if record.id != identity:
        raise TrainingError(f"{folder} holds another training", "choose an empty folder")
    return record


def write(folder: Path, record: Record) -> None:
    """Replace the folder's record."""
    cells = asdict(record)
    if record.result is None:
        del cells["result"]
    # written at every step, and worth no more than the checkpoints, which are not synced either
    write_whole(folder / RECORD, json.dumps(cells), durable=False)


def predicted_after_epochs(folder: Path) -> tuple[float, ...]:
    """What a training that ended left of `TrainResult.predicted`; empty where it left nothing."""
    try:
        recorded: dict[str, Any] = json.loads((folder / RECORD).read_text())
        return tuple(recorded["result"]["predicted"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


class Clock:
    """Seconds and peak memory of this call and of those before it.

    Of several processes the first writes them into the folder's record.
    """

    def __init__(self, folder: Path, record: Record) -> None:
        self.folder = folder
        self.record = record
        self._noted_at = time.perf_counter()

    def note(self) -> None:
        """Bring the folder's record up to now."""
        now = time.perf_counter()
        self.record.seconds += now - self._noted_at
        self.record.peak_bytes = max(self.record.peak_bytes, peak_bytes())
        self._noted_at = now
        if int(os.environ.get("RANK", 0)) == 0:
            write(self.folder, self.record)


def peak_bytes() -> int:
    """The most memory that was held so far: of the GPU, or of this process where there is none."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def saving() -> AbstractContextManager[None]:
    """Within it, whatever a library raises when the disk takes no more becomes DiskFull."""
    return full_disk_as(
        "no space left on the disk while the adapter was being trained",
        "free some space and run the same command again: it goes on from the last checkpoint",
    )
