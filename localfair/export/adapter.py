"""The adapter itself, as PEFT reads it, with its base's name and hash in it.

Reads the trained folder; writes another. Knows nothing of engines.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from localfair.export.student import Trained
from localfair.models.gguf_lora import CONFIG, WEIGHTS, read_config

ABOUT = "localfair.json"


def copy(student: Trained, folder: Path) -> None:
    """The weights as they are; the configuration names the base; `localfair.json` holds its hash."""
    folder.mkdir()
    config = read_config(student.folder) | {"base_model_name_or_path": student.model.name}
    _write(folder / CONFIG, config)
    shutil.copyfile(student.folder / WEIGHTS, folder / WEIGHTS)
    about = {
        "adapter": student.adapter["id"], "sha256": student.adapter["sha256"],
        "base": student.model.name, "base_fingerprint": student.model.fingerprint,
        "settings": json.loads(student.adapter["settings"]),
    }  # fmt: skip
    _write(folder / ABOUT, about)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
