"""The search index of what was said: filled at the end of each step, made anew after rows are deleted.

Reads `generations`, writes the index. Knows nothing of what is searched for. Where SQLite has no
FTS5 nothing is written, and everything else works.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from localfair.record.connection import reading_uri
from localfair.record.schema import INDEX, SEARCH, has_fts5, statements_of
from localfair.record.store import Store

PIECE = 5000  # texts that are indexed in one transaction
LAST = f"SELECT COALESCE(MAX(id), 0) FROM {INDEX}_docsize"
FILL = f"""
INSERT INTO main.{INDEX} (rowid, text)
SELECT rowid, text FROM main.generations WHERE rowid > ? ORDER BY rowid LIMIT {PIECE}
"""
# a fresh index over the texts that the record's index should hold
FRESH = f"""
CREATE VIRTUAL TABLE temp.fresh USING fts5(text, content="");
INSERT INTO temp.fresh (rowid, text)
  SELECT rowid, text FROM record.generations
  WHERE rowid <= (SELECT COALESCE(MAX(id), 0) FROM record.{INDEX}_docsize);
CREATE VIRTUAL TABLE temp.words USING fts5vocab(temp, fresh, row);
CREATE VIRTUAL TABLE temp.recorded_words USING fts5vocab(record, {INDEX}, row);
"""
DIFFERENT = f"""
SELECT EXISTS (SELECT * FROM temp.words EXCEPT SELECT * FROM temp.recorded_words)
  OR EXISTS (SELECT * FROM temp.recorded_words EXCEPT SELECT * FROM temp.words)
  OR EXISTS (SELECT id, sz FROM temp.fresh_docsize EXCEPT SELECT id, sz FROM record.{INDEX}_docsize)
  OR EXISTS (SELECT id, sz FROM record.{INDEX}_docsize EXCEPT SELECT id, sz FROM temp.fresh_docsize)
"""


def fill_index(store: Store) -> int:
    """Put what was said since the last time into the search index; the number of texts."""
    if not has_fts5(store.db.conn):
        return 0
    if not _has_index(store):
        rebuild_index(store)
        return int(store.db.execute(f"SELECT COUNT(*) FROM {INDEX}_docsize").fetchone()[0])
    texts = 0
    while True:
        with store.transaction():
            last = store.db.execute(LAST).fetchone()[0]
            added = int(store.db.execute(FILL, [last]).rowcount)
        texts += added
        if added < PIECE:
            return texts


def rebuild_index(store: Store) -> None:
    """Make the search index of all texts anew, in a transaction."""
    if not has_fts5(store.db.conn):
        return
    statements = list(statements_of(SEARCH))
    if _has_index(store):
        statements = statements[-1:]
    with store.transaction():
        for statement in statements:
            store.db.execute(statement)


def has_index(store: Store) -> bool:
    """Whether what was said can be searched here."""
    return has_fts5(store.db.conn) and _has_index(store)


def _has_index(store: Store) -> bool:
    sql = "SELECT 1 FROM main.sqlite_schema WHERE name = ?"
    return store.one(sql, INDEX) is not None


def index_problems(store: Store) -> Iterator[str]:
    """What is wrong with the search index: it is compared with one that is made of the texts.

    Texts that no step's end has put into it yet are none of its problems.
    """
    if not has_index(store):
        return  # whether it is missing is a question of the schema
    with closing(sqlite3.connect("", uri=True)) as scratch:
        scratch.execute("ATTACH ? AS record", [reading_uri(store.path)])
        for statement in statements_of(FRESH):
            scratch.execute(statement)
        if scratch.execute(DIFFERENT).fetchone()[0]:
            yield (
                "the search index is not that of the recorded texts; "
                "`localfair db gc` makes it anew"
            )
