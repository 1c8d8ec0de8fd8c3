"""Where an adapter's files lie beside the record.

Reads a database's path and an adapter's id; writes nothing. Knows nothing of what the files hold.
"""

from __future__ import annotations

from pathlib import Path

from localfair.record.store import Store


def relative_folder(store: Store, adapter: str) -> Path:
    """`<database>-adapters/<id>`, relative to the database, so that both can be moved together."""
    name = adapter.removeprefix("b2:")  # no colon in a folder's name
    return Path(f"{store.path.stem}-adapters") / name


def folder_of(store: Store, adapter: str) -> Path:
    """The folder that holds an adapter's files, absolute."""
    return store.path.parent / relative_folder(store, adapter)
