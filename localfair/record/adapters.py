"""Where an adapter's files lie beside the record.

Reads a database's path and an adapter's rows; writes those. Knows nothing of what the files hold.
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


def forget(store: Store, adapter: str) -> None:
    """Drop the row of an adapter whose weights were lost: the one trained anew takes its place.

    The caller holds the transaction in which the new row comes.
    """
    # an adapter that went on from it may name it until then
    store.db.execute("PRAGMA defer_foreign_keys=ON")
    store.db.execute("DELETE FROM adapter_lessons WHERE adapter = ?", [adapter])
    store.db.execute("DELETE FROM curve WHERE adapter = ?", [adapter])
    store.db.execute("DELETE FROM adapters WHERE id = ?", [adapter])


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
