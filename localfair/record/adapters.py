"""Where an adapter's files lie beside the record, and nowhere else, whatever a record says.

Reads a database's path and an adapter's rows; writes those. Knows nothing of what the files hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localfair.errors import StoreError
from localfair.record.made import Adapter
from localfair.record.store import Store
from localfair.record.tables import ADAPTERS

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]*")  # of an adapter's folder: a hash


def relative_folder(store: Store, adapter: str) -> Path:
    """`<database>-adapters/<id>`, relative to the database, so that both can be moved together."""
    name = adapter.removeprefix("b2:")  # no colon in a folder's name
    if not NAME.fullmatch(name):  # a folder that is deleted when nobody needs the adapter
        raise StoreError(
            f"{store.path} holds an adapter with an id that localfair never makes",
            "`localfair db verify` says which; go on from a copy without it",
        )
    return Path(f"{store.path.stem}-adapters") / name


def folder_of(store: Store, adapter: str) -> Path:
    """The folder that holds an adapter's files, absolute."""
    return store.path.parent / relative_folder(store, adapter)


def recorded_folder(store: Store, path: str) -> Path:
    """The folder of an adapter whose row names `path`, below the record's own.

    Raises StoreError for a path that leads out of there.
    """
    relative = Path(path)
    if relative.is_absolute() or ".." in relative.parts or "\0" in path:
        raise StoreError(
            f"{store.path} says that an adapter lies outside its folder",
            "put the adapters beside the record, and go on from a record that localfair made",
        )
    return store.path.parent / relative


def forget(store: Store, adapter: str) -> None:
    """Drop the row of an adapter whose weights were lost: the one trained anew takes its place.

    The caller holds the transaction in which the new row comes.
    """
    # an adapter that went on from it may name it until then
    store.db.execute("PRAGMA defer_foreign_keys=ON")
    store.db.execute("DELETE FROM adapter_lessons WHERE adapter = ?", [adapter])
    store.db.execute("DELETE FROM curve WHERE adapter = ?", [adapter])
    store.db.execute("DELETE FROM adapters WHERE id = ?", [adapter])


@dataclass(frozen=True, slots=True)
class Learned:
    """A lesson that an adapter was to learn, and why it was dropped, or None."""

    lesson: str
    dropped: str | None


Curve = Sequence[tuple[int, float, float]]  # step, loss of its window, learning rate


def keep_adapter(store: Store, adapter: Adapter, learned: Sequence[Learned], curve: Curve) -> None:
    """Write an adapter, its lessons in their order and its curve, in one transaction.

    It takes the place of one of the same id.
    """
    lessons = []
    for position, lesson in enumerate(learned):
        lessons.append(
            {
                "adapter": adapter.id,
                "position": position,
                "lesson": lesson.lesson,
                "dropped": lesson.dropped,
            }
        )
    points = []
    for step, loss, rate in curve:
        points.append({"adapter": adapter.id, "step": step, "loss": loss, "learning_rate": rate})
    with store.transaction():
        forget(store, adapter.id)
        store.add(ADAPTERS, [adapter])
        store.ensure("adapter_lessons", lessons)
        store.ensure("curve", points)
        store.sealing.seal_again("adapters", {"id": adapter.id})


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSummary:
    """How many lessons an adapter learned, its first loss, and the mean of the last tenth of its
    losses.
    """

    lessons: int
    first_loss: float
    last_loss: float


def loss_summary(store: Store, adapter: str) -> LossSummary:
    """What an adapter's lessons and its curve come to."""
    learned = "SELECT COUNT(*) FROM adapter_lessons WHERE adapter = ? AND dropped IS NULL"
    curve = "SELECT loss FROM curve WHERE adapter = ? ORDER BY step"
    losses: list[float] = store.first_column(curve, adapter)
    tail = losses[-max(1, len(losses) // 10) :]
    return LossSummary(
        lessons=store.first_column(learned, adapter)[0],
        first_loss=round(losses[0], 3),
        last_loss=round(sum(tail) / len(tail), 3),
    )
