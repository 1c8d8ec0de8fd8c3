"""Some explanations of a run from the question to the verdict, and what its steps asked of whom.

Reads the record by ids, so that a sample of a large run costs what a small one does; writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from localfair.record.at_work import SPAN, at_work
from localfair.record.made import Answer, Explanation, Reply, Review
from localfair.record.nouns import Question, Seat
from localfair.record.store import Store, marks
from localfair.record.tables import ANSWERS, EXPLANATIONS, QUESTIONS, REPLIES, REVIEWS, SEATS

# ids are hashes: the first ones in their order are a fair draw
OF_LESSONS = """
SELECT s."row" FROM (SELECT DISTINCT "row" FROM links WHERE run = ? AND noun = 'lesson') k
JOIN lessons l ON l.id = k."row" JOIN lesson_sources s ON s.lesson = l.id
WHERE l.dropped IS NULL AND s.noun = 'explanation' ORDER BY l.id LIMIT ?
"""
REJECTED = """
SELECT v.explanation FROM (SELECT DISTINCT "row" FROM links WHERE run = ? AND noun = 'verdict') k
JOIN verdicts v ON v.id = k."row" WHERE NOT v.accepted ORDER BY v.reviews = '[]', v.id LIMIT ?
"""
VERDICTS = """
SELECT v.explanation, v.accepted, v.reason
FROM verdicts v JOIN (SELECT DISTINCT "row" FROM links WHERE run = ? AND noun = 'verdict') k
  ON k."row" = v.id WHERE v.explanation IN ({marks})
"""
REVIEWS_OF = """
SELECT r.id FROM reviews r JOIN (SELECT DISTINCT "row" FROM links WHERE run = ? AND noun = 'review') k
  ON k."row" = r.id WHERE r.explanation IN ({marks}) ORDER BY r.id
"""
USED = f"""
SELECT DISTINCT s.stage, s.position, g.id, g.model, g.fingerprint, g.engine, g.prompt_tokens,
       g.completion_tokens, {SPAN}
FROM links l JOIN run_steps s ON s.run = l.run AND s.position = l.position
JOIN generations g ON g.id = l."row"
WHERE l.run = ? AND l.noun = 'generation'
"""
USAGE = f"""
SELECT stage, model, COUNT(*) AS calls, SUM(prompt_tokens) AS prompt_tokens,
       SUM(completion_tokens) AS written_tokens, SUM(busy) AS seconds
FROM ({at_work(USED, by="stage, fingerprint, engine")})
GROUP BY stage, model ORDER BY MIN(position), model
"""
SOURCES = "SELECT name, sha256, licence FROM sources WHERE task = ? ORDER BY name"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenReview:
    """A review with who gave it and what was written."""

    seat: Seat
    score: float | None
    same_weights: bool
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An explanation: what was asked, what the student said, what a teacher wrote, what others
    thought of it, and what was decided.

    answer, attempt: the mistake that it is about and its text, None for none. accepted: None where
    the run judged it not.
    """

    question: Question
    answer: Answer | None
    attempt: Reply | None
    explanation: Explanation
    explanation_id: str
    author: Seat
    reply: Reply
    reviews: list[GivenReview]
    accepted: bool | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the steps of one stage asked of one model, recorded or not."""

    stage: str
    model: str
    calls: int
    prompt_tokens: int
    written_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that questions of a task were read from."""

    name: str
    sha256: str
    licence: str


def taught_stories(store: Store, run: str, count: int) -> list[Story]:
    """Of some lessons of a run the explanations that they came from."""
    return _stories(store, run, store.first_column(OF_LESSONS, run, count))


def rejected_stories(store: Store, run: str, count: int) -> list[Story]:
    """Some explanations that a run rejected, those that were reviewed first."""
    return _stories(store, run, store.first_column(REJECTED, run, count))


def _stories(store: Store, run: str, ids: list[str]) -> list[Story]:
    ids = list(dict.fromkeys(ids))
    explanations = store.get(EXPLANATIONS, ids)
    review_ids = store.first_column(REVIEWS_OF.format(marks=marks(ids)), run, *ids)
    reviews = store.get(REVIEWS, review_ids)
    questions = store.get(QUESTIONS, [each.question for each in explanations.values()])
    answers = store.get(ANSWERS, [each.answer for each in explanations.values() if each.answer])
    rests: list[Answer | Explanation | Review] = [
        *explanations.values(),
        *answers.values(),
        *reviews.values(),
    ]
    replies = store.get(REPLIES, [each.generation for each in rests])
    seats = store.get(SEATS, [each.seat for each in rests])
    verdicts = {}
    for row in store.rows(VERDICTS.format(marks=marks(ids)), run, *ids):
        verdicts[row["explanation"]] = row
    stories = []
    for explanation_id in ids:
        explanation = explanations[explanation_id]
        answer = answers.get(explanation.answer) if explanation.answer else None
        verdict = verdicts.get(explanation_id)
        given = []
        for review in reviews.values():
            if review.explanation == explanation_id:
                given.append(
                    GivenReview(
                        seat=seats[review.seat],
                        score=review.score,
                        same_weights=review.same_weights,
                        reply=replies[review.generation],
                    )
                )
        stories.append(
            Story(
                question=questions[explanation.question],
                answer=answer,
                attempt=replies[answer.generation] if answer else None,
                explanation=explanation,
                explanation_id=explanation_id,
                author=seats[explanation.seat],
                reply=replies[explanation.generation],
                reviews=sorted(given, key=lambda each: each.seat.index),
                accepted=bool(verdict["accepted"]) if verdict else None,
                reason=verdict["reason"] if verdict else "",
            )
        )
    return stories


def usage_of(store: Store, run: str) -> list[Usage]:
    """What each stage of a run asked of each model."""
    return [Usage(**row) for row in store.rows(USAGE, run)]


def source_files(store: Store, task: str) -> list[SourceFile]:
    """The files that a task's questions came from."""
    return [SourceFile(**row) for row in store.rows(SOURCES, task)]
