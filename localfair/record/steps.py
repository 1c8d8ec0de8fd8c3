"""Steps that were done to their end, by what decided them: a run given again refers to their rows.

Reads and writes `done_steps`, and reads the links of steps. Knows nothing of what decides a step:
whoever calls brings its hash.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from localfair.record.connection import now
from localfair.record.made import BegunStep
from localfair.record.schema import NOUNS
from localfair.record.store import CHUNK, Store, marks
from localfair.record.tables import begun_step_row

DONE = """
SELECT d.run, d.position, d.made, d.first_run, d.first_position, s.calls + s.reused AS answered,
       s.outcome
FROM done_steps d JOIN run_steps s ON s.run = d.run AND s.position = d.position
WHERE d.inputs = ? AND d.run <> ? AND s.outcome IS NOT NULL ORDER BY s.started DESC LIMIT 1
"""
LINKS = 'SELECT noun, "row" FROM run_rows WHERE run = ? AND position = ? ORDER BY noun, "row"'
MADE = "SELECT made FROM done_steps WHERE run = ? AND position = ?"
QUESTIONS = "SELECT id, seal FROM questions WHERE task = ? ORDER BY id"
READ_AGAIN = "read again"  # the name of a secret that changes with the readings of the record
# what a step that was taken over must agree with, and one that was not
STRAYED = """
SELECT d.run, d.position FROM done_steps d
LEFT JOIN done_steps f ON f.run = d.first_run AND f.position = d.first_position
WHERE f.run IS NULL OR f.made <> d.made OR f.inputs <> d.inputs
  OR (f.first_run, f.first_position) <> (f.run, f.position)
"""
FIRST = """
SELECT run, position, made FROM done_steps WHERE (first_run, first_position) = (run, position)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneStep:
    """A step that an earlier run has done.

    run, position: the step that first made its rows, and holds the links to them. made: the hash of
    those links. answered: how many requests it had answered, asked or from the record. outcome:
    JSON.
    """

    run: str
    position: int
    made: str
    answered: int
    outcome: str


def done_before(store: Store, run: str, inputs: str) -> DoneStep | None:
    """The newest step of the other runs that the same inputs decided, or None."""
    row = store.one(DONE, inputs, run)
    if row is None:
        return None
    return DoneStep(
        run=row["first_run"],
        position=row["first_position"],
        made=row["made"],
        answered=row["answered"],
        outcome=row["outcome"],
    )


def finish(store: Store, run: str, position: int, inputs: str) -> None:
    """Say that a step is done, and what decided it; its links are all there."""
    made = links_hash(store, run, position)
    _add(store, (run, position), inputs, made, (run, position))


def take_over(store: Store, step: BegunStep, inputs: str, earlier: DoneStep) -> None:
    """Write a step that asks nothing: its rows are those of an earlier step."""
    ended = {"ended": now(), "reused": earlier.answered, "outcome": earlier.outcome}
    with store.transaction():
        store.ensure("run_steps", [begun_step_row(step) | ended])
        key = (step.run, step.position)
        _add(store, key, inputs, earlier.made, (earlier.run, earlier.position))


def _add(
    store: Store, step: tuple[str, int], inputs: str, made: str, first: tuple[str, int]
) -> None:
    run, position = step
    first_run, first_position = first
    row = {
        "run": run,
        "position": position,
        "inputs": inputs,
        "made": made,
        "first_run": first_run,
        "first_position": first_position,
    }
    store.ensure("done_steps", [row])


def answered_by(store: Store, run: str, position: int, noun: str) -> dict[tuple[str, ...], int]:
    """How many generations a step's rows of a noun rest on, by whom they were asked of.

    A key is model, fingerprint and adapter, as a seat has them.
    """
    generations: dict[str, set[str]] = {}
    ids = store.linked(run, [position], noun)
    # a join would read an overlay's tables to their end for every row
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        sql = f"SELECT seat, generation FROM {NOUNS[noun]} WHERE id IN ({marks(chunk)})"
        for seat, generation in store.db.execute(sql, chunk):
            generations.setdefault(seat, set()).add(generation)
    asked: dict[tuple[str, ...], set[str]] = {}
    for seat, row in store.by_ids("seats", generations).items():
        key = (row["model"], row["fingerprint"], row["adapter"])
        asked.setdefault(key, set()).update(generations[seat])
    return {key: len(said) for key, said in asked.items()}


def made_by(store: Store, run: str, positions: Iterable[int]) -> list[str] | None:
    """What each of a run's steps made, as a hash; None when one of them was not done to its end."""
    hashes: list[str] = []
    for position in positions:
        row = store.one(MADE, run, position)
        if row is None:
            return None
        hashes.append(row["made"])
    return hashes


def links_hash(store: Store, run: str, position: int) -> str:
    """The hash of the links that a step holds itself."""
    return _hash_of(store, LINKS, run, position)


def questions_hash(store: Store, task: str) -> str:
    """The hash of a task's questions, with everything that their rows say."""
    return _hash_of(store, QUESTIONS, task)


def _hash_of(store: Store, sql: str, *arguments: object) -> str:
    """32 hex digits: blake2b over the cells of a query, row by row."""
    digest = hashlib.blake2b(digest_size=16)
    for row in store.db.execute(sql, arguments):
        digest.update("\t".join(map(str, row)).encode() + b"\n")
    return digest.hexdigest()


def note_readings(store: Store) -> None:
    """Say that rows were read again: what rests on them is made anew.

    The caller holds the transaction.
    """
    store.db.execute(
        "INSERT INTO secrets (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [READ_AGAIN, secrets.token_bytes(16)],
    )


def readings_mark(store: Store) -> str:
    """A text that changes whenever rows of the record are read again."""
    row = store.one("SELECT value FROM secrets WHERE name = ?", READ_AGAIN)
    return bytes(row["value"]).hex() if row else ""


def strayed(store: Store) -> Iterator[str]:
    """The steps that refer to none of the same, or whose links are not what they made."""
    for run, position in store.db.execute(STRAYED):
        yield f"step {position} of run {run} was taken over from a step that made other rows"
    for run, position, made in store.db.execute(FIRST):
        if links_hash(store, run, position) != made:
            yield f"step {position} of run {run} does not link what it made"
