"""How nouns become rows, and rows nouns: one entry a noun.

Reads and writes nothing itself. Knows the columns of the schema and nothing of what stages do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Generic, TypeVar

from localfair.record.connection import now
from localfair.record.made import (
    Adapter,
    Answer,
    BegunStep,
    Explanation,
    Lesson,
    Reply,
    Review,
    Run,
    RunStep,
    SoftKey,
    SoftLabel,
    Turn,
    Turns,
    Verdict,
    prompt_json,
)
from localfair.record.nouns import (
    Constraint,
    EngineIdentity,
    Generation,
    Grade,
    Message,
    Question,
    Request,
    Sampling,
    Seat,
    canonical_json,
)

Row = dict[str, Any]
Noun = TypeVar("Noun")


@dataclass(frozen=True, slots=True)
class Table(Generic[Noun]):
    """Where a noun's rows are, what links call it, and both ways of turning it.

    columns: those that `of_row` reads, as SQL.
    """

    name: str
    noun: str
    to_row: Callable[[Noun], Row]
    of_row: Callable[[Row], Noun]
    columns: str = "*"


def _names(noun: type) -> tuple[str, ...]:
    """The fields of a noun, which are columns of its table."""
    return tuple(field.name for field in fields(noun))


def _cells(thing: object, names: tuple[str, ...]) -> Row:
    """The fields of a thing as they are (`asdict` would copy all that is in them)."""
    return {name: getattr(thing, name) for name in names}


def _columns(row: Row, names: tuple[str, ...]) -> Row:
    """Of a row, the columns that are a noun's fields."""
    return {name: row[name] for name in names}


# -- questions ------------------------------------------------------------------------------------

QUESTION = _names(Question)


def question_row(question: Question) -> Row:
    """A question as its row."""
    row = {"id": question.id, **_cells(question, QUESTION)}
    row["choices"] = canonical_json(list(question.choices))
    return row


def question_of(row: Row) -> Question:
    """A row as its question."""
    columns = _columns(row, QUESTION)
    columns["choices"] = tuple(json.loads(row["choices"]))
    return Question(**columns)


# -- generations and seats ------------------------------------------------------------------------

ENGINE = _names(EngineIdentity)
REPLY = _names(Reply)
SEAT = _names(Seat)


def generation_row(identity: EngineIdentity, generation: Generation) -> Row:
    """A generation as its row."""
    request = generation.request
    constraint = asdict(request.constraint) if request.constraint else None
    return {
        "id": request.id(identity),
        "action": request.action,
        **_cells(identity, ENGINE),
        "messages": prompt_json(request.messages),
        "sampling": canonical_json(request.sampling.data()),
        "seed": request.seed,
        "sample": request.sample,
        "continuations": canonical_json(list(request.continuations)),
        "about": request.about,
        "constrained": canonical_json(constraint),
        "wants_logprobs": int(request.logprobs),
        "text": generation.text,
        "finish": generation.finish,
        "prompt_tokens": generation.prompt_tokens,
        "completion_tokens": generation.completion_tokens,
        "seconds": generation.seconds,
        "logprobs": canonical_json(list(generation.logprobs)),
        "created": now(),
    }


def identity_of(row: Row) -> EngineIdentity:
    """Who answered, from a generation's row."""
    return EngineIdentity(**_columns(row, ENGINE))


def request_of(row: Row) -> Request:
    """What was asked, from a generation's row."""
    sampling = json.loads(row["sampling"])
    sampling["stop"] = tuple(sampling["stop"])
    constraint = json.loads(row["constrained"])
    return Request(
        messages=prompt_of(row["messages"]),
        sampling=Sampling(**sampling),
        continuations=tuple(json.loads(row["continuations"])),
        constraint=Constraint(**constraint) if constraint else None,
        logprobs=bool(row["wants_logprobs"]),
        **_columns(row, ("seed", "sample", "action", "about")),
    )


def prompt_of(messages: str) -> tuple[Message, ...]:
    """A prompt from what the record holds; the other way is `prompt_json`."""
    return tuple(Message(*turn) for turn in json.loads(messages))


def reply_of(row: Row) -> Reply:
    """A generation's row as what was said."""
    columns = _columns(row, REPLY)
    columns["constrained"] = row["constrained"] != "null"
    columns["logprobs"] = tuple(json.loads(row["logprobs"]))
    return Reply(**columns)


def seat_row(seat: Seat) -> Row:
    """A seat as its row."""
    return {"id": seat.id, **_cells(seat, SEAT), "seed": seat.seed}


def seat_of(row: Row) -> Seat:
    """A row as its seat."""
    return Seat(**_columns(row, SEAT))


# -- what stages make -----------------------------------------------------------------------------

ANSWER = _names(Answer)
EXPLANATION = _names(Explanation)
REVIEW = _names(Review)
VERDICT = _names(Verdict)
LESSON = tuple(name for name in _names(Lesson) if name != "sources")


def answer_row(answer: Answer) -> Row:
    """An answer as its row."""
    return {"id": answer.id, **_cells(answer, ANSWER), "grade": answer.grade.value}


def answer_of(row: Row) -> Answer:
    """A row as its answer."""
    columns = _columns(row, ANSWER)
    columns["grade"] = Grade(row["grade"])
    return Answer(**columns)


def explanation_row(explanation: Explanation) -> Row:
    """An explanation as its row."""
    grade = explanation.grade.value if explanation.grade else None
    return {"id": explanation.id, **_cells(explanation, EXPLANATION), "grade": grade}


