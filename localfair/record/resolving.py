"""Which row a person means: by its id, by the beginning of one, or as the newest that will do.

Reads ids; writes nothing. Knows nothing of what is done with the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from localfair.errors import UsageError
from localfair.machine.files import is_unicode
from localfair.record.schema import NOUNS
from localfair.record.store import Store

HASH = "b2:"  # what the id of a row begins with, where it is a hash of the row
FEWEST = 3  # letters of an id without HASH: fewer are a slip (ours)
SHOWN = 6  # candidates that are named
TABLES = {**NOUNS, "run": "runs", "seat": "seats", "comparison": "comparisons"}
# No id holds a character behind this one.
LAST = "\U0010ffff"
BEGINNING = "SELECT id FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"

# the newest run that ended a step
WITH_STEP = """
SELECT id FROM runs u WHERE EXISTS (
  SELECT 1 FROM run_steps s WHERE s.run = u.id AND s.ended IS NOT NULL)
"""
WITH_STUDENT = """
SELECT id FROM runs u WHERE EXISTS (
  SELECT 1 FROM links r JOIN adapters a ON a.id = r."row"
  WHERE r.run = u.id AND r.noun = 'adapter' AND a.role = 'student')
"""
WITH_LESSONS = """
SELECT id FROM runs u WHERE EXISTS (
  SELECT 1 FROM links r JOIN lessons l ON l.id = r."row"
  WHERE r.run = u.id AND r.noun = 'lesson' AND l.dropped IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A row that was meant: its noun, as links call it, and its whole id."""

    noun: str
    id: str


class Wanted(Enum):
    """What a command wants of a run: the words for it, and the SQL of the runs that have it."""

    STEP = ("ended a step", WITH_STEP)
    STUDENT = ("trained a student", WITH_STUDENT)
    LESSONS = ("kept lessons", WITH_LESSONS)

    @property
    def words(self) -> str:
        """What such a run did."""
        return self.value[0]

    @property
    def sql(self) -> str:
        """The ids of such runs."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The newest run that has what is wanted, and how many newer ones have it not."""

    run: str
    newer: int


def resolve(store: Store, text: str, nouns: Iterable[str] = TABLES) -> Named:
    """The one row of these nouns whose id begins with `text`, which may leave out `b2:`.

    A whole id is meant before those that it begins. Raises UsageError for an unknown beginning, and
    for one of several rows, which it names.
    """
    nouns = tuple(nouns)
    if len(nouns) > 1 and 0 < len(text.removeprefix(HASH)) < FEWEST:
        raise UsageError(
            f"{text!r} is too short to name a row", f"give at least {FEWEST} letters of its id"
        )
    candidates: list[Named] = []
    for noun in nouns:
        candidates += _beginning(store, noun, text)
    whole = [each for each in candidates if each.id in (text, HASH + text)]
    if len(whole) == 1:
        return whole[0]
    if not candidates:
        raise UsageError(f"there is no {_words(nouns)} {text!r} in {store.path}", _where(nouns))
    if len(candidates) > 1:
        named = ", ".join(f"{each.noun} {each.id}" for each in candidates[:SHOWN])
        more = ", ..." if len(candidates) > SHOWN else ""
        raise UsageError(
            f"{text!r} begins the ids of several: {named}{more}", "give more letters of one of them"
        )
    return candidates[0]


def _beginning(store: Store, noun: str, text: str) -> list[Named]:
    """Some of the rows whose id begins so."""
    sql = BEGINNING.format(table=TABLES[noun])
    starts = [text] if text.startswith(HASH) else [text, HASH + text]
    rows = []
    for start in starts:
        if len(start.removeprefix(HASH)) < FEWEST or not is_unicode(start):
            continue
        for row_id in store.first_column(sql, start, start + LAST, SHOWN + 1):
            rows.append(Named(noun, row_id))
    return rows


def _words(nouns: tuple[str, ...]) -> str:
    return nouns[0] if len(nouns) == 1 else "row whose id begins with"


def _where(nouns: tuple[str, ...]) -> str:
    if nouns == ("comparison",):
        return "see `localfair compare show`"
    if nouns == ("run",):
        return "see `localfair report --list`"
    return f"give at least {FEWEST} letters of an id; see `localfair report --rows csv`"


def newest(store: Store, wanted: Wanted) -> Chosen | None:
    """The newest run that has what is wanted; None when none has."""
    ids: list[str] = store.first_column(f"{wanted.sql} ORDER BY u.rowid DESC LIMIT 1")
    if not ids:
        return None
    newer = "SELECT COUNT(*) FROM runs WHERE rowid > (SELECT rowid FROM runs WHERE id = ?)"
    return Chosen(ids[0], store.first_column(newer, ids[0])[0])
