"""A laboratory with a trained student, and how tests export that student.

Reads and writes its record.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localfair.export.once import Destination
from localfair.export.student import TrainedStudent, trained_student
from localfair.export.weights import Exported, export_gguf
from localfair.record.store import Store
from tests.lab import Lab


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


class TrainedLab(Lab):
    """A laboratory after a run: its student, its adapter's folder, exports of it, copies of it."""

    @contextmanager
    def opened(self) -> Iterator[tuple[Store, TrainedStudent]]:
        """The record open for writing, and the student of its newest run."""
        with Store.open(self.db, create=True) as store:
            yield store, trained_student(store, None, self.folder)

    def export(self, export: Callable[..., Exported], *args: Any) -> Exported:
        """What `export(store, student, *args)` makes."""
        with self.opened() as (store, student):
            return export(store, student, *args)

    def gguf(self, out: Path, format: str = "f16", limit: int = 0) -> Exported:
        """A GGUF of the student in `out`, with a parity exam of at most `limit` questions."""
        return self.export(export_gguf, format, Destination(out), limit, quiet)

    @property
    def adapter(self) -> Path:
        """The folder of the trained adapter."""
        (row,) = self.rows("SELECT path FROM adapters")
        return self.folder / row["path"]

    def copy(self, folder: Path) -> TrainedLab:
        """The same record and adapter in another folder, for tests that change them."""
        shutil.copy(self.db, folder / self.db.name)
        adapters = self.adapter.parent
        shutil.copytree(adapters, folder / adapters.name)
        return TrainedLab(folder, Path(self.student))
