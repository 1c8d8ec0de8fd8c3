"""Comparisons of recipes, as they were made.

Writes `comparisons`. Knows nothing of what was compared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from localfair.record.store import Store


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
