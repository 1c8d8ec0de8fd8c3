"""What `localfair export` does with weights: each format written once, then its parity exam.

Reads a run; writes files, `exports` and `parities`. How a format is written is for the other
modules here to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from localfair.committee.ask import Progress
from localfair.export import adapter, gguf, merged
from localfair.export.once import Export, export_once
from localfair.export.parity import (
    Parity,
    folder_member,
    gguf_member,
    lora_member,
    must_have_gguf_engine,
    parity,
)
from localfair.export.student import TrainedStudent
from localfair.models import gguf_lora
from localfair.models.gguf_names import shape_of
from localfair.record.store import Store

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LORA = "lora"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported, and what its parity exam showed; None where it was not examined."""

    export: Export
    parity: Parity | None = None


def export_adapter(store: Store, student: TrainedStudent, out: Path) -> Exported:
    """Export the adapter as a PEFT folder at `<out>/<name>-adapter`."""
    path = out / f"{student.name}-adapter"
    write = partial(adapter.copy, student)
    return Exported(export_once(store, student.adapter.id, "adapter", path, write))


def export_merged(
    store: Store, student: TrainedStudent, out: Path, limit: int, progress: Progress
) -> Exported:
    """Export merged safetensors at `<out>/<name>`, then hold their parity exam.

    `limit` is the most questions of that exam; 0 leaves it out.
    """

    def write(folder: Path) -> None:
        base = student.seating.folder(student.model)
        merged.save_merged(_merge(student, base), base, student.model, folder)

    path = out / student.name
    export = export_once(store, student.adapter.id, "merged", path, write)
    if not limit:
        return Exported(export)
    return Exported(export, parity(store, student, export, folder_member, limit, progress))


def export_gguf(
    store: Store, student: TrainedStudent, format: str, out: Path, limit: int, progress: Progress
) -> Exported:
    """Export a GGUF at `<out>/<name>-<format>.gguf`, then hold its parity exam.

    `format` is a key of `gguf.FORMATS`, or LORA: the adapter alone, for the base's GGUF. `limit`
    is the most questions of the exam; 0 leaves it out, and so does a LORA whose base is no GGUF.
    What cannot be written or examined is refused before any weights are loaded.
    """
    shape_of(student.model.path)
    base_is_gguf = student.model.path.is_file()
    if format == LORA and not base_is_gguf:
        limit = 0
    if limit:
        must_have_gguf_engine()

    def write(path: Path) -> None:
        if format == LORA:
            gguf_lora.write(student.folder, student.model.path, path)
            return
        base = student.seating.folder(student.model)
        gguf.write(_merge(student, base), student.model, base, format, student.name, path)

    path = out / f"{student.name}-{format}.gguf"
    export = export_once(store, student.adapter.id, f"gguf/{format}", path, write)
    if not limit:
        return Exported(export)
    seated = lora_member if format == LORA else gguf_member
    return Exported(export, parity(store, student, export, seated, limit, progress))


def _merge(student: TrainedStudent, base: Path) -> PreTrainedModel:
    """The student's model, merged in the precision that the run examined it in.

    A run with an NF4 base is merged into the 16-bit base: rounding to 4 bits again would lose
    the adapter.
    """
    precision = student.settings.precision
    if precision not in merged.PRECISIONS:
        precision = "bf16"
    return merged.merge(base, student.folder, precision)
