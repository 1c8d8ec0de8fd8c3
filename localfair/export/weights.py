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
from localfair.export import adapter, beside, gguf, merged
from localfair.export.exam_prompt import exam_prompt
from localfair.export.once import (
    Destination,
    Export,
    export_once,
    refuse_others_beside,
    write_beside,
)
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
PUBLISHER = "localfair"  # LM Studio looks for publisher/model/file.gguf


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported, and what its parity exam showed; None where it was not examined."""

    export: Export
    parity: Parity | None = None


def export_adapter(store: Store, student: TrainedStudent, out: Destination) -> Exported:
    """Export the adapter as a PEFT folder at `<out>/<name>-adapter`."""
    path = out.folder / f"{student.name}-adapter"
    write = partial(adapter.copy, student, beside.about_lines(student), exam_prompt(store, student))
    exported = export_once(store, student.adapter.id, "adapter", path, write, out.force)
    return Exported(exported)


def export_merged(
    store: Store, student: TrainedStudent, out: Destination, limit: int, progress: Progress
) -> Exported:
    """Export merged safetensors and their page at `<out>/<name>`, then hold their parity exam.

    `limit` is the most questions of that exam; 0 leaves it out.
    """

    page = beside.page_of_merged(student, exam_prompt(store, student))

    def write(folder: Path) -> None:
        base = student.seating.folder(student.model)
        merged.save_merged(_merge(student, base), base, student.model, folder)
        (folder / "README.md").write_bytes(page)

    path = out.folder / student.name
    export = export_once(store, student.adapter.id, "merged", path, write, out.force)
    if not limit:
        return Exported(export)
    return Exported(export, parity(store, student, export, folder_member, limit, progress))


def export_gguf(
    store: Store,
    student: TrainedStudent,
    format: str,
    out: Destination,
    limit: int,
    progress: Progress,
) -> Exported:
    """Export a GGUF with its Modelfile and USAGE.md, then hold its parity exam.

    They stand in LM Studio's form, at `<out>/localfair/<name>-<format>/<name>-<format>.gguf`.
    `format` is a key of `gguf.FORMATS`, or LORA: the adapter alone, for the base's GGUF. `limit`
    is the most questions of the exam; 0 leaves it out, and so does a LORA whose base is no GGUF.
    What cannot be written or examined is refused before any weights are loaded.
    """
    shape_of(student.model.path)
    base_is_gguf = student.model.path.is_file()
    is_lora = format == LORA
    if is_lora and not base_is_gguf:
        limit = 0
    if limit:
        must_have_gguf_engine()
    name = f"{student.name}-{format}"
    path = out.folder / PUBLISHER / name / f"{name}.gguf"
    base = student.seating.folder(student.model)
    files = beside.files(student, base, path, is_lora, exam_prompt(store, student))
    refuse_others_beside(path.parent, files, out.force)
    about = beside.metadata(student, name)

    def write(path: Path) -> None:
        if is_lora:
            gguf_lora.write(student.folder, student.model.path, path, about)
            return
        gguf.write(_merge(student, base), student.model, base, format, about, path)

    export = export_once(store, student.adapter.id, f"gguf/{format}", path, write, out.force)
    write_beside(path.parent, files)
    if not limit:
        return Exported(export)
    seated = lora_member if is_lora else gguf_member
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
