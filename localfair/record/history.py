"""What happened to one question: everything that was ever said and decided about it, in all runs.

Reads rows by the question that they are about; writes nothing. Knows nothing of how it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from localfair.record.made import Adapter, Answer, Explanation, Lesson, Reply, Review, Verdict
from localfair.record.nouns import Message, Question, Seat
from localfair.record.resolving import Named
from localfair.record.store import CHUNK, Row, Store, marks
from localfair.record.tables import (
    ADAPTERS,
    ANSWERS,
    EXPLANATIONS,
    LESSONS,
    REPLIES,
    REVIEWS,
    SEATS,
    VERDICTS,
    Noun,
    Table,
)

MOST_LESSONS = 20  # of an adapter that are named

ABOUT = "SELECT id FROM {table} WHERE question = ? ORDER BY rowid"
REVIEWS_OF = "SELECT id FROM reviews WHERE explanation IN ({marks}) ORDER BY rowid"
VERDICTS_ON = "SELECT id FROM verdicts WHERE explanation IN ({marks}) ORDER BY rowid"
SOURCES = 'SELECT lesson, noun, "row" FROM lesson_sources WHERE lesson IN ({marks})'
LEARNED = "SELECT lesson, adapter, dropped FROM adapter_lessons WHERE lesson IN ({marks})"
# run_rows, and not the view: whoever takes a step over refers to the run that made its rows
MADE = """
SELECT r."row", r.run, s.step, s.round FROM run_rows r
JOIN run_steps s ON s.run = r.run AND s.position = r.position
WHERE r.noun = ? AND r."row" IN ({marks}) ORDER BY s.started, r.position
"""
QUESTION_OF = {
    "question": "SELECT id FROM questions WHERE id = ?",
    "answer": "SELECT question FROM answers WHERE id = ?",
    "explanation": "SELECT question FROM explanations WHERE id = ?",
    "lesson": "SELECT question FROM lessons WHERE id = ?",
    "review": "SELECT e.question FROM reviews r JOIN explanations e ON e.id = r.explanation "
    "WHERE r.id = ?",
    "verdict": "SELECT e.question FROM verdicts v JOIN explanations e ON e.id = v.explanation "
    "WHERE v.id = ?",
}
# the rows that rest on a generation
RESTING = """
SELECT 'answer' AS noun, id FROM answers WHERE generation = ?1
UNION ALL SELECT 'explanation', id FROM explanations WHERE generation = ?1
UNION ALL SELECT 'review', id FROM reviews WHERE generation = ?1
"""
SOME_LESSONS = """
SELECT t.lesson FROM adapter_lessons t WHERE t.adapter = ? AND t.dropped IS NULL
ORDER BY t.position LIMIT ?
"""
COUNT_LESSONS = "SELECT COUNT(*) FROM adapter_lessons WHERE adapter = ? AND dropped IS NULL"
CURVE = "SELECT step, loss FROM curve WHERE adapter = ? ORDER BY step"


@dataclass(frozen=True, slots=True)
class MadeIn:
    """The step of a run that made or used a row first, and how many steps linked it in all."""

    run: str
    step: str
    round: int
    times: int


@dataclass(frozen=True, slots=True)
class LearnedBy:
    """An adapter that was to learn a lesson, and why it did not, or None."""

    adapter: Adapter
    dropped: str | None


@dataclass(slots=True, kw_only=True)
class History:
    """Everything about one question, each noun by its id in the order in which it was written.

    seats and replies are by their ids. sources: of each lesson, (noun, id). made_in: by (noun, id).
    """

    question: Question
    answers: dict[str, Answer]
    explanations: dict[str, Explanation]
    reviews: dict[str, Review]
    verdicts: dict[str, Verdict]
    lessons: dict[str, Lesson]
    seats: dict[str, Seat]
    replies: dict[str, Reply]
    sources: dict[str, list[Named]] = field(default_factory=dict)
    learned_by: dict[str, list[LearnedBy]] = field(default_factory=dict)
    made_in: dict[tuple[str, str], MadeIn] = field(default_factory=dict)


def question_of(store: Store, named: Named) -> str | None:
    """The id of the question that a row is about; None for an adapter and a stray generation."""
    if named.noun == "generation":
        resting = resting_on(store, named.id)
        return question_of(store, resting[0]) if resting else None
    sql = QUESTION_OF.get(named.noun)
    ids: list[str] = store.first_column(sql, named.id) if sql else []
    return ids[0] if ids else None


def resting_on(store: Store, generation: str) -> list[Named]:
    """The answers, explanations and reviews that were read out of a generation."""
    return [Named(row["noun"], row["id"]) for row in store.rows(RESTING, generation)]


def history_of(store: Store, question: str) -> History:
    """Everything about a question, by its id."""
    answers = _about(store, ANSWERS, question)
    explanations = _about(store, EXPLANATIONS, question)
    reviews = _by_ids(store, REVIEWS, _ids(store, REVIEWS_OF, explanations))
    verdicts = _by_ids(store, VERDICTS, _ids(store, VERDICTS_ON, explanations))
    lessons = _about(store, LESSONS, question)
    rests: list[Answer | Explanation | Review] = [
        *answers.values(),
        *explanations.values(),
        *reviews.values(),
    ]
    history = History(
        question=store.questions_by_id([question])[question],
        answers=answers,
        explanations=explanations,
        reviews=reviews,
        verdicts=verdicts,
        lessons=lessons,
        seats=store.get(SEATS, [each.seat for each in rests]),
        replies=store.get(REPLIES, [each.generation for each in rests]),
    )
    for row in _chunked(store, SOURCES, lessons):
        history.sources.setdefault(row["lesson"], []).append(Named(row["noun"], row["row"]))
    learned = _chunked(store, LEARNED, lessons)
    adapters = store.get(ADAPTERS, [row["adapter"] for row in learned])
    for row in learned:
        by = LearnedBy(adapters[row["adapter"]], row["dropped"])
        history.learned_by.setdefault(row["lesson"], []).append(by)
    for table, nouns in ((ANSWERS, answers), (EXPLANATIONS, explanations), (REVIEWS, reviews)):
        _note_steps(store, history, table.noun, nouns)
    _note_steps(store, history, VERDICTS.noun, verdicts)
    _note_steps(store, history, LESSONS.noun, lessons)
    return history


def _about(store: Store, table: Table[Noun], question: str) -> dict[str, Noun]:
    """The nouns about a question, by id, in the order in which they were written."""
    return _by_ids(store, table, store.first_column(ABOUT.format(table=table.name), question))


def _by_ids(store: Store, table: Table[Noun], ids: list[str]) -> dict[str, Noun]:
    """Nouns by id, in the order of `ids`."""
    nouns = store.get(table, ids)
    return {noun_id: nouns[noun_id] for noun_id in ids if noun_id in nouns}


def _ids(store: Store, sql: str, keys: Iterable[str]) -> list[str]:
    return [row["id"] for row in _chunked(store, sql, keys)]


def _chunked(store: Store, sql: str, keys: Iterable[str], *before: str) -> list[Row]:
    """The rows of a query whose `{marks}` stand for keys, some at a time."""
    wanted = list(keys)
    rows: list[Row] = []
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        rows += store.rows(sql.format(marks=marks(chunk)), *before, *chunk)
    return rows


def _note_steps(store: Store, history: History, noun: str, ids: Iterable[str]) -> None:
    """Note of each row the step that linked it first."""
    for row in _chunked(store, MADE, ids, noun):
        key = (noun, row["row"])
        known = history.made_in.get(key)
        if known is None:
            history.made_in[key] = MadeIn(row["run"], row["step"], row["round"], 1)
        else:
            history.made_in[key] = MadeIn(known.run, known.step, known.round, known.times + 1)


# -- what is about no question --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterHistory:
    """An adapter, the step that trained it, its losses, how many lessons it learned, and some of
    them.
    """

    adapter: Adapter
    made_in: MadeIn | None
    curve: list[tuple[int, float]]
    learned: int
    lessons: list[Lesson]


def adapter_history(store: Store, adapter: str) -> AdapterHistory:
    """Everything about an adapter, by its id."""
    links = store.rows(MADE.format(marks="?"), "adapter", adapter)
    made_in = None
    if links:
        first = links[0]
        made_in = MadeIn(first["run"], first["step"], first["round"], len(links))
    some = store.first_column(SOME_LESSONS, adapter, MOST_LESSONS)
    return AdapterHistory(
        adapter=store.get(ADAPTERS, [adapter])[adapter],
        made_in=made_in,
        curve=losses(store, adapter),
        learned=store.first_column(COUNT_LESSONS, adapter)[0],
        lessons=list(_by_ids(store, LESSONS, some).values()),
    )


def losses(store: Store, adapter: str) -> list[tuple[int, float]]:
    """The step and the loss of each window of a training."""
    return [(row["step"], row["loss"]) for row in store.rows(CURVE, adapter)]


@dataclass(frozen=True, slots=True)
class Said:
    """A generation: who was asked what, and what was said."""

    model: str
    engine: str
    prompt: tuple[Message, ...]
    reply: Reply


def said_in(store: Store, generation: str) -> Said:
    """What a generation (its id) asked and what was said."""
    row = store.by_ids("generations", [generation], "id, model, engine")[generation]
    return Said(
        model=row["model"],
        engine=row["engine"],
        prompt=store.prompts([generation])[generation],
        reply=store.get(REPLIES, [generation])[generation],
    )
