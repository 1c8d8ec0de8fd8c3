"""The record checks itself: SQLite's checks, the schema, ids and seals against content, readings
against texts, links, weights of adapters.

Reads everything, the weights of adapters included; writes nothing. How a text is read it is told by
the reader that it is given.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from localfair.errors import StoreError
from localfair.machine.files import sha256_file
from localfair.machine.terminal import one_line
from localfair.record.adapters import recorded_folder
from localfair.record.identities import IDS, lesson_id
from localfair.record.made import SoftLabel
from localfair.record.nouns import canonical_json
from localfair.record.readings import Reader, misjudged, misread, other_readers
from localfair.record.schema import (
    APPLICATION_ID,
    INDEX_TABLES,
    MIGRATIONS,
    NOUNS,
    VERSION,
    has_fts5,
    statements_for,
)
from localfair.record.sealing import MIGRATED, TABLES, children_of, is_due, seal_of
from localfair.record.search import index_problems
from localfair.record.steps import strayed
from localfair.record.store import Row, Store
from localfair.record.tables import soft_label_of, turns_of_row

LOGPROB_BYTES = 2  # float16
INDEX_BYTES = 4  # int32
MOST = 20  # problems of one check that are named; the others are counted
FENCE_BYTES = 32
LONGEST = 1000  # characters of a problem

# see `record/fits` for what the lists hold
MISSING_OF_FITS = """
SELECT f.id, 'review', r.value FROM fits f JOIN json_each(f.reviews) r
  WHERE r.value NOT IN (SELECT id FROM reviews)
UNION ALL
SELECT f.id, 'explanation', json_extract(l.value, '$[0]') AS explanation
  FROM fits f JOIN json_each(f.labels) l WHERE explanation NOT IN (SELECT id FROM explanations)
UNION ALL
SELECT f.id, 'generation', json_extract(p.value, '$[3]') AS generation
  FROM fits f JOIN json_each(f.plants) p WHERE generation NOT IN (SELECT id FROM generations)
