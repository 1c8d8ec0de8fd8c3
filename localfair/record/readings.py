"""Readings: what was read out of a text (a gold, a grade, a score) and which reader read it.

Reads and writes the columns `grade`, `read`, `score` and `reader`, and what a verdict says. No id
holds any of them, so a row is read again in its place; what it said before is kept in
`earlier_readings`. Knows nothing of how a text is read: whoever calls brings the reader.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Protocol, TypeVar

from localfair.errors import StoreError
from localfair.record import boundary
from localfair.record.connection import now
from localfair.record.made import Explanation, Reply
from localfair.record.nouns import Graded, Question
from localfair.record.steps import note_readings
from localfair.record.store import Row, Store
from localfair.record.tables import EXPLANATIONS, REPLIES, REVIEWS, verdict_of

PIECE = 500  # rows that are held at a time

NAMES = {
    "questions": "gold",
    "answers": "answer",
    "explanations": "rationale",
    "reviews": "review",
    "verdicts": "verdict",
}
ANSWERS = """
SELECT r.rowid AS place, r.*, g.text FROM answers r JOIN generations g ON g.id = r.generation
WHERE r.rowid > ? ORDER BY r.rowid LIMIT ?
"""
RATIONALES = """
SELECT r.rowid AS place, r.*, g.text FROM explanations r JOIN generations g ON g.id = r.generation
WHERE r.rowid > ? AND r.grade IS NOT NULL ORDER BY r.rowid LIMIT ?
"""
SCORES = """
SELECT r.rowid AS place, r.* FROM reviews r JOIN generations g ON g.id = r.generation
WHERE r.rowid > ? ORDER BY r.rowid LIMIT ?
"""
VERDICTS = "SELECT rowid AS place, * FROM verdicts WHERE rowid > ? ORDER BY rowid LIMIT ?"
OTHER_READERS = "SELECT reader, COUNT(*) AS rows FROM {table} r WHERE reader <> ? {only} GROUP BY 1"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Case:
    """What a verdict is judged from: its policy, an explanation and the scores it got.

    by_seat: the same scores by their reviewer's seat.
    """

    policy: str
    explanation: Explanation
    scores: list[float]
    by_seat: dict[str, float]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a verdict says."""

    mean: float | None
    valid: int
    accepted: bool
    reason: str


class Reader(Protocol):
    """Reads what the record's texts say. Another version may read another thing."""

    @property
    def version(self) -> int:
        """The version that rows name."""
        ...

    def grade(self, question: Question, text: str) -> Graded | None:
        """The grade of an answer; None when this reader cannot take the question's gold."""
        ...

    def score(self, reply: Reply) -> float | None:
        """The score that a reviewer's reply gives."""
        ...

    def judge(self, store: Store, cases: Sequence[Case]) -> list[Judged]:
        """What the verdicts of these cases say."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What one row says: a grade and what was read, or a score."""

    grade: str | None = None
    read: str | None = None
    score: float | None = None

    def __str__(self) -> str:
        if self.grade is None:
            return "no score" if self.score is None else f"score {self.score:g}"
        return self.grade if self.read is None else f"{self.grade} (read {self.read!r})"


# -- what each row should say ---------------------------------------------------------------------


def _pieces(store: Store, sql: str) -> Iterator[list[Row]]:
    """Rows in the order in which they lie in the file, some at a time: they may change meanwhile."""
    last = 0
    while True:
        rows = store.rows(sql, last, PIECE)
        if not rows:
            return
        yield rows
        last = rows[-1]["place"]


def _graded(store: Store, reader: Reader, rows: list[Row]) -> list[Reading | None]:
    """What the reader reads in answers or rationales; None where it cannot take the gold."""
    questions = store.questions_by_id(row["question"] for row in rows)
    readings = []
    for row in rows:
        graded = reader.grade(questions[row["question"]], row["text"])
        readings.append(Reading(graded.grade.value, graded.read) if graded else None)
    return readings