def explanation_of(row: Row) -> Explanation:
    """A row as its explanation."""
    columns = _columns(row, EXPLANATION)
    columns["grade"] = Grade(row["grade"]) if row["grade"] else None
    return Explanation(**columns)


def review_row(review: Review) -> Row:
    """A review as its row."""
    return {"id": review.id, **_cells(review, REVIEW), "same_weights": int(review.same_weights)}


def review_of(row: Row) -> Review:
    """A row as its review."""
    columns = _columns(row, REVIEW)
    columns["same_weights"] = bool(row["same_weights"])
    return Review(**columns)


def verdict_row(verdict: Verdict) -> Row:
    """A verdict as its row."""
    row = {"id": verdict.id, **_cells(verdict, VERDICT)}
    row["reviews"] = canonical_json(list(verdict.reviews))
    row["accepted"] = int(verdict.accepted)
    return row


def verdict_of(row: Row) -> Verdict:
    """A row as its verdict."""
    columns = _columns(row, VERDICT)
    columns["reviews"] = tuple(json.loads(row["reviews"]))
    columns["accepted"] = bool(row["accepted"])
    return Verdict(**columns)


def lesson_row(lesson: Lesson) -> Row:
    """A lesson as its row; its sources stand in a table of their own."""
    return {**_cells(lesson, LESSON), "prompt": prompt_json(lesson.prompt)}


def lesson_of(row: Row) -> Lesson:
    """A row as its lesson, without its sources."""
    columns = _columns(row, LESSON)
    columns["prompt"] = prompt_of(row["prompt"])
    return Lesson(**columns)


def source_rows(lessons: Iterable[Lesson]) -> list[Row]:
    """Every source of the lessons as its row."""
    rows = []
    for lesson in lessons:
        for noun, source in lesson.sources:
            rows.append({"lesson": lesson.id, "noun": noun, "row": source})
    return rows


TURNS_COLUMNS = _names(Turns)


def turns_row(turns: Turns) -> Row:
    """An order of teachers as its row."""
    row = {"id": turns.id, **_cells(turns, TURNS_COLUMNS)}
    teachers = [[t.seat, t.right, t.tokens, *t.solved] for t in turns.teachers]
    row["teachers"] = canonical_json(teachers)
    return row


def turns_of_row(row: Row) -> Turns:
    """A row as its order of teachers."""
    columns = _columns(row, TURNS_COLUMNS)
    columns["teachers"] = tuple(_turn(*cells) for cells in json.loads(row["teachers"]))
    return Turns(**columns)


def _turn(seat: str, right: int, tokens: int, *solved: str) -> Turn:
    return Turn(seat, right, tokens, solved)


# -- weights, and what they are trained on --------------------------------------------------------

SOFT_KEY = _names(SoftKey)
SOFT_LABEL = tuple(name for name in _names(SoftLabel) if name != "key")
ADAPTER = _names(Adapter)


def soft_label_row(label: SoftLabel) -> Row:
    """A soft label as its row."""
    return {"id": label.id, **_cells(label.key, SOFT_KEY), **_cells(label, SOFT_LABEL)}


def soft_key_of(row: Row) -> SoftKey:
    """What decides a soft label, from its row."""
    return SoftKey(**_columns(row, SOFT_KEY))


def soft_label_of(row: Row) -> SoftLabel:
    """A row as its soft label."""
    return SoftLabel(key=soft_key_of(row), **_columns(row, SOFT_LABEL))


def adapter_row(adapter: Adapter) -> Row:
    """An adapter as its row."""
    return {**_cells(adapter, ADAPTER), "epochs": json.dumps(adapter.epochs)}


def adapter_of(row: Row) -> Adapter:
    """A row as its adapter."""
    columns = _columns(row, ADAPTER)
    columns["epochs"] = tuple(tuple(epoch) for epoch in json.loads(row["epochs"]))
    return Adapter(**columns)


# -- runs -----------------------------------------------------------------------------------------

RUN = _names(Run)
RUN_STEP = _names(RunStep)
BEGUN_STEP = _names(BegunStep)


def run_row(run: Run) -> Row:
    """A run as its row."""
    return _cells(run, RUN)


def run_of(row: Row) -> Run:
    """A row as its run."""
    return Run(**_columns(row, RUN))


def begun_step_row(step: BegunStep) -> Row:
    """A step that begins now as its row."""
    return {**_cells(step, BEGUN_STEP), "started": now()}


def run_step_of(row: Row) -> RunStep:
    """A row as the step of a run."""
    return RunStep(**_columns(row, RUN_STEP))


def _no_row(thing: object) -> Row:
    raise TypeError(f"a {type(thing).__name__} is only read")


QUESTIONS = Table("questions", "question", question_row, question_of)
SEATS = Table("seats", "seat", seat_row, seat_of)
REPLIES = Table("generations", "generation", _no_row, reply_of, ", ".join(REPLY))
ANSWERS = Table("answers", "answer", answer_row, answer_of)
EXPLANATIONS = Table("explanations", "explanation", explanation_row, explanation_of)
REVIEWS = Table("reviews", "review", review_row, review_of)
TURNS = Table("turns", "turns", turns_row, turns_of_row)
VERDICTS = Table("verdicts", "verdict", verdict_row, verdict_of)
LESSONS = Table("lessons", "lesson", lesson_row, lesson_of)
SOFT_LABELS = Table("soft_labels", "soft_label", soft_label_row, soft_label_of)
ADAPTERS = Table("adapters", "adapter", adapter_row, adapter_of)
RUNS = Table("runs", "run", run_row, run_of)