"""


# what Python raises for a cell that holds something else than it should
ODD_CELLS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)

Check = Callable[[Store], Iterator[str]]


def verify(store: Store, reader: Reader | None = None) -> list[str]:
    """Every problem of the record, one line each; an empty list for a sound one.

    Of one check at most 20 are named, and the others counted. Without a reader, grades, scores and
    verdicts are checked by their seals alone.
    """
    problems: list[str] = []
    checks: list[tuple[str, Check]] = [("sqlite", _sqlite), ("schema", _schema)]
    checks += [(table, _rows_of(table)) for table in TABLES]
    checks += [
        ("links", _links),
        ("steps", strayed),
        ("adapters", _adapters),
        ("reviews", _same_weights),
        ("own lessons", _own_lessons),
        ("turns", _out_of_turn),
        ("fits", _fits),
        ("search index", index_problems),
    ]
    if reader is not None:
        checks.append(("readings", lambda store: misread(store, reader)))
        checks.append(("verdicts", lambda store: misjudged(store, reader)))
    with _any_text(store):
        for name, check in checks:
            problems += _first(name, check(store))
    return list(dict.fromkeys(problems))


@contextmanager
def _any_text(store: Store) -> Iterator[None]:
    """Text that is no UTF-8 is read all the same, so that its row can be named."""
    connection = store.db.conn
    usual = connection.text_factory
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = usual


def _first(name: str, problems: Iterator[str]) -> Iterator[str]:
    """The first problems of a check and how many more there are; what ends the check is one too."""
    more = 0
    named = 0
    try:
        for problem in problems:
            if named < MOST:
                named += 1
                yield one_line(problem, LONGEST)
            else:
                more += 1
    except (sqlite3.Error, *ODD_CELLS) as error:
        # pages that cannot be read, a missing table or column, a cell that is no text
        yield one_line(f"{name}: {error}", LONGEST)
    if more:
        yield f"{name}: {more} more of these"


# -- the file -------------------------------------------------------------------------------------


def _sqlite(store: Store) -> Iterator[str]:
    for row in store.db.execute("PRAGMA integrity_check").fetchall():
        if row[0] != "ok":
            yield str(row[0])
    for table, rowid, parent, _ in store.db.execute("PRAGMA foreign_key_check"):
        # a table without rowids has none to tell
        row = f"a row of {table}" if rowid is None else f"{table} row {rowid}"
        yield f"{row} points at a missing row of {parent}"


def _schema(store: Store) -> Iterator[str]:
    """What differs from the tables, indices and views that the migrations make."""
    expected = sqlite3.connect(":memory:")
    try:
        for _, script in MIGRATIONS:
            for statement in statements_for(expected, script):
                expected.execute(statement)
        ours = _objects(expected)
        theirs = _objects(store.db.conn)
        if not has_fts5(expected):  # another SQLite made it, which can search
            for table in INDEX_TABLES:
                theirs.pop(f"table {table}", None)
        for name in sorted(ours.keys() - theirs.keys()):
            yield f"the {name} is missing"
        for name in sorted(theirs.keys() - ours.keys()):
            yield f"the {name} is none of localfair's"
        for name in sorted(ours.keys() & theirs.keys()):
            if ours[name] != theirs[name]:
                yield f"the {name} is not as localfair makes it"
    finally:
        expected.close()
    for pragma, value in (("application_id", APPLICATION_ID), ("user_version", VERSION)):
        if store.db.execute(f"PRAGMA {pragma}").fetchone()[0] != value:
            yield f"the file's {pragma} is not {value}"
    applied = store.rows("SELECT version, reason FROM migrations ORDER BY version")
    reasons = {row["version"]: row["reason"] for row in applied}
    if reasons != dict(enumerate((reason for reason, _ in MIGRATIONS), 1)):
        yield f"the migrations applied are not 1 to {VERSION}, with their reasons"
    key = store.first_column("SELECT value FROM secrets WHERE name = 'fence'")
    if [len(value) for value in key] != [FENCE_BYTES]:
        yield "the key of the marks around quoted text is missing or cut"


def _objects(connection: sqlite3.Connection) -> dict[str, str]:
    """By type and name, the SQL of everything in a schema, without quotes and white space."""
    objects = {}
    sql = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
    for kind, name, text in connection.execute(sql).fetchall():
        objects[f"{kind} {name}"] = re.sub(r"[\s\"`']", "", text or "")
    return objects


# -- rows -----------------------------------------------------------------------------------------


def _rows_of(table: str) -> Check:
    """The check of a table's rows, one by one: the record may be larger than memory."""

    def check(store: Store) -> Iterator[str]:
        # a walk by row number goes on where an index is broken
        for row in store.db.execute(f"SELECT * FROM {table}"):
            cells = dict(row)
            try:
                problem = _problem(store, table, cells)
            except Exception as error:  # whatever a damaged cell raises, the row is named
                problem = f"cannot be read: {type(error).__name__}: {error}".splitlines()[0][:200]
            if problem:
                yield f"{_name(table, cells)} {problem}"

    return check


def _name(table: str, row: Row) -> str:
    """A row in words: its noun and its key."""
    nouns = {plural: noun.replace("_", " ") for noun, plural in NOUNS.items()}
    noun = nouns.get(table) or table.removesuffix("s").replace("_", " ")
    noun = {"parities": "parity"}.get(table, noun)
    key = " ".join(str(row.get(name)) for name in TABLES[table].key)
    return f"{noun} {key}"


def _problem(store: Store, table: str, row: Row) -> str | None:
    """What is wrong with a row by itself, or None."""
    if table in IDS and IDS[table](row) != row["id"]:
        return "does not hash to its id"
    if table == "lessons" and lesson_id(store, row) != row["id"]:
        return "does not hash to its id, with its sources"
    if table == "soft_labels" and not _whole(soft_label_of(row)):
        return f"does not hold {row['top_k']} and the rest for {row['labels']} labels"
    seal = row["seal"]
    if not is_due(table, row):
        return "was sealed, and does not say when it ended" if seal else None
    if seal is None:
        return "has no seal: localfair did not write it"
    if seal.removeprefix(MIGRATED) != seal_of(row, children_of(store.db, table, row)):
        return "is not what was written: its seal is broken"
    return None


def _whole(label: SoftLabel) -> bool:
    """Whether the arrays have their sizes: `indices` (labels, top k), `logprobs` (labels, top k +
    1).
    """
    top_k = label.key.top_k
    sizes = (len(label.indices), len(label.logprobs))
    expected = (INDEX_BYTES * label.labels * top_k, LOGPROB_BYTES * label.labels * (top_k + 1))
    return sizes == expected


