"""The record: every noun's `ensure_*`, idempotent, and the reads that the stages need.

Reads and writes one SQLite file. Knows nothing of models, prompts or grading.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from localfair.record.connection import connect, now, only_writer
from localfair.record.nouns import (
    EngineIdentity,
    Generation,
    Question,
    Seat,
    canonical_json,
    content_id,
)

Row = dict[str, Any]
CHUNK = 500  # SQL variables per query


def column(rows: Iterable[Row], name: str) -> list[Any]:
    """One column of some rows, in their order."""
    return [row[name] for row in rows]


ASKED_FOR = """
SELECT g.id, e.question, s.role, g.prompt_tokens, g.completion_tokens, g.seconds
  FROM run_rows r JOIN explanations e ON e.id = r."row" JOIN seats s ON s.id = e.seat
  JOIN generations g ON g.id = e.generation
  WHERE r.run = ? AND r.noun = 'explanation'
UNION
SELECT g.id, e.question, s.role, g.prompt_tokens, g.completion_tokens, g.seconds
  FROM run_rows r JOIN reviews v ON v.id = r."row" JOIN explanations e ON e.id = v.explanation
  JOIN seats s ON s.id = v.seat JOIN generations g ON g.id = v.generation
  WHERE r.run = ? AND r.noun = 'review'
