"""The record checks itself: SQLite's own checks, ids that still hash to their content, links that lead somewhere.

Reads everything, writes nothing.
"""

from __future__ import annotations

import json
import sqlite3

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


def verify(store: Store) -> list[str]:
    """Every problem found, one line each; an empty list is a sound record."""
    found: list[str] = []
    for check in (_sqlite, _questions, _generations, _soft_labels, _links, _adapters):
        try:
            found += check(store)
        except sqlite3.DatabaseError as error:  # pages that cannot be read
            found.append(f"{check.__name__[1:]}: {error}")
    return found


def _sqlite(store: Store) -> list[str]:
    found = [
        str(r[0]) for r in store.db.execute("PRAGMA integrity_check").fetchall() if r[0] != "ok"
    ]
    broken = store.db.execute("PRAGMA foreign_key_check").fetchall()
    return found + [f"{r[0]} row {r[1]} points at a missing row of {r[2]}" for r in broken]


def _questions(store: Store) -> list[str]:
    cursor = store.db.execute("SELECT * FROM questions")
    return [
        f"question {r['id']} does not hash to its id"
        for r in cursor
        if question_of(dict(r)).id != r["id"]
    ]


def _generations(store: Store) -> list[str]:
    cursor = store.db.execute("SELECT * FROM generations")
    return [
        f"generation {r['id']} does not hash to its id"
        for r in cursor
        if request_id(dict(r)) != r["id"]
    ]


def _soft_labels(store: Store) -> list[str]:
    found = []
    for row in map(dict, store.db.execute("SELECT * FROM soft_labels")):
        if soft_label_id(row) != row["id"]:
            found.append(f"soft label {row['id']} does not hash to its id")
        sizes = (4 * row["labels"] * row["top_k"], 2 * row["labels"] * (row["top_k"] + 1))
        if (len(row["indices"]), len(row["logprobs"])) != sizes:
            found.append(
                f"soft label {row['id']} does not hold {row['top_k']} and the rest for {row['labels']} labels"
            )
    return found


def request_id(row: Row) -> str:
    """The id that a generation's row should have, from its own columns."""
    sampling, constraint = json.loads(row["sampling"]), json.loads(row["constrained"])
    request = Request(
        messages=tuple(Message(*m) for m in json.loads(row["messages"])),
        sampling=Sampling(**{**sampling, "stop": tuple(sampling["stop"])}),
        seed=row["seed"], sample=row["sample"], action=row["action"],
        continuations=tuple(json.loads(row["continuations"])),
        constraint=Constraint(**constraint) if constraint else None, logprobs=bool(row["wants_logprobs"]),
    )  # fmt: skip
    return request.id(
        EngineIdentity(
            **{k: row[k] for k in ("model", "fingerprint", "chat_template", "engine", "adapter")}
        )
    )


def _links(store: Store) -> list[str]:
    found = []
    for noun, table in NOUNS.items():
        for links in ("run_rows", "lesson_sources"):
            sql = (
                f'SELECT DISTINCT l."row" FROM {links} l LEFT JOIN {table} t ON t.id = l."row" '
                "WHERE l.noun = ? AND t.id IS NULL"
            )
            found += [f"{links} names a missing {noun} {r['row']}" for r in store.rows(sql, noun)]
    return found


def _adapters(store: Store) -> list[str]:
    found = []
    for row in store.rows("SELECT id, path, sha256 FROM adapters"):
        weights = store.path.parent / row["path"] / "adapter_model.safetensors"
        if not weights.is_file():
            found.append(f"adapter {row['id']} has no weights at {weights}")
        elif sha256_file(weights) != row["sha256"]:
            found.append(f"adapter {row['id']}: {weights} is not what was trained")
    return found