def _scored(store: Store, reader: Reader, rows: list[Row]) -> list[Reading | None]:
    """What the reader reads in reviews."""
    replies = store.get(REPLIES, [row["generation"] for row in rows])
    readings: list[Reading | None] = []
    for row in rows:
        readings.append(Reading(score=reader.score(replies[row["generation"]])))
    return readings


def _judged(store: Store, reader: Reader, rows: list[Row]) -> list[Judged]:
    """What verdicts should say.

    Raises KeyError where an explanation or a review is missing.
    """
    verdicts = [verdict_of(row) for row in rows]
    explanations = store.get(EXPLANATIONS, [verdict.explanation for verdict in verdicts])
    reviews = store.get(REVIEWS, [review for verdict in verdicts for review in verdict.reviews])
    cases = []
    for verdict in verdicts:
        scores = []
        by_seat = {}
        for review in verdict.reviews:
            score = reviews[review].score
            if score is not None:
                scores.append(score)
                by_seat[reviews[review].seat] = score
        explanation = explanations[verdict.explanation]
        cases.append(Case(verdict.policy, explanation, scores, by_seat))
    return reader.judge(store, cases)


# by table: its rows with their texts, and what is read in them
TEXTS: dict[str, tuple[str, Callable[[Store, Reader, list[Row]], list[Reading | None]]]] = {
    "answers": (ANSWERS, _graded),
    "explanations": (RATIONALES, _graded),
    "reviews": (SCORES, _scored),
}


def _says(row: Row) -> Reading:
    """What a row says now."""
    return Reading(row.get("grade"), row.get("read"), row.get("score"))


def _same(first: Reading, second: Reading) -> bool:
    """Whether two readings are equal; scores up to the last digits, which a processor decides."""
    if first.score is None or second.score is None:
        return first == second
    return math.isclose(first.score, second.score, rel_tol=1e-9)


def _follows(row: Row, judged: Judged) -> bool:
    """Whether a verdict's row says what was judged."""
    same_mean = _same(Reading(score=row["mean"]), Reading(score=judged.mean))
    told = (row["valid"], row["accepted"], row["reason"])
    return same_mean and told == (judged.valid, int(judged.accepted), judged.reason)


# -- checked --------------------------------------------------------------------------------------


def misread(store: Store, reader: Reader) -> Iterator[str]:
    """The rows of the reader's version that do not say what it reads, one line each."""
    for table, (sql, read) in TEXTS.items():
        for piece in _pieces(store, sql):
            rows = [row for row in piece if row["reader"] == reader.version]
            for row, reading in _each(rows, partial(read, store, reader)):
                named = f"{NAMES[table]} {row['id']}"
                if isinstance(reading, str):
                    yield f"{named} cannot be read again: {reading}"
                elif reading is None:
                    yield f"{named}: the gold of its question cannot be read"
                elif not _same(_says(row), reading):
                    yield f"{named} says {_says(row)}, and its text {reading}"


def misjudged(store: Store, reader: Reader) -> Iterator[str]:
    """The verdicts of the reader's version that do not follow from what they rest on."""
    for piece in _pieces(store, VERDICTS):
        rows = [row for row in piece if row["reader"] == reader.version]
        for row, judged in _each(rows, partial(_judged, store, reader)):
            if isinstance(judged, str):
                yield f"verdict {row['id']} cannot be judged again: {judged}"
            elif not _follows(row, judged):
                yield f"verdict {row['id']} does not follow from its policy and reviews"


def _each(rows: list[Row], read: Callable[[list[Row]], list[T]]) -> Iterator[tuple[Row, T | str]]:
    """Rows with what is read in them; with the reason, where a damaged cell keeps one from it."""
    try:
        yield from zip(rows, read(rows), strict=True)
        return
    except Exception:  # noqa: S110 - one of them is damaged: one by one, to name it
        pass
    for row in rows:
        result: T | str
        try:
            [result] = read([row])
        except Exception as error:  # whatever a damaged cell raises
            result = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        yield row, result


