"""Ids from rows: what each noun's id should be, by its own columns.

Reads rows; writes nothing. Knows nothing of how a row came to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from localfair.record.failed_calls import failed_call_of
from localfair.record.fits import FITS
from localfair.record.nouns import content_id
from localfair.record.store import Row, Store
from localfair.record.tables import (
    ANSWERS,
    EXPLANATIONS,
    QUESTIONS,
    REVIEWS,
    TURNS,
    VERDICTS,
    identity_of,
    lesson_of,
    request_of,
    seat_of,
    soft_key_of,
)

# the order in which a lesson names its sources
SOURCE_NOUNS = ("question", "explanation", "generation", "answer", "verdict")


def request_id(row: Row) -> str:
    """The id that a generation's row should have."""
    return request_of(row).id(identity_of(row))


def _source_id(row: Row) -> str:
    return content_id("source", task=row["task"], sha256=row["sha256"], name=row["name"])


def _seat_id(row: Row) -> str:
    seat = seat_of(row)
    assert row["seed"] == seat.seed, "its seed is not the hash of its id"
    return seat.id


def _soft_label_id(row: Row) -> str:
    return soft_key_of(row).id


# by table; an adapter's id is the hash of a plan, which no row holds
IDS: Mapping[str, Callable[[Row], str]] = {
    "sources": _source_id,
    "questions": lambda row: QUESTIONS.of_row(row).id,
    "seats": _seat_id,
    "generations": request_id,
    "answers": lambda row: ANSWERS.of_row(row).id,
    "explanations": lambda row: EXPLANATIONS.of_row(row).id,
    "reviews": lambda row: REVIEWS.of_row(row).id,
    "verdicts": lambda row: VERDICTS.of_row(row).id,
    "turns": lambda row: TURNS.of_row(row).id,
    "soft_labels": _soft_label_id,
    "failed_calls": lambda row: failed_call_of(row).id,
    "fits": lambda row: FITS.of_row(row).id,
}


def lesson_id(store: Store, row: Row) -> str:
    """The id that a lesson's row should have, with the sources that the record lists for it."""
    named = store.rows('SELECT noun, "row" FROM lesson_sources WHERE lesson = ?', row["id"])
    ids = {source["noun"]: source["row"] for source in named}
    sources = tuple((noun, ids[noun]) for noun in SOURCE_NOUNS if noun in ids)
    return replace(lesson_of(row), sources=sources, id="").id
