"""The verbs of `localfair export`, for Python: `import localfair` offers them.

Each writes what the command of its name writes, into the folder `exports` unless `into` names
another, and gives where it stands. Raises LocalfairError as the command line does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from localfair.export.names import Destination
from localfair.machine.offline import go_offline

if TYPE_CHECKING:
    from localfair.export.student import TrainedStudent
    from localfair.export.trainers import Form
    from localfair.export.weights import Exported
    from localfair.record.nouns import Split
    from localfair.record.store import Store

DB = Path("localfair.db")
EXPORTS = Destination(Path("exports"))
PARITY_LIMIT = 32  # questions of a parity exam


def export_adapter(
    db: Path | str = DB,
    run: str | None = None,
    *,
    into: Destination = EXPORTS,
    offline: bool = True,
) -> Exported:
    """Write the LoRA adapter of a run's student as a PEFT folder.

    Here and below: of the newest run that trained a student when none is named.
    """
    from localfair.export.weights import export_adapter as write

    go_offline(wanted=offline)
    with _student(db, run) as (store, student):
        return write(store, student, into)


def export_merged(
    db: Path | str = DB,
    run: str | None = None,
    *,
    into: Destination = EXPORTS,
    parity_limit: int = PARITY_LIMIT,
    offline: bool = True,
) -> Exported:
    """Write the student merged into its 16-bit base, as a folder of safetensors.

    A parity exam of at most `parity_limit` questions compares it with what was trained; 0 leaves
    that out.
    """
    from localfair.export.weights import export_merged as write

    go_offline(wanted=offline)
    with _student(db, run) as (store, student):
        return write(store, student, into, parity_limit, _no_progress)


def export_gguf(
    db: Path | str = DB,
    run: str | None = None,
    *,
    format: str = "q8_0",
    into: Destination = EXPORTS,
    parity_limit: int = PARITY_LIMIT,
    offline: bool = True,
) -> Exported:
    """Write the student as one GGUF, its Modelfile and USAGE.md beside it.

    format: f16, bf16, q8_0, or lora, the adapter alone. `parity_limit` as for `export_merged`.
    """
    from localfair.export.weights import export_gguf as write

    go_offline(wanted=offline)
    with _student(db, run) as (store, student):
        return write(store, student, format, into, parity_limit, _no_progress)


def export_lessons(
    db: Path | str = DB,
    run: str | None = None,
    *,
    form: Form = "messages",
    into: Destination = EXPORTS,
) -> Path:
    """Write the lessons of a run, of the newest that kept some when none is named.

    form: messages, prompt-completion, or dataset (parquet and its card).
    """
    from localfair.export.lessons import write
    from localfair.record.store import Store

    with Store.open(Path(db)) as store:
        return write(store, run, form, into)


def export_task(
    db: Path | str = DB,
    run: str | None = None,
    *,
    split: Split = "test",
    limit: int | None = None,
    into: Destination = EXPORTS,
    offline: bool = True,
) -> Path:
    """Write a run's questions as a task for lm-evaluation-harness, at most `limit` of a split."""
    from localfair.export.harness import Asked, write

    go_offline(wanted=offline)
    with _student(db, run) as (store, student):
        return write(store, student, Asked(split, limit), into)


def export_card(
    db: Path | str = DB,
    run: str | None = None,
    *,
    into: Destination = EXPORTS,
) -> Path:
    """Write the model card of a run's student, README.md in Hugging Face's form."""
    from localfair.export.card import write
    from localfair.machine.workspace import workspace_dir
    from localfair.record.store import Store

    with Store.open(Path(db)) as store:
        return write(store, run, workspace_dir(), into)


@contextmanager
def _student(db: Path | str, run: str | None) -> Iterator[tuple[Store, TrainedStudent]]:
    """The record, open for writing, and the student that a run trained."""
    from localfair.export.student import trained_student
    from localfair.machine.workspace import workspace_dir
    from localfair.record.store import Store

    # opened for reading first: a record that is not there is refused, never made
    Store.open(Path(db)).__exit__()
    with Store.open(Path(db), create=True) as store:
        yield store, trained_student(store, run, workspace_dir())


def _no_progress(done: int, total: int, label: str) -> None:
    pass
