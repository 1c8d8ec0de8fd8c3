"""The students that runs trained.

Reads the rows of runs and their adapters; writes nothing. Knows nothing of weights.
"""

from __future__ import annotations

from localfair.record.made import Adapter
from localfair.record.store import Store
from localfair.record.tables import adapter_of

# The adapter that a train step made, or an exam asked with, last. The exam decides: a recipe of
# several rounds may have kept an earlier round's adapter.
LAST_ADAPTER = """
SELECT a.* FROM (
  SELECT r.position, r."row" AS adapter FROM links r WHERE r.run = ? AND r.noun = 'adapter'
  UNION ALL
  SELECT r.position, s.adapter
  FROM links r JOIN answers w ON w.id = r."row" JOIN seats s ON s.id = w.seat
  WHERE r.run = ? AND r.noun = 'answer'
) used JOIN adapters a ON a.id = used.adapter
WHERE a.role = 'student' ORDER BY used.position DESC LIMIT 1
"""
# the newest run whose train step made an adapter of its student
NEWEST_WITH_STUDENT = """
SELECT u.id FROM runs u JOIN links r ON r.run = u.id AND r.noun = 'adapter'
JOIN adapters a ON a.id = r."row" AND a.role = 'student'
ORDER BY u.rowid DESC LIMIT 1
"""


def last_adapter_of_student(store: Store, run: str) -> Adapter | None:
    """The adapter that a run's student had last; None when the run trained no student."""
    row = store.one(LAST_ADAPTER, run, run)
    return adapter_of(row) if row else None


def newest_run_with_student(store: Store) -> str | None:
    """The id of the newest run that trained its student; None when none did."""
    ids: list[str] = store.first_column(NEWEST_WITH_STUDENT)
    return ids[0] if ids else None
