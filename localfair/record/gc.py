"""What the record holds and no run needs: replies that became no row, adapters that no run names.

Reads everything; deletes rows, and folders of adapters beside the database. Knows nothing of models
or recipes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from localfair.record.adapters import forget, relative_folder
from localfair.record.search import rebuild_index
from localfair.record.store import Store

# generations that became no row and that no run names
UNUSED = """
id NOT IN (
  SELECT generation FROM answers UNION SELECT generation FROM explanations
  UNION SELECT generation FROM reviews
  UNION SELECT json_extract(p.value, '$[3]') FROM fits f JOIN json_each(f.plants) p
  UNION SELECT "row" FROM run_rows WHERE noun = 'generation'
  UNION SELECT "row" FROM lesson_sources WHERE noun = 'generation')
"""

# An adapter of a kept adapter's past is kept with it.
NAMED = """
WITH RECURSIVE named (id) AS (
  SELECT "row" FROM run_rows WHERE noun = 'adapter'
  UNION SELECT s.adapter FROM run_seats r JOIN seats s ON s.id = r.seat
  UNION SELECT s.adapter FROM run_rows r JOIN answers a ON a.id = r."row"
    JOIN seats s ON s.id = a.seat WHERE r.noun = 'answer'
  UNION SELECT adapter FROM exports
  UNION SELECT a.parent FROM named n JOIN adapters a ON a.id = n.id WHERE a.parent IS NOT NULL)
SELECT id FROM named
"""

# A run that did not end goes on with what its models answered, unless the same run ended later.
AWAITED = """
SELECT s.fingerprint FROM runs r JOIN run_seats t ON t.run = r.id JOIN seats s ON s.id = t.seat
WHERE r.status <> 'done' AND NOT EXISTS (
  SELECT 1 FROM runs d WHERE d.rowid > r.rowid AND d.status = 'done' AND d.effective = r.effective
  AND d.task = r.task AND d.settings = r.settings AND d.seed = r.seed)
"""
UNNEEDED = f"{UNUSED} AND fingerprint NOT IN ({AWAITED})"
WAITING = f"{UNUSED} AND fingerprint IN ({AWAITED})"
UNNAMED = f"id NOT IN ({NAMED}) AND base NOT IN ({AWAITED})"

SIZE = """
LENGTH(messages) + LENGTH(text) + LENGTH(sampling) + LENGTH(continuations) + LENGTH(about)
+ LENGTH(constrained) + LENGTH(logprobs)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """What is not needed. Bytes are of the texts of generations, and of the files of adapters.

    waiting: generations that no row needs yet and that a run which did not end will ask for.
    """

    generations: int
    generation_bytes: int
    waiting: int
    adapters: tuple[str, ...]
    adapter_bytes: int


def collect(store: Store, *, dry_run: bool) -> Garbage:
    """Find what no run needs and, unless it is a dry run, delete it and shrink the file."""
    sums = f"SELECT COUNT(*), COALESCE(SUM({SIZE}), 0) FROM generations"
    count, size = store.db.execute(f"{sums} WHERE {UNNEEDED}").fetchone()
    waiting, _ = store.db.execute(f"{sums} WHERE {WAITING}").fetchone()
    adapters = tuple(store.first_column(f"SELECT id FROM adapters WHERE {UNNAMED} ORDER BY id"))
    garbage = Garbage(
        generations=count,
        generation_bytes=size,
        waiting=waiting,
        adapters=adapters,
        adapter_bytes=sum(_bytes_of(folder) for folder in _folders(store, adapters)),
    )
    if dry_run:
        return garbage
    if count or adapters:
        _delete(store, adapters)
    else:
        rebuild_index(store)
    return garbage


def _delete(store: Store, adapters: tuple[str, ...]) -> None:
    folders = list(_folders(store, adapters))
    # nothing points at them, and to look for that again would read every answer for each
    store.db.execute("PRAGMA foreign_keys=OFF")
    with store.transaction():
        store.db.execute(f"DELETE FROM generations WHERE {UNNEEDED}")
        for adapter in adapters:
            forget(store, adapter)
        rebuild_index(store)
    store.db.execute("PRAGMA foreign_keys=ON")
    for folder in folders:
        shutil.rmtree(folder)
    # the pages are free either way; a disk too full for a second copy keeps them in the file
    with suppress(sqlite3.OperationalError):
        store.db.execute("VACUUM")


def _folders(store: Store, adapters: tuple[str, ...]) -> Iterator[Path]:
    """The folders of adapters that lie beside the database: none that a link leads to."""
    for adapter in adapters:
        folder = store.path.parent / relative_folder(store, adapter)
        leads_away = folder.is_symlink() or folder.parent.is_symlink()
        if folder.is_dir() and not leads_away:
            yield folder


def _bytes_of(folder: Path) -> int:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(file.stat().st_size for file in files)
