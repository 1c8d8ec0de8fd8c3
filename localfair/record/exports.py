"""What was exported of an adapter, and how each export compares with the student it came from.

Reads and writes `exports` and `parities`. Knows nothing of formats or files.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from localfair.record.store import Store

SAME = """
SELECT id, adapter, format, path, sha256, bytes, created FROM exports
WHERE adapter = ? AND format = ? AND path = ? AND sha256 = ?
"""
LIKE = """
SELECT id, adapter, format, path, sha256, bytes, created FROM exports
WHERE sha256 = ? ORDER BY created
"""
OF_ADAPTER = """
SELECT e.format, e.sha256, p.split, p.questions, p.same_grade, p.same_text
FROM exports e LEFT JOIN parities p ON p.export = e.id
WHERE e.adapter = ? ORDER BY e.format, p.created
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedExport:
    """An export: of which adapter, in which format, where, and what it hashes to."""

    id: str
    adapter: str
    format: str
    path: str
    sha256: str
    bytes: int
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedParity:
    """A parity exam of an export (its id): which engines sat it, and counts of its questions."""

    id: str
    export: str
    reference: str
    engine: str
    created: str
    split: str
    questions: int
    same_grade: int
    same_text: int
    reference_right: int
    engine_right: int
    both_right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """An export beside one of its parity exams; None for all of the exam where there was none."""

    format: str
    sha256: str
    split: str | None
    questions: int | None
    same_grade: int | None
    same_text: int | None


def add_export(store: Store, export: RecordedExport) -> None:
    """Write an export; the same again is the same row."""
    store.ensure("exports", [asdict(export)])


def same_export(
    store: Store, adapter: str, format: str, path: str, sha256: str
) -> RecordedExport | None:
    """The export of an adapter in a format at a path that has these bytes; None when there is none."""
    row = store.one(SAME, adapter, format, path, sha256)
    return RecordedExport(**row) if row else None


def exports_like(store: Store, sha256: str) -> list[RecordedExport]:
    """The exports that hash so, the oldest first: a file is known wherever it lies."""
    return [RecordedExport(**row) for row in store.rows(LIKE, sha256)]


def add_parity(store: Store, parity: RecordedParity) -> None:
    """Write a parity exam; the same again is the same row."""
    store.ensure("parities", [asdict(parity)])


def exports_of(store: Store, adapter: str) -> list[Examined]:
    """What was exported of an adapter, by format, one for each parity exam."""
    return [Examined(**row) for row in store.rows(OF_ADAPTER, adapter)]
