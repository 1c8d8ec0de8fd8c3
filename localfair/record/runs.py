"""Which run is the newest, and what has become of one.

Reads runs and the write lock; writes nothing. Knows nothing of what a run does.
"""

from __future__ import annotations

from localfair.record.lock import is_held
from localfair.record.store import Row, Store

NEWEST_FIRST = "ORDER BY rowid DESC"  # as they were begun, whatever the clock said


def newest_run(store: Store) -> str | None:
    """The id of the run that was begun last; None when there is none."""
    run = store.one(f"SELECT id FROM runs {NEWEST_FIRST} LIMIT 1")
    return run["id"] if run else None


def runs(store: Store) -> list[Row]:
    """Every run of the record, newest first: id, recipe, task, seed, status, started."""
    rows = store.rows(f"SELECT id, recipe, task, seed, status, started FROM runs {NEWEST_FIRST}")
    for row in rows:
        row["status"] = status_now(store, row["status"])
    return rows


def status_now(store: Store, status: str) -> str:
    """The status of a run that the record says has this one.

    A run that was killed could not write that it ended.
    """
    if status == "running" and not is_held(store.path):
        return "interrupted"
    return status
