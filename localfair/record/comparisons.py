"""Comparisons of recipes, as they were made.

Reads and writes `comparisons`. Knows nothing of what was compared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from localfair.record.store import Store

NEWEST = "SELECT * FROM comparisons ORDER BY rowid DESC LIMIT 1"
BY_ID = "SELECT * FROM comparisons WHERE id = ?"
IDS = "SELECT id FROM comparisons ORDER BY rowid"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedComparison:
    """A comparison: what was asked for and what was found, both as canonical JSON."""

    id: str
    task: str
    asked: str
    found: str
    created: str


def add_comparison(store: Store, comparison: RecordedComparison) -> None:
    """Write a comparison; the same again is the same row."""
    store.ensure("comparisons", [asdict(comparison)])


def comparison_ids(store: Store) -> list[str]:
    """The ids of all comparisons, in the order in which they were made."""
    return store.first_column(IDS)


def comparison(store: Store, comparison_id: str | None) -> RecordedComparison | None:
    """A comparison by its id; the newest for None; None where the record holds none."""
    row = store.one(NEWEST) if comparison_id is None else store.one(BY_ID, comparison_id)
    if row is None:
        return None
    return RecordedComparison(**{each.name: row[each.name] for each in fields(RecordedComparison)})
