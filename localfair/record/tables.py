"""How nouns become rows, and rows nouns: one entry a noun.

Reads and writes nothing itself. Knows the columns of the schema and nothing of what stages do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Generic, TypeVar

from localfair.record.made import (
    Adapter,
    Answer,
    Explanation,
    Lesson,
    Reply,
    Review,
    Verdict,
    prompt_json,
)
from localfair.record.nouns import Grade, Message, Question, canonical_json

Row = dict[str, Any]
Noun = TypeVar("Noun")


@dataclass(frozen=True, slots=True)
class Table(Generic[Noun]):
    """Where a noun's rows are, what links call it, and both ways of turning it."""

    name: str
    noun: str
    to_row: Callable[[Noun], Row]
    of_row: Callable[[Row], Noun]


def _columns(noun: type, row: Mapping[str, Any]) -> Row:
    """Of a row, the columns that are the noun's fields."""
    return {field.name: row[field.name] for field in fields(noun)}


def _grade(value: str | None) -> Grade | None:
    return None if value is None else Grade(value)


# -- one noun after another -----------------------------------------------------------------------


def question_row(question: Question) -> Row:
    """A question as its row."""
    return {"id": question.id, **asdict(question), "choices": canonical_json(question.choices)}


def question_of(row: Row) -> Question:
    """A row as its question."""
    columns = _columns(Question, row)
    columns["choices"] = tuple(json.loads(row["choices"]))
    return Question(**columns)


def reply_of(row: Row) -> Reply:
    """A generation's row as what was said."""
    columns = _columns(Reply, row)
    columns["logprobs"] = tuple(json.loads(row["logprobs"]))
    return Reply(**columns)


def answer_row(answer: Answer) -> Row:
    """An answer as its row."""
    return {"id": answer.id, **asdict(answer), "grade": answer.grade.value}


def answer_of(row: Row) -> Answer:
    """A row as its answer."""
    columns = _columns(Answer, row)
    columns["grade"] = Grade(row["grade"])
    return Answer(**columns)


def explanation_row(explanation: Explanation) -> Row:
    """An explanation as its row."""
    grade = explanation.grade.value if explanation.grade else None
    return {"id": explanation.id, **asdict(explanation), "grade": grade}


def explanation_of(row: Row) -> Explanation:
    """A row as its explanation."""
    columns = _columns(Explanation, row)
    columns["grade"] = _grade(row["grade"])
    return Explanation(**columns)


def review_row(review: Review) -> Row:
    """A review as its row."""
    return {"id": review.id, **asdict(review), "same_weights": int(review.same_weights)}


def review_of(row: Row) -> Review:
    """A row as its review."""
    columns = _columns(Review, row)
    columns["same_weights"] = bool(row["same_weights"])
    return Review(**columns)


def verdict_row(verdict: Verdict) -> Row:
    """A verdict as its row."""
    columns = asdict(verdict)
    columns["reviews"] = canonical_json(list(verdict.reviews))
    columns["accepted"] = int(verdict.accepted)
    return {"id": verdict.id, **columns}


def verdict_of(row: Row) -> Verdict:
    """A row as its verdict."""
    columns = _columns(Verdict, row)
    columns["reviews"] = tuple(json.loads(row["reviews"]))
    columns["accepted"] = bool(row["accepted"])
    return Verdict(**columns)


def lesson_row(lesson: Lesson) -> Row:
    """A lesson as its row; its sources stand in a table of their own."""
    columns = asdict(lesson)
    del columns["sources"]
    columns["prompt"] = prompt_json(lesson.prompt)
    return columns


def lesson_of(row: Row) -> Lesson:
    """A row as its lesson, without its sources."""
    columns = _columns(Lesson, {**row, "sources": ()})
    columns["prompt"] = tuple(Message(*turn) for turn in json.loads(row["prompt"]))
    return Lesson(**columns)


def source_rows(lessons: Iterable[Lesson]) -> list[Row]:
    """Every source of the lessons as its row."""
    rows = []
    for lesson in lessons:
        for noun, source in lesson.sources:
            rows.append({"lesson": lesson.id, "noun": noun, "row": source})
    return rows


def adapter_row(adapter: Adapter) -> Row:
    """An adapter as its row."""
    return {**asdict(adapter), "epochs": canonical_json(adapter.epochs)}


def adapter_of(row: Row) -> Adapter:
    """A row as its adapter."""
    columns = _columns(Adapter, row)
    columns["epochs"] = tuple(tuple(epoch) for epoch in json.loads(row["epochs"]))
    return Adapter(**columns)


def _no_row(thing: Any) -> Row:
    raise TypeError(f"{type(thing).__name__} is only read")


QUESTIONS = Table("questions", "question", question_row, question_of)
REPLIES = Table("generations", "generation", _no_row, reply_of)
ANSWERS = Table("answers", "answer", answer_row, answer_of)
EXPLANATIONS = Table("explanations", "explanation", explanation_row, explanation_of)
REVIEWS = Table("reviews", "review", review_row, review_of)
VERDICTS = Table("verdicts", "verdict", verdict_row, verdict_of)
LESSONS = Table("lessons", "lesson", lesson_row, lesson_of)
ADAPTERS = Table("adapters", "adapter", adapter_row, adapter_of)