"""


class Store:
    """One open database. Use as a context manager; with `create` it is the only writer."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._stack = ExitStack()
        self.db = connect(path, create=create)
        self._stack.callback(self.db.close)
        if create:
            self._stack.enter_context(only_writer(path))

    @classmethod
    def open(cls, path: Path | str, *, create: bool = False) -> Store:
        """Open for writing (made when missing) with `create`, else only for reading what is there."""
        return cls(Path(path), create=create)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- plumbing ---------------------------------------------------------------------------------

    def rows(self, sql: str, *args: Any) -> list[Row]:
        """Every row of a query, as dicts."""
        return [dict(r) for r in self.db.execute(sql, args).fetchall()]

    def one(self, sql: str, *args: Any) -> Row | None:
        """The first row of a query."""
        row = self.db.execute(sql, args).fetchone()
        return dict(row) if row else None

    def by_ids(self, table: str, ids: Iterable[str]) -> dict[str, Row]:
        """Rows of `table` by id, those that exist."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Row] = {}
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            marks = ",".join("?" * len(part))
            found |= {
                r["id"]: r for r in self.rows(f"SELECT * FROM {table} WHERE id IN ({marks})", *part)
            }
        return found

    def ensure(self, table: str, rows: Sequence[Row]) -> int:
        """Insert what is not there yet, in one transaction; the number of new rows.

        A row of the same id is the same row. Any other constraint that fails raises: science is not skipped.
        """
        before = self.db.conn.total_changes
        with self.db.atomic():
            for row in rows:
                names = ",".join(f'"{k}"' for k in row)
                marks = ",".join("?" * len(row))
                self.db.execute(
                    f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING",
                    list(row.values()),
                )
        return int(self.db.conn.total_changes - before)

    def update(self, table: str, key: Row, values: Row) -> None:
        """Fill in the columns of one row of a run: the only rows that ever change."""
        assert table in ("runs", "run_steps"), table
        sets = ", ".join(f'"{k}" = ?' for k in values)
        where = " AND ".join(f'"{k}" = ?' for k in key)
        with self.db.atomic():
            self.db.execute(
                f"UPDATE {table} SET {sets} WHERE {where}", [*values.values(), *key.values()]
            )

    def fence_key(self) -> bytes:
        """Made once per database, never shown to an author."""
        key: bytes = self.db.execute("SELECT value FROM secrets WHERE name = 'fence'").fetchone()[0]
        return key

    # -- questions --------------------------------------------------------------------------------

    def ensure_dataset(self, task: str, dataset: Any) -> int:
        """Store a task's questions and the files they came from; the number of new questions."""
        sources = [
            {
                "id": content_id("source", task=task, sha256=s.sha256, name=s.name),
                "task": task, "name": s.name, "sha256": s.sha256, "bytes": s.bytes,
                "licence": dataset.licence, "imported": now(),
            }
            for s in dataset.sources
        ]  # fmt: skip
        self.ensure("sources", sources)
        return self.ensure("questions", [question_row(q) for q in dataset.questions])

    def tasks(self) -> list[str]:
        """Tasks that have questions here."""
        return [r["task"] for r in self.rows("SELECT DISTINCT task FROM questions ORDER BY task")]

    def splits(self, task: str) -> set[str]:
        """The splits of a task that have questions here."""
        return {
            r["split"]
            for r in self.rows("SELECT DISTINCT split FROM questions WHERE task = ?", task)
        }

    def questions(self, task: str, split: str, limit: int | None = None) -> list[Question]:
        """A split's questions ordered by id (a hash, so any first N are a fair draw and N+1 contains them)."""
        sql = "SELECT * FROM questions WHERE task = ? AND split = ? ORDER BY id LIMIT ?"
        return [question_of(r) for r in self.rows(sql, task, split, -1 if limit is None else limit)]

    def questions_by_id(self, ids: Iterable[str]) -> dict[str, Question]:
        """Questions by id."""
        return {k: question_of(r) for k, r in self.by_ids("questions", ids).items()}

    # -- generations ------------------------------------------------------------------------------

    def recorded(self, ids: Iterable[str]) -> dict[str, Row]:
        """Those generations that have been answered before, by id; `logprobs` decoded."""
        found = self.by_ids("generations", ids)
        for row in found.values():
            row["logprobs"] = tuple(json.loads(row["logprobs"]))
        return found

    def add_generation(self, identity: EngineIdentity, generation: Generation) -> Row:
        """One finished generation onto disk, durable when this returns. The same id twice keeps the first."""
        row = generation_row(identity, generation)
        self.ensure("generations", [row])
        row["logprobs"] = generation.logprobs
        return row

    # -- seats and adapters -----------------------------------------------------------------------

    def ensure_seat(self, seat: Seat) -> None:
        """A seat's row."""
        self.ensure("seats", [{"id": seat.id, **asdict(seat), "seed": seat.seed}])

    def adapter(self, adapter_id: str) -> Row | None:
        """An adapter's row, or None."""
        return self.one("SELECT * FROM adapters WHERE id = ?", adapter_id)

    def forget_adapter(self, adapter_id: str) -> None:
        """Drop the row of an adapter whose weights were lost, so that the one trained anew can take its place."""
        self.db.execute(
            "PRAGMA defer_foreign_keys=ON"
        )  # an adapter that went on from it may name it
        for table, column in (
            ("adapter_lessons", "adapter"),
            ("curve", "adapter"),
            ("adapters", "id"),
        ):
            self.db.execute(f"DELETE FROM {table} WHERE {column} = ?", [adapter_id])

    # -- rows of a run ----------------------------------------------------------------------------

    def end_lost_runs(self) -> None:
        """Runs that were killed: whoever holds the only writer's lock knows that no other is running."""
        for row in self.rows("SELECT id FROM runs WHERE status = 'running'"):
            self.update("runs", row, {"status": "interrupted", "problem": "ended without a word"})

    def link(self, run: str, position: int, noun: str, ids: Iterable[str]) -> None:
        """Say that a step of a run used or made these rows."""
        self.ensure(
            "run_rows",
            [
                {"run": run, "position": position, "noun": noun, "row": i}
                for i in dict.fromkeys(ids)
            ],
        )

    def linked(self, run: str, positions: Iterable[int], noun: str) -> list[str]:
        """Ids of a noun that steps of a run used or made, in a fixed order."""
        places = list(positions)
        marks = ",".join("?" * len(places))
        sql = f'SELECT DISTINCT "row" FROM run_rows WHERE run = ? AND noun = ? AND position IN ({marks}) ORDER BY "row"'
        return [r["row"] for r in self.rows(sql, run, noun, *places)]

    def dropped_explanations(self, run: str) -> set[str]:
        """The explanations of a run's lessons that a select step dropped."""
        rows = self.rows(
            "SELECT DISTINCT s.row FROM run_rows r JOIN lessons l ON l.id = r.row "
            "JOIN lesson_sources s ON s.lesson = l.id WHERE r.run = ? AND r.noun = 'lesson' "
            "AND l.dropped IS NOT NULL AND s.noun = 'explanation'",
            run,
        )
        return {row["row"] for row in rows}

    def rates(self, machine: str) -> list[Row]:
        """What engines were measured at on a machine, in the order of time."""
        return self.rows("SELECT * FROM rates WHERE machine = ? ORDER BY created", machine)

    def reply_lengths(self, at_least: int) -> list[Row]:
        """Mean lengths of generated replies, for each engine and token limit with that many of them.

        A row has fingerprint, engine, most (the limit), n, reply and prompt (tokens), letters (of a prompt,
        for each of its tokens).
        """
        return self.rows(
            "SELECT fingerprint, engine, json_extract(sampling, '$.max_tokens') AS most, "
            "COUNT(*) AS n, AVG(completion_tokens) AS reply, AVG(prompt_tokens) AS prompt, "
            "SUM(LENGTH(messages)) * 1.0 / SUM(prompt_tokens) AS letters FROM generations "
            "WHERE action = 'generate' AND prompt_tokens > 0 "
            "GROUP BY fingerprint, engine, most HAVING n >= ?",
            at_least,
        )

    def seconds_a_training_step(self) -> float | None:
        """The mean over all adapters; None when none was trained."""
        row = self.one("SELECT SUM(seconds) / SUM(steps) AS each FROM adapters WHERE steps > 0")
        return row["each"] if row else None

    def asked_for(self, run: str) -> list[Row]:
        """What teachers, reviewers and mentors were asked for a run, each generation once.

        A row has id, question, role, prompt_tokens, completion_tokens, seconds.
        """
        return self.rows(ASKED_FOR, run, run)

    def lessons_made(self, run: str) -> int:
        """How many lessons the last select step of a run made, without those that it dropped."""
        step = self.one(
            "SELECT position FROM run_steps WHERE run = ? AND stage = 'select' "
            "ORDER BY position DESC",
            run,
        )
        ids = self.linked(run, [step["position"]], "lesson") if step else []
        return sum(row["dropped"] is None for row in self.by_ids("lessons", ids).values())

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        return {name: self.db.table(name).count for name in sorted(self.db.table_names())}


