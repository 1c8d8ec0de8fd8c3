"""A record that is read and never written: what is written over it is gone when it is closed.

Reads a database and writes into one of its own, which has no name: SQLite's temporary database, which
the system removes with the process, however that ends. Knows nothing of what is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack

from localfair.record.connection import (
    connect_to_read,
    exists,
    migrate,
    must_be_file,
    reading_uri,
)
from localfair.record.database import Database
from localfair.record.schema import INDEX_TABLES
from localfair.record.store import Row, Store

UNNAMED = ""  # SQLite's word for a temporary database, in memory while it is small
OWN = ("migrations", "secrets")  # tables that the record's own rows alone matter of
# What is written over a record may take over a step of it. Each table is named with its side:
# SQLite would read the united ones to their end.
LINKS = """
CREATE TEMP VIEW links AS
  SELECT * FROM record.links UNION ALL SELECT * FROM main.links UNION ALL
  SELECT d.run, d.position, r.noun, r."row"
  FROM main.done_steps d JOIN record.run_rows r
    ON r.run = d.first_run AND r.position = d.first_position
"""


class Overlay(Store):
    """A store in which the record's rows and those written here stand in one table."""

    def _opened(self, stack: ExitStack, create: bool) -> Database:
        must_be_file(self.path)
        connection = sqlite3.connect(UNNAMED, uri=True)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA trusted_schema=OFF")
        db = Database(connection)
        stack.callback(db.close)
        migrate(db)
        self._tables: dict[str, list[str]] = {}  # with their keys
        if exists(self.path):
            # checks it, and migrates an older schema
            connect_to_read(self.path).close()
            db.execute("ATTACH ? AS record", [reading_uri(self.path)])
            self._lay_over(db)
        return db

    def _lay_over(self, db: Database) -> None:
        """Put a view in front of each table: the name means the rows of both.

        Views read no more of a table than is asked for: SQLite asks each half by its own index.
        """
        views = db.execute("SELECT name, sql FROM main.sqlite_schema WHERE type = 'view'")
        again = [(name, sql) for name, sql in views]
        for table in db.table_names():
            if table in INDEX_TABLES:  # what is written here is gone before anybody searches
                continue
            if table in OWN:
                db.execute(f'CREATE TEMP VIEW "{table}" AS SELECT * FROM record."{table}"')
                continue
            self._tables[table] = _key(db, table)
            db.execute(
                f'CREATE TEMP VIEW "{table}" AS SELECT * FROM record."{table}" '
                f'UNION ALL SELECT * FROM main."{table}"'
            )
        for name, sql in again:
            if name == "links":
                db.execute(LINKS)
            else:
                db.execute(sql.replace("CREATE VIEW", "CREATE TEMP VIEW", 1))

    def ensure(self, table: str, rows: Sequence[Row]) -> int:
        """Write what neither the record nor this holds; the number of new rows."""
        new = [row for row in rows if not self._is_recorded(table, row)]
        return super().ensure(table, new)

    def _is_recorded(self, table: str, row: Row) -> bool:
        key = self._tables.get(table)
        if not key:
            return False
        where = " AND ".join(f'"{name}" = ?' for name in key)
        sql = f'SELECT 1 FROM record."{table}" WHERE {where}'
        return self.one(sql, *[row[name] for name in key]) is not None


def _key(db: Database, table: str) -> list[str]:
    """The columns of a table's primary key."""
    columns = db.execute(f'PRAGMA main.table_info("{table}")')
    return [name for _, name, _, _, _, position in columns if position]
