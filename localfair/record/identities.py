"""Ids from rows: what each noun's id should be, by its own columns.

Reads rows; writes nothing. Knows nothing of how a row came to be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from localfair.record.nouns import (
    Constraint,
    EngineIdentity,
    Message,
    Request,
    Sampling,
    Seat,
    content_id,
    soft_label_id,
)
from localfair.record.rows import question_of
from localfair.record.store import Row, Store

# the order in which a lesson names its sources
SOURCE_NOUNS = ("question", "explanation", "generation", "answer", "verdict")
LESSON_COLUMNS = (
    "question",
    "split",
    "kind",
    "teacher",
    "prompt",
    "completion",
    "weight",
    "dropped",
)


def request_id(row: Row) -> str:
    """The id that a generation's row should have."""
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


def _question_id(row: Row) -> str:
    return question_of(row).id


def _seat_id(row: Row) -> str:
    seat = Seat(
        role=row["role"],
        index=row["index"],
        model=row["model"],
        fingerprint=row["fingerprint"],
        adapter=row["adapter"],
        run_seed=row["run_seed"],
    )
    assert row["seed"] == seat.seed, "its seed is not the hash of its id"
    assert all(row[name] == value for name, value in asdict(seat).items())
    return seat.id


def _id_of(noun: str, *columns: str) -> Callable[[Row], str]:
    """The id of a noun that is the hash of these columns."""

    def identity(row: Row) -> str:
        return content_id(noun, **{name: row[name] for name in columns})

    return identity


# by table; an adapter's id is the hash of a plan, which no row holds
IDS: Mapping[str, Callable[[Row], str]] = {
    "sources": _id_of("source", "task", "sha256", "name"),
    "questions": _question_id,
    "seats": _seat_id,
    "generations": request_id,
    "answers": _id_of("answer", "question", "seat", "generation"),
    "explanations": _id_of("explanation", "kind", "question", "answer", "seat", "generation"),
    "reviews": _id_of("review", "explanation", "seat", "generation"),
    "verdicts": _id_of("verdict", "explanation", "policy", "reviews"),
    "soft_labels": soft_label_id,
    "failed_calls": _id_of("failed call", "generation", "run"),
}


def lesson_id(store: Store, row: Row) -> str:
    """The id that a lesson's row should have, with the sources that the record lists for it."""
    named = store.rows('SELECT noun, "row" FROM lesson_sources WHERE lesson = ?', row["id"])
    sources = {source["noun"]: source["row"] for source in named}
    origin = [[noun, sources[noun]] for noun in SOURCE_NOUNS if noun in sources]
    return content_id("lesson", **{name: row[name] for name in LESSON_COLUMNS}, origin=origin)