def question_row(q: Question) -> Row:
    """A question as its row."""
    return {
        "id": q.id, "task": q.task, "key": q.key, "split": q.split, "text": q.text,
        "choices": canonical_json(list(q.choices)), "gold": q.gold, "rationale": q.rationale,
    }  # fmt: skip


def question_of(row: Row) -> Question:
    """A row as its question."""
    fields = {k: row[k] for k in ("task", "key", "split", "text", "gold", "rationale")}
    return Question(choices=tuple(json.loads(row["choices"])), **fields)


def generation_row(identity: EngineIdentity, g: Generation) -> Row:
    """A generation as its row."""
    r = g.request
    return {
        "id": r.id(identity), "action": r.action, **asdict(identity),
        "messages": canonical_json([[m.role, m.content] for m in r.messages]),
        "sampling": canonical_json(asdict(r.sampling)), "seed": r.seed, "sample": r.sample,
        "continuations": canonical_json(list(r.continuations)), "about": r.about,
        "constrained": canonical_json(asdict(r.constraint) if r.constraint else None),
        "wants_logprobs": int(r.logprobs),
        "text": g.text, "finish": g.finish, "prompt_tokens": g.prompt_tokens,
        "completion_tokens": g.completion_tokens, "seconds": g.seconds,
        "logprobs": canonical_json(list(g.logprobs)), "created": now(),
    }  # fmt: skip
