"""The adapter itself, as PEFT reads it, with its base's name and hash in it.

Reads the folder of a trained adapter; writes another. Knows nothing of engines.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from localfair.export.student import TrainedStudent
from localfair.models.gguf_lora import CONFIG, WEIGHTS, read_config

ABOUT = "localfair.json"


def copy(student: TrainedStudent, folder: Path) -> None:
    """Copy the adapter to `folder`.

    The weights stay as they are, the configuration names the base, and `localfair.json` holds
    the base's hash.
    """
    folder.mkdir()
    config = read_config(student.folder)
    config["base_model_name_or_path"] = student.model.name
    _write_json(folder / CONFIG, config)
    shutil.copyfile(student.folder / WEIGHTS, folder / WEIGHTS)
    about = {
        "adapter": student.adapter.id,
        "sha256": student.adapter.sha256,
        "base": student.model.name,
        "base_fingerprint": student.model.fingerprint,
        "settings": json.loads(student.adapter.settings),
    }
    _write_json(folder / ABOUT, about)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
