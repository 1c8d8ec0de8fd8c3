"""The record as people browse it: what rows are called, what is asked often, and what may be asked at all.

Reads the record and writes nothing. Knows nothing of pages.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from localfair.record.connection import reading_uri

SHORT = 8  # digits of an id where a row has no name
PREFIX = "b2:"
SECRETS = "secrets"  # the table that nobody browses
# how a row of a table is called; others by the beginning of their id
LABELS = {
    "questions": "SELECT key FROM questions WHERE id = ?",
    "seats": """SELECT role || '#' || "index" || ' ' || model FROM seats WHERE id = ?""",
    "runs": "SELECT recipe || ' ' || SUBSTR(started, 1, 16) FROM runs WHERE id = ?",
    "answers": "SELECT 'answer: ' || grade FROM answers WHERE id = ?",
    "explanations": "SELECT kind || COALESCE(': ' || grade, '') FROM explanations WHERE id = ?",
    "lessons": "SELECT kind || ' lesson' FROM lessons WHERE id = ?",
}
QUERIES = {
    "unexplained_mistakes": {
        "title": "Mistakes that nobody could explain",
        "description": "Train questions that the student got wrong and of which no explanation was accepted.",
        "sql": """
SELECT q.id AS question, q.text, q.gold, COUNT(DISTINCT m.id) AS mistakes,
  COUNT(DISTINCT e.id) AS explanations, MAX(v.mean) AS best_mean
FROM mistakes m JOIN questions q ON q.id = m.question
LEFT JOIN explanations e ON e.question = q.id LEFT JOIN verdicts v ON v.explanation = e.id
GROUP BY q.id HAVING COALESCE(MAX(v.accepted), 0) = 0 ORDER BY explanations DESC, q.key
""".strip(),
    },
    "disagreeing_reviews": {
        "title": "Reviews that disagree most",
        "description": "Explanations by the distance between their highest and lowest score.",
        "sql": """
SELECT e.question, e.id AS explanation, MAX(r.score) - MIN(r.score) AS distance,
  MIN(r.score) AS lowest, MAX(r.score) AS highest, COUNT(r.score) AS reviews, g.text
FROM reviews r JOIN explanations e ON e.id = r.explanation JOIN generations g ON g.id = e.generation
GROUP BY e.id HAVING distance > 0 ORDER BY distance DESC, e.id LIMIT 200
""".strip(),
    },
}
SEARCHED = {
    "title": "What was said",
    "description": "Replies of all models that hold these words; the closest first.",
    "sql": """
SELECT g.id AS generation, g.model, SNIPPET(said, 0, '', '', '…', 40) AS text
FROM said JOIN generations g ON g.rowid = said.rowid
WHERE said MATCH ESCAPE_FTS(:words) ORDER BY RANK LIMIT 200
""".strip(),
}
# what may be asked of SQLite; everything else is refused, whatever SQL a page is given
READING = frozenset([sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE])
PRAGMAS = frozenset(
    [
        "cache_size",
        "data_version",
        "database_list",
        "foreign_key_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "module_list",
        "schema_version",
        "table_info",
        "table_xinfo",
    ]
)


def connect_to_browse(path: Path) -> sqlite3.Connection:
    """A connection that reads whatever SQL it is given, and neither writes nor reads the secrets.

    It may be used in another thread, and while a run writes.
    """
    connection = sqlite3.connect(reading_uri(path), uri=True, check_same_thread=False)
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.set_authorizer(permission)
    return connection


def permission(
    action: int, first: str | None, second: str | None, database: str | None, inner: str | None
) -> int:
    """Whether SQLite may do something: read, but neither secrets nor pages of the file."""
    allowed = action in READING
    if action == sqlite3.SQLITE_READ:
        allowed = first not in (SECRETS, "sqlite_dbpage")
    elif action == sqlite3.SQLITE_FUNCTION:
        allowed = second != "load_extension"
    elif action == sqlite3.SQLITE_PRAGMA:
        is_asked = second is None or first not in ("schema_version", "data_version")
        allowed = first in PRAGMAS and is_asked
    elif action == sqlite3.SQLITE_UPDATE:
        # what SQLite asks when it opens the search index; the connection writes nothing
        allowed = first == "sqlite_master"
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def label_of(connection: sqlite3.Connection, table: str, row_id: str) -> str:
    """What a row is called, else the beginning of its id."""
    row = None
    if table in LABELS:
        row = connection.execute(LABELS[table], [row_id]).fetchone()
    return str(row[0]) if row else row_id.removeprefix(PREFIX)[:SHORT]