def was_read_before(store: Store, version: int) -> bool:
    """Whether an older reader read the oldest answer, rationale, review or verdict.

    No more is looked at: rows are read again all together.
    """
    for table in (*TEXTS, "verdicts"):
        only = "WHERE grade IS NOT NULL" if table == "explanations" else ""
        oldest = store.one(f"SELECT reader FROM {table} {only} ORDER BY rowid LIMIT 1")
        if oldest is not None and oldest["reader"] < version:
            return True
    return False


def other_readers(store: Store, version: int) -> list[str]:
    """What was read by another version than this, in words: no damage."""
    notes = []
    for table, name in NAMES.items():
        only = "AND grade IS NOT NULL" if table == "explanations" else ""
        for row in store.rows(OTHER_READERS.format(table=table, only=only), version):
            age = "an older" if row["reader"] < version else "a newer"
            notes.append(
                f"{row['rows']} {name}s were read by {age} reader "
                f"({row['reader']}; this one is {version})"
            )
    return notes


# -- read again -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Reread:
    """What reading again did to the rows of a table; `unread` have a gold that cannot be taken."""

    name: str
    rows: int = 0
    changed: int = 0
    unread: int = 0


def reread(store: Store, reader: Reader, *, dry_run: bool = False) -> list[Reread]:
    """Read again what an older reader read, and judge again what rests on it, in one transaction.

    With `dry_run` it is rolled back. Golds are not among it: a file holds them, and another gold is
    another question.
    """
    counts = [Reread(NAMES[table]) for table in TEXTS]
    verdicts = Reread(NAMES["verdicts"])
    store.db.execute("BEGIN IMMEDIATE")
    try:
        for count, table in zip(counts, TEXTS, strict=True):
            _reread_table(store, reader, table, count)
        _judge_again(store, reader, verdicts)
        if any(count.changed for count in (*counts, verdicts)):
            note_readings(store)
        boundary.commit_is("before")
        store.db.execute("ROLLBACK" if dry_run else "COMMIT")
        boundary.commit_is("after")
    except BaseException:
        store.db.conn.rollback()
        raise
    return [*counts, verdicts]


def _reread_table(store: Store, reader: Reader, table: str, count: Reread) -> None:
    sql, read = TEXTS[table]
    for piece in _pieces(store, sql):
        rows = [row for row in piece if row["reader"] < reader.version]
        for row, reading in _each(rows, partial(read, store, reader)):
            if isinstance(reading, str):
                raise _unreadable(table, row, reading)
            if reading is None:
                count.unread += 1
                continue
            count.rows += 1
            changes: Row = {"reader": reader.version}
            if not _same(_says(row), reading):
                count.changed += 1
                _keep_earlier(store, table, row)
                if table == "reviews":
                    changes["score"] = reading.score
                else:
                    changes |= {"grade": reading.grade, "read": reading.read}
            store.rewrite(table, row["id"], changes)


def _unreadable(table: str, row: Row, reason: str) -> StoreError:
    return StoreError(
        f"{NAMES[table]} {row['id']} cannot be read again ({reason}); nothing was changed",
        "see `localfair db verify`",
    )


def _keep_earlier(store: Store, table: str, row: Row) -> None:
    earlier = {"noun": NAMES[table], "row": row["id"], "reader": row["reader"], "replaced": now()}
    store.ensure("earlier_readings", [earlier | asdict(_says(row))])


def _judge_again(store: Store, reader: Reader, count: Reread) -> None:
    """Every verdict: one of the newest version may rest on a review that was read again."""
    for piece in _pieces(store, VERDICTS):
        for row, judged in _each(piece, partial(_judged, store, reader)):
            if isinstance(judged, str):
                raise _unreadable("verdicts", row, judged)
            follows = _follows(row, judged)
            if follows and row["reader"] == reader.version:
                continue
            count.rows += 1
            count.changed += not follows
            changes = {
                "reader": reader.version,
                "mean": judged.mean,
                "valid": judged.valid,
                "accepted": int(judged.accepted),
                "reason": judged.reason,
            }
            store.rewrite("verdicts", row["id"], changes)
