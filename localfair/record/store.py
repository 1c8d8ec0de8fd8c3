"""The open record: what stages write, each thing once, and what they read.

Reads and writes one SQLite file. Knows nothing of models, prompts or grading.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from localfair.record import boundary
from localfair.record.connection import (
    checkpoint,
    connect_to_read,
    connect_to_write,
    create_file,
    must_be_file,
    now,
)
from localfair.record.database import Database
from localfair.record.datasets import Dataset
from localfair.record.lock import WriterLock
from localfair.record.made import Adapter, Lesson, Reply, Run, RunStep
from localfair.record.nouns import (
    EngineIdentity,
    Generation,
    Message,
    Question,
    Seat,
    content_id,
)
from localfair.record.schema import INDEX_TABLES
from localfair.record.sealing import Cell, Sealing
from localfair.record.tables import (
    ADAPTERS,
    LESSONS,
    QUESTIONS,
    RUNS,
    SEATS,
    Noun,
    Table,
    generation_row,
    prompt_of,
    question_of,
    question_row,
    run_step_of,
    source_rows,
)
from localfair.record.tables import Row as Row  # every room names it by the store

CHUNK = 500  # SQL variables per query


def column(rows: Iterable[Row], name: str) -> list[Any]:
    """One column of some rows, in their order."""
    return [row[name] for row in rows]


class Store:
    """One open database. Use as a context manager; with `create` it is the only writer."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._lock: WriterLock | None = None
        with ExitStack() as stack:
            self.db = self._opened(stack, create)
            self.sealing = Sealing(self.db)
            self._stack = stack.pop_all()

    def _opened(self, stack: ExitStack, create: bool) -> Database:
        """The database; what must be undone at the end is put on the stack."""
        if not create:
            db = connect_to_read(self.path)
            stack.callback(db.close)
            return db
        must_be_file(self.path)
        create_file(self.path)
        self._lock = stack.enter_context(WriterLock(self.path))
        db = connect_to_write(self.path)
        stack.callback(db.close)
        stack.callback(checkpoint, db)
        return db

    @classmethod
    def open(cls, path: Path | str, *, create: bool = False) -> Store:
        """Open for writing (made when missing) with `create`, else only for reading what is
        there.
        """
        return cls(Path(path), create=create)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- plumbing ---------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written within it is committed at its end, all or nothing.

        Raises what `WriterLock.check` raises; then nothing is committed.
        """
        with self.db.atomic():
            yield
            if self._lock is not None:
                self._lock.check()
            boundary.commit_is("before")
        boundary.commit_is("after")

    def rows(self, sql: str, *args: Cell) -> list[Row]:
        """Every row of a query, as dicts."""
        return [dict(row) for row in self.db.execute(sql, args).fetchall()]

    def one(self, sql: str, *args: Cell) -> Row | None:
        """The first row of a query, None when there is none."""
        row = self.db.execute(sql, args).fetchone()
        return dict(row) if row else None

    def first_column(self, sql: str, *args: Cell) -> list[Any]:
        """The first value of every row of a query."""
        return [row[0] for row in self.db.execute(sql, args).fetchall()]

    def by_ids(self, table: str, ids: Iterable[str], columns: str = "*") -> dict[str, Row]:
        """Rows of `table` by id, those that exist."""
        wanted = list(dict.fromkeys(ids))
        rows: dict[str, Row] = {}
        for start in range(0, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            sql = f"SELECT {columns} FROM {table} WHERE id IN ({marks(chunk)})"
            for row in self.rows(sql, *chunk):
                rows[row["id"]] = row
        return rows

    def ensure(self, table: str, rows: Sequence[Row]) -> int:
        """Insert what is not there yet, in one transaction; the number of new rows.

        A row of the same id is the same row. Raises sqlite3.IntegrityError for any other constraint
        that fails.
        """
        before = self.db.conn.total_changes
        with self.transaction():
            for unsealed in rows:
                row = self.sealing.sealed(table, unsealed)
                self.db.execute(_insert(table, tuple(row)), list(row.values()))
        return int(self.db.conn.total_changes - before)

    def update(self, table: str, key: Row, values: Row) -> None:
        """Fill in columns of a run or of one of its steps: the only rows that ever change."""
        assert table in ("runs", "run_steps"), table
        changes = ", ".join(f'"{name}" = ?' for name in values)
        where = " AND ".join(f'"{name}" = ?' for name in key)
        sql = f"UPDATE main.{table} SET {changes} WHERE {where}"
        with self.transaction():
            self.db.execute(sql, [*values.values(), *key.values()])
            self.sealing.seal_again(table, key)

    def rewrite(self, table: str, row_id: str, values: Row) -> None:
        """Change what was read out of a row's text; no id holds it. The caller holds the
        transaction.
        """
        changes = ", ".join(f'"{name}" = ?' for name in values)
        self.db.execute(
            f"UPDATE main.{table} SET {changes} WHERE id = ?", [*values.values(), row_id]
        )
        self.sealing.seal_again(table, {"id": row_id})

    def fence_key(self) -> bytes:
        """The key of the marks around quoted text. Made once per database, shown to no author."""
        secret = self.db.execute("SELECT value FROM secrets WHERE name = 'fence'").fetchone()
        return bytes(secret["value"])

    def template_date(self) -> date | None:
        """The day that dated chat templates write in this record; None while none was rendered."""
        secret = self.one("SELECT value FROM secrets WHERE name = 'date'")
        return date.fromisoformat(bytes(secret["value"]).decode()) if secret else None

    def set_template_date(self, day: date) -> None:
        """Keep the day that dated chat templates write from now on."""
        with self.transaction():
            self.db.execute(
                "INSERT INTO secrets (name, value) VALUES ('date', ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [day.isoformat().encode()],
            )

    # -- questions --------------------------------------------------------------------------------

    def ensure_dataset(self, task: str, dataset: Dataset) -> int:
        """Store a task's questions and the files they came from; the number of new questions."""
        sources = []
        for source in dataset.sources:
            identity = content_id("source", task=task, sha256=source.sha256, name=source.name)
            sources.append(
                {
                    "id": identity,
                    "task": task,
                    "name": source.name,
                    "sha256": source.sha256,
                    "bytes": source.bytes,
                    "licence": dataset.licence,
                    "imported": now(),
                }
            )
        self.ensure("sources", sources)
        rows = [question_row(q) | {"reader": dataset.reader} for q in dataset.questions]
        new = self.ensure("questions", rows)
        self._read_by(dataset.reader, column(rows, "id"))
        return new

    def keep_import(self, identity: str, task: str) -> None:
        """Say that a data set was read and that all of its questions are here."""
        self.ensure("imports", [{"id": identity, "task": task, "imported": now()}])

    def is_imported(self, identity: str) -> bool:
        """Whether the questions of a data set are here, see `keep_import`."""
        return bool(self.first_column("SELECT 1 FROM imports WHERE id = ?", identity))

    def _read_by(self, reader: int, questions: Sequence[str]) -> None:
        """Say that a newer reader read the same golds as an older one."""
        with self.transaction():
            for question, row in self.by_ids("questions", questions).items():
                if row["reader"] < reader:
                    self.rewrite("questions", question, {"reader": reader})

    def tasks(self) -> list[str]:
        """Tasks that have questions here."""
        return self.first_column("SELECT DISTINCT task FROM questions ORDER BY task")

    def splits(self, task: str) -> set[str]:
        """The splits of a task that have questions here."""
        return set(self.first_column("SELECT DISTINCT split FROM questions WHERE task = ?", task))

    def questions(self, task: str, split: str, limit: int | None = None) -> list[Question]:
        """A split's questions, at most `limit`, ordered by id.

        An id is a hash, so the first N are a fair draw, and the first N + 1 contain them.
        """
        sql = "SELECT * FROM questions WHERE task = ? AND split = ? ORDER BY id LIMIT ?"
        at_most = -1 if limit is None else limit  # SQLite's word for no limit
        return [question_of(row) for row in self.rows(sql, task, split, at_most)]

    def questions_by_id(self, ids: Iterable[str]) -> dict[str, Question]:
        """Questions by id, those that exist."""
        return self.get(QUESTIONS, ids)

    # -- generations ------------------------------------------------------------------------------

    def add_generation(self, identity: EngineIdentity, generation: Generation) -> Reply:
        """Write one finished generation; it is on disk when this returns.

        The same id twice keeps the first. Returns what was said now.
        """
        (reply,) = self.add_generations(identity, [generation])
        return reply

    def add_generations(
        self, identity: EngineIdentity, generations: Sequence[Generation]
    ) -> list[Reply]:
        """Write generations that are finished, in one transaction, as `add_generation` does each."""
        rows = [generation_row(identity, generation) for generation in generations]
        self.ensure("generations", rows)
        pairs = zip(rows, generations, strict=True)
        return [Reply.of(row["id"], generation) for row, generation in pairs]

    def prompts(self, ids: Iterable[str]) -> dict[str, tuple[Message, ...]]:
        """What generations were asked, by their ids."""
        rows = self.by_ids("generations", ids, "id, messages")
        return {generation: prompt_of(row["messages"]) for generation, row in rows.items()}

    # -- nouns ------------------------------------------------------------------------------------

    def add(self, table: Table[Noun], nouns: Iterable[Noun]) -> list[str]:
        """Store what is not there yet, in one transaction; the ids of all, in their order."""
        rows = [table.to_row(noun) for noun in nouns]
        self.ensure(table.name, rows)
        return column(rows, "id")

    def get(self, table: Table[Noun], ids: Iterable[str]) -> dict[str, Noun]:
        """Nouns by id, those that exist."""
        rows = self.by_ids(table.name, ids, table.columns)
        return {row_id: table.of_row(row) for row_id, row in rows.items()}

    def linked_nouns(self, run: str, positions: Iterable[int], table: Table[Noun]) -> list[Noun]:
        """The nouns of a table that steps of a run used or made, in the order of their ids."""
        ids = self.linked(run, positions, table.noun)
        nouns = self.get(table, ids)
        return [nouns[noun_id] for noun_id in ids if noun_id in nouns]

    def add_lessons(self, lessons: Sequence[Lesson]) -> list[str]:
        """Store lessons and what each came from; their ids, in their order."""
        ids = self.add(LESSONS, lessons)
        self.ensure("lesson_sources", source_rows(lessons))
        return ids

    # -- seats and adapters -----------------------------------------------------------------------

    def ensure_seat(self, seat: Seat) -> None:
        """Store a seat."""
        self.add(SEATS, [seat])

    def adapter(self, adapter_id: str) -> Adapter | None:
        """An adapter, or None."""
        return self.get(ADAPTERS, [adapter_id]).get(adapter_id)

    # -- runs -------------------------------------------------------------------------------------

    def run(self, run_id: str) -> Run | None:
        """A run, or None."""
        return self.get(RUNS, [run_id]).get(run_id)

    def steps(self, run_id: str) -> list[RunStep]:
        """The steps of a run, in their order."""
        rows = self.rows("SELECT * FROM run_steps WHERE run = ? ORDER BY position", run_id)
        return [run_step_of(row) for row in rows]

    def end_lost_runs(self) -> None:
        """Mark runs that were killed as interrupted.

        The only writer calls it: no other run can be running.
        """
        for run in self.rows("SELECT id FROM runs WHERE status = 'running'"):
            self.update("runs", run, {"status": "interrupted", "problem": "ended without a word"})

    def link(self, run: str, position: int, noun: str, ids: Iterable[str]) -> None:
        """Say that a step of a run used or made these rows."""
        links = []
        for linked_id in dict.fromkeys(ids):
            links.append({"run": run, "position": position, "noun": noun, "row": linked_id})
        self.ensure("run_rows", links)

    def linked(self, run: str, positions: Iterable[int], noun: str) -> list[str]:
        """Ids of a noun that steps of a run used or made, in the order of the ids."""
        steps = list(positions)
        sql = f"""
        SELECT DISTINCT "row" FROM links
        WHERE run = ? AND noun = ? AND position IN ({marks(steps)}) ORDER BY "row"
        """
        return self.first_column(sql, run, noun, *steps)

    def dropped_explanations(self, run: str) -> set[str]:
        """The explanations of a run's lessons that a select step dropped."""
        rows = self.rows(
            "SELECT DISTINCT s.row FROM links r JOIN lessons l ON l.id = r.row "
            "JOIN lesson_sources s ON s.lesson = l.id WHERE r.run = ? AND r.noun = 'lesson' "
            "AND l.dropped IS NOT NULL AND s.noun = 'explanation'",
            run,
        )
        return {row["row"] for row in rows}

    def counts(self) -> dict[str, int]:
        """Rows by table; the search index has none of its own."""
        tables = sorted(set(self.db.table_names()) - set(INDEX_TABLES))
        return {name: self.db.table(name).count for name in tables}


@lru_cache(maxsize=256)  # every reply is inserted by the same text
def _insert(table: str, columns: tuple[str, ...]) -> str:
    """The SQL that inserts a row of a table unless it is there."""
    names = ",".join(f'"{name}"' for name in columns)
    return f"INSERT INTO main.{table} ({names}) VALUES ({marks(columns)}) ON CONFLICT DO NOTHING"


def marks(values: Collection[object]) -> str:
    """A question mark for each value, as SQL wants them."""
    return ",".join("?" * len(values))
