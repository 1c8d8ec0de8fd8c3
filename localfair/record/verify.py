"""The record checks itself: SQLite's checks, ids against content, links, weights of adapters.

Reads everything, the weights of adapters included; writes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from localfair.machine.files import sha256_file
from localfair.record.nouns import (
    Constraint,
    EngineIdentity,
    Message,
    Request,
    Sampling,
    soft_label_id,
)
from localfair.record.schema import NOUNS
from localfair.record.store import Row, Store, question_of

LOGPROB_BYTES = 2  # float16
INDEX_BYTES = 4  # int32


def verify(store: Store) -> list[str]:
    """Every problem of the record, one line each; an empty list for a sound one."""
    problems: list[str] = []
    for check in (_sqlite, _questions, _generations, _soft_labels, _links, _adapters):
        try:
            problems += check(store)
        except sqlite3.DatabaseError as error:  # pages that cannot be read
            problems.append(f"{check.__name__[1:]}: {error}")
    return problems


def _sqlite(store: Store) -> Iterator[str]:
    for row in store.db.execute("PRAGMA integrity_check").fetchall():
        if row[0] != "ok":
            yield str(row[0])
    for table, rowid, parent, _ in store.db.execute("PRAGMA foreign_key_check").fetchall():
        # a table without rowids has none to tell
        row = f"a row of {table}" if rowid is None else f"{table} row {rowid}"
        yield f"{row} points at a missing row of {parent}"


def _each(store: Store, table: str) -> Iterator[Row]:
    """The rows of a table one by one: the record may be larger than memory."""
    for row in store.db.execute(f"SELECT * FROM {table}"):
        yield dict(row)


def _questions(store: Store) -> Iterator[str]:
    for row in _each(store, "questions"):
        if question_of(row).id != row["id"]:
            yield f"question {row['id']} does not hash to its id"


def _generations(store: Store) -> Iterator[str]:
    for row in _each(store, "generations"):
        if request_id(row) != row["id"]:
            yield f"generation {row['id']} does not hash to its id"


def request_id(row: Row) -> str:
    """The id that a generation's row should have, from its own columns."""
    request = Request(
        messages=tuple(Message(*message) for message in json.loads(row["messages"])),
        sampling=_sampling(json.loads(row["sampling"])),
        seed=row["seed"],
        sample=row["sample"],
        action=row["action"],
        continuations=tuple(json.loads(row["continuations"])),
        constraint=_constraint(json.loads(row["constrained"])),
        logprobs=bool(row["wants_logprobs"]),
    )
    identity = EngineIdentity(
        model=row["model"],
        fingerprint=row["fingerprint"],
        chat_template=row["chat_template"],
        engine=row["engine"],
        adapter=row["adapter"],
    )
    return request.id(identity)


def _sampling(recorded: dict[str, Any]) -> Sampling:
    stop = tuple(recorded["stop"])
    return Sampling(**{**recorded, "stop": stop})


def _constraint(recorded: dict[str, Any] | None) -> Constraint | None:
    return Constraint(**recorded) if recorded else None


def _soft_labels(store: Store) -> Iterator[str]:
    """Ids, and the sizes of the arrays: `indices` (labels, top k), `logprobs` (labels, top k +
    1).
    """
    for row in _each(store, "soft_labels"):
        if soft_label_id(row) != row["id"]:
            yield f"soft label {row['id']} does not hash to its id"
        labels = row["labels"]
        top_k = row["top_k"]
        has_indices = len(row["indices"]) == INDEX_BYTES * labels * top_k
        has_logprobs = len(row["logprobs"]) == LOGPROB_BYTES * labels * (top_k + 1)
        if not (has_indices and has_logprobs):
            yield f"soft label {row['id']} does not hold {top_k} and the rest for {labels} labels"


def _links(store: Store) -> Iterator[str]:
    """Links of runs and lessons to rows, by the noun's name: no foreign key can check these."""
    for noun, table in NOUNS.items():
        for links in ("run_rows", "lesson_sources"):
            sql = f"""
            SELECT DISTINCT l."row" FROM {links} l LEFT JOIN {table} t ON t.id = l."row"
            WHERE l.noun = ? AND t.id IS NULL
            """
            for missing in store.first_column(sql, noun):
                yield f"{links} names a missing {noun} {missing}"


def _adapters(store: Store) -> Iterator[str]:
    for row in store.rows("SELECT id, path, sha256 FROM adapters"):
        weights = store.path.parent / row["path"] / "adapter_model.safetensors"
        if not weights.is_file():
            yield f"adapter {row['id']} has no weights at {weights}"
        elif sha256_file(weights) != row["sha256"]:
            yield f"adapter {row['id']}: {weights} is not what was trained"