# -- between rows ---------------------------------------------------------------------------------


def _links(store: Store) -> Iterator[str]:
    """Links of runs and lessons to rows, by the noun's name: no foreign key can check these."""
    for noun, table in NOUNS.items():
        for links in ("run_rows", "lesson_sources"):
            sql = f"""
            SELECT DISTINCT l."row" FROM {links} l LEFT JOIN {table} t ON t.id = l."row"
            WHERE l.noun = ? AND t.id IS NULL
            """
            for (missing,) in store.db.execute(sql, [noun]):
                yield f"{links} names a missing {noun} {missing}"
    nouns = canonical_json(sorted(NOUNS))
    for links in ("run_rows", "lesson_sources"):
        sql = (
            f"SELECT DISTINCT noun FROM {links} WHERE noun NOT IN (SELECT value FROM json_each(?))"
        )
        for (noun,) in store.db.execute(sql, [nouns]):
            yield f"{links} names a {noun!r}, which is no noun"


def _same_weights(store: Store) -> Iterator[str]:
    """Whether each review says rightly that reviewer and author sit on the same weights."""
    sql = """
    SELECT r.id FROM reviews r JOIN seats a ON a.id = r.author JOIN seats s ON s.id = r.seat
    WHERE r.same_weights <> (a.fingerprint = s.fingerprint)
    """
    for (review,) in store.db.execute(sql):
        yield f"review {review} says wrongly whether its reviewer is its author's model"


def _own_lessons(store: Store) -> Iterator[str]:
    """Whether each rationale that no teacher wrote is its question's own solution, or rests on an
    answer of the student to it.
    """
    sql = """
    SELECT l.id FROM lessons l WHERE l.kind = 'rationale' AND l.teacher IS NULL AND NOT EXISTS (
      SELECT 1 FROM lesson_sources s JOIN answers a ON a.id = s."row" JOIN seats t ON t.id = a.seat
      WHERE s.lesson = l.id AND s.noun = 'answer' AND a.question = l.question
      AND t.role = 'student')
    AND NOT EXISTS (
      SELECT 1 FROM questions q WHERE q.id = l.question AND q.rationale = l.completion)
    """
    for (lesson,) in store.db.execute(sql):
        yield f"lesson {lesson} has no teacher, and names no answer of the student to its question"


def _out_of_turn(store: Store) -> Iterator[str]:
    """Whether each order of teachers follows from their rates."""
    for row in store.rows("SELECT * FROM turns"):
        rates = [turn.rate for turn in turns_of_row(row).teachers]
        if rates != sorted(rates, reverse=True):
            yield f"turns {row['id']} do not follow from right answers per token"


def _fits(store: Store) -> Iterator[str]:
    """Whether the reviews, explanations and replies that a fit names are there."""
    for fit, noun, missing in store.db.execute(MISSING_OF_FITS):
        yield f"fit {fit} names a missing {noun} {missing}"


def _adapters(store: Store) -> Iterator[str]:
    for row in store.rows("SELECT id, path, sha256 FROM adapters"):
        try:
            weights = recorded_folder(store, row["path"]) / "adapter_model.safetensors"
        except StoreError:
            yield f"adapter {row['id']} lies outside the record's folder"
            continue
        if not weights.is_file():
            yield f"adapter {row['id']} has no weights at {weights}"
        elif sha256_file(weights) != row["sha256"]:
            yield f"adapter {row['id']}: {weights} is not what was trained"


def sealed_later(store: Store) -> list[str]:
    """What a seal cannot prove, in words: rows that are older than seals."""
    count = 0
    for table in TABLES:
        sql = f"SELECT COUNT(*) FROM {table} WHERE seal LIKE '{MIGRATED}%'"
        count += store.db.execute(sql).fetchone()[0]
    if not count:
        return []
    return [
        f"{count} rows were sealed when this record was migrated: "
        "what was changed before that shows only where an id or a text says so"
    ]


def notes_of(store: Store, reader: Reader) -> list[str]:
    """What is worth knowing of a sound record and is no damage."""
    return [*other_readers(store, reader.version), *sealed_later(store)]
