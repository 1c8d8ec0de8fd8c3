"""Where an adapter's files lie beside the record.

Reads a database's path and an adapter's id; writes nothing. Knows nothing of what the files hold.
"""

from __future__ import annotations

from pathlib import Path

from localfair.record.store import Row, Store


def relative_folder(store: Store, adapter: str) -> Path:
    """`<database>-adapters/<id>`, relative to the database, so that both can be moved together."""
    name = adapter.removeprefix("b2:")  # no colon in a folder's name
    return Path(f"{store.path.stem}-adapters") / name


def folder_of(store: Store, adapter: str) -> Path:
    """The folder that holds an adapter's files, absolute."""
    return store.path.parent / relative_folder(store, adapter)


def loss_summary(store: Store, adapter: str) -> Row:
    """How many lessons an adapter learned, its first loss, and the mean of the last tenth of its
    losses.
    """
    learned = store.rows(
        "SELECT lesson FROM adapter_lessons WHERE adapter = ? AND dropped IS NULL", adapter
    )
    curve = store.rows("SELECT loss FROM curve WHERE adapter = ? ORDER BY step", adapter)
    losses = [point["loss"] for point in curve]
    tail = losses[-max(1, len(losses) // 10) :]
    return {
        "lessons": len(learned),
        "first_loss": round(losses[0], 3),
        "last_loss": round(sum(tail) / len(tail), 3),
    }
