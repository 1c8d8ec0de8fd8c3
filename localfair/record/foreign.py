"""What in a record that somebody brings could run: views in the place of tables, triggers, columns
that are worked out.

Reads the schema. SQLite itself runs these with the rows that are asked for or written, for as long
as they like. Views and tables under names that localfair never uses are left to whoever made them.
"""

from __future__ import annotations

import re
from functools import cache

from localfair.record.database import Database
from localfair.record.schema import INDEX_TABLES, MIGRATIONS

UNASKED = "mistakes"  # a view for people: no command asks it, and `verify` says when it is another
GENERATED = (2, 3)  # what `PRAGMA table_xinfo` calls a column that is worked out


def programs_in(db: Database, *, written: bool) -> list[str]:
    """The name of each thing of a schema that runs when localfair reads, or writes, a record."""
    programs = []
    query = "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'view', 'trigger')"
    for kind, name, sql in db.execute(query).fetchall():
        is_named_as_ours = name.lower() in _names()
        if kind == "trigger" and written:
            programs.append(f"the trigger {name}")
        if not is_named_as_ours or name.lower() == UNASKED or _bare(sql) in _known():
            continue
        if kind == "view":
            programs.append(f"the view {name}")
        elif kind == "table" and _is_virtual(sql):
            programs.append(f"the virtual table {name}")
        elif kind == "table":
            programs += [f"the worked out column {name}.{c}" for c in _generated(db, name)]
    return programs


def _is_virtual(sql: str) -> bool:
    return _bare(sql).upper().startswith("CREATEVIRTUAL")


def _generated(db: Database, table: str) -> list[str]:
    columns = db.execute("SELECT name, hidden FROM pragma_table_xinfo(?)", [table])
    return [name for name, hidden in columns if hidden in GENERATED]


@cache
def _known() -> str:
    """The SQL of every migration, without what SQLite may write otherwise."""
    return _bare("".join(script for _, script in MIGRATIONS))


@cache
def _names() -> frozenset[str]:
    """What tables and views are called, or were once."""
    scripts = "".join(script for _, script in MIGRATIONS)
    names = re.findall(r"(?:CREATE (?:VIRTUAL TABLE|TABLE|VIEW)|RENAME TO) (\w+)", scripts)
    return frozenset(name.lower() for name in [*names, *INDEX_TABLES])


def _bare(sql: str | None) -> str:
    return re.sub(r"[\s\"'`\[\]]", "", sql or "")
