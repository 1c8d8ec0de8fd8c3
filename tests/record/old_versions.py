"""Small records of each earlier schema version, as SQL: `schema-1.sql` and so on beside this file.

`python -m tests.record.old_versions` wrote them once: a scripted run's rows under the columns that
the version had. They are never written anew for a version that was released.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from localfair.record.schema import APPLICATION_ID, MIGRATIONS, SEALED_SINCE
from localfair.record.sealing import Sealing
from localfair.record.store import Store
from tests.lab import Lab, item, scripted_student
from tests.record.samples import an_adapter

FOLDER = Path(__file__).parent
VERSIONS = tuple(range(1, 9))  # from 9 on, a record holds an index that no dump can hold
# what columns were called before version 3, by table
OLDER_NAMES = {
    "generations": {"action": "kind", "engine": "family"},
    "soft_labels": {"engine": "family"},
    "rates": {"engine": "family"},
    "exports": {"format": "kind"},
}
WEIGHTS = b"the weights of an adapter"


def restore(version: int, path: Path) -> None:
    """Make the record of a version at a path, with the weights of its adapter."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FOLDER / f"schema-{version}.sql").read_text(encoding="utf-8"))
        folders = connection.execute("SELECT path FROM adapters").fetchall()
    for (folder,) in folders:
        _write_weights(path.parent / folder)


def _write_weights(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_model.safetensors").write_bytes(WEIGHTS)


def todays_record(folder: Path) -> Path:
    """A record of today with a row or more in most tables, and the weights of its adapter."""
    lab = Lab(folder, Path(scripted_student(folder)))
    splits = ["train", "train", "train", "test", "dev"]
    lab.write_questions([item(4013 + number, split) for number, split in enumerate(splits)])
    lab.run(teachers=lab.teachers[:2], until="select")
    with Store.open(lab.db, create=True) as store:
        sha256 = hashlib.sha256(WEIGHTS).hexdigest()
        store.ensure("adapters", [an_adapter("an-adapter") | {"sha256": sha256}])
        lesson = store.first_column("SELECT id FROM lessons ORDER BY id")[0]
        store.ensure(
            "adapter_lessons", [{"adapter": "an-adapter", "position": 0, "lesson": lesson}]
        )
        curve = {"adapter": "an-adapter", "step": 1, "loss": 0.5, "learning_rate": 0.001}
        store.ensure("curve", [curve])
        store.sealing.seal_again("adapters", {"id": "an-adapter"})
    _write_weights(folder / "an-adapter")
    return lab.db


def _write(version: int, today: Path) -> None:
    """Write the fixture of a version: its migrations, and today's rows under its columns."""
    with closing(sqlite3.connect(":memory:")) as old:
        for number, (reason, script) in enumerate(MIGRATIONS[:version], 1):
            old.executescript(script)
            old.execute("INSERT INTO migrations VALUES (?, ?, 'then')", [number, reason])
        old.execute("ATTACH ? AS today", [str(today)])
        tables = old.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            if table != "migrations":
                _copy(old, table, version)
        if version >= SEALED_SINCE:
            _move(old, today.parent)
        old.execute("PRAGMA foreign_keys=OFF")
        old.commit()
        old.execute("DETACH today")
        lines = [
            *old.iterdump(),
            f"PRAGMA application_id={APPLICATION_ID};",
            f"PRAGMA user_version={version};",
        ]
    text = "\n".join(lines).replace(str(today.parent), "/lab") + "\n"
    (FOLDER / f"schema-{version}.sql").write_text(text, encoding="utf-8")


def _move(old: sqlite3.Connection, folder: Path) -> None:
    """Let the run have been made in a folder of no machine, and seal it so."""
    old.row_factory = sqlite3.Row
    old.execute("UPDATE runs SET settings = REPLACE(settings, ?, '/lab')", [str(folder)])
    [run] = old.execute("SELECT id FROM runs").fetchall()
    Sealing(Database(old)).seal_again("runs", dict(run))
    old.row_factory = None


def _copy(old: sqlite3.Connection, table: str, version: int) -> None:
    newer = {}
    if version < 3:
        newer = {older: name for name, older in OLDER_NAMES.get(table, {}).items()}
    columns = [row[1] for row in old.execute(f"PRAGMA main.table_info({table})")]
    into = ", ".join(f'"{name}"' for name in columns)
    out_of = ", ".join(f'"{newer.get(name, name)}"' for name in columns)
    old.execute(f"INSERT INTO main.{table} ({into}) SELECT {out_of} FROM today.{table}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = todays_record(Path(folder))
        for number in VERSIONS:
            if not (FOLDER / f"schema-{number}.sql").exists():
                _write(number, made)
