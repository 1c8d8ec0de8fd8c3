"""Where an adapter's files lie beside the record.

Knows a database's name and an adapter's id, nothing of what the files hold.
"""

from __future__ import annotations

from pathlib import Path

from localfair.record.store import Store


def relative_folder(store: Store, adapter: str) -> Path:
    """`<database>-adapters/<id>`, relative to the database, so that both can be moved together."""
    return Path(f"{store.path.stem}-adapters") / adapter.removeprefix("b2:")


def folder_of(store: Store, adapter: str) -> Path:
    """The folder that holds an adapter's files, absolute."""
    return store.path.parent / relative_folder(store, adapter)
