"""The verbs of `localfair export`: weights of a run's student, each made once, and its parity exam.

Reads a run; writes files, `exports` and `parities`. The forms themselves are the other modules' here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from localfair.committee.ask import Progress
from localfair.export import adapter as adapter_folder
from localfair.export import gguf as weights_gguf
from localfair.export import merged
from localfair.export.once import Export, shelve
from localfair.export.parity import (
    Parity,
    folder_member,
    gguf_member,
    lora_member,
    must_have_gguf_engine,
    parity,
)
from localfair.export.student import Trained
from localfair.models import gguf_lora as lora_gguf
from localfair.models.gguf_names import shape_of
from localfair.record.store import Store

LORA = "lora"


@dataclass(frozen=True, slots=True)
class Done:
    """What was exported, and its parity exam where there was one."""

    export: Export
    parity: Parity | None = None


def export_adapter(store: Store, student: Trained, out: Path) -> Done:
    """The PEFT folder at `<out>/<name>-adapter`."""
    place, adapter = out / f"{student.name}-adapter", student.adapter["id"]
    return Done(shelve(store, adapter, "adapter", place, partial(adapter_folder.copy, student)))


def export_merged(
    store: Store, student: Trained, out: Path, limit: int, progress: Progress
) -> Done:
    """Merged safetensors at `<out>/<name>`; then the parity exam on `limit` questions, none for 0."""

    def make(part: Path) -> None:
        base = student.seating.folder(student.model)
        merged.save_merged(_merged(student, base), base, student.model, part)

    export = shelve(store, student.adapter["id"], "merged", out / student.name, make)
    return Done(
        export, parity(store, student, export, folder_member, limit, progress) if limit else None
    )


def export_gguf(
    store: Store, student: Trained, kind: str, out: Path, limit: int, progress: Progress
) -> Done:
    """A GGUF of `kind` (a key of `weights_gguf.TYPES`, or LORA) at `<out>/<name>-<kind>.gguf`; then the parity exam.

    What cannot be written or examined is refused before any weights are loaded. A LORA is the adapter alone, for the
    base's GGUF; it is not examined where the base is no GGUF.
    """
    shape_of(student.model.path)
    limit = 0 if kind == LORA and student.model.path.is_dir() else limit
    if limit:
        must_have_gguf_engine()

    def make(part: Path) -> None:
        if kind == LORA:
            lora_gguf.write(student.folder, student.model.path, part)
            return
        base = student.seating.folder(student.model)
        weights_gguf.write(_merged(student, base), student.model, base, kind, student.name, part)

    export = shelve(
        store, student.adapter["id"], f"gguf/{kind}", out / f"{student.name}-{kind}.gguf", make
    )
    seated = lora_member if kind == LORA else gguf_member
    return Done(export, parity(store, student, export, seated, limit, progress) if limit else None)


def _merged(student: Trained, base: Path) -> Any:
    """Merged as the run examined it; an NF4 run's adapter is merged on the 16-bit base all the same."""
    precision = student.settings["precision"]
    return merged.merge(base, student.folder, precision if precision in merged.FLOATS else "bf16")
