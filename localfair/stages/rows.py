"""How stages pick rows: draws, demonstrations, and explanations with what their authors wrote.

Reads the record; writes nothing. Knows nothing of what any one stage does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from localfair.errors import TaskError
from localfair.record.nouns import Kind, Question, content_id
from localfair.record.store import Row, Store, column
from localfair.stages.step import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An explanation with what its author wrote and who that was: what reviews and lessons are made
    from.

    question, answer, seat, generation: ids. mistake: what the student wrote, "" when the
    explanation is about no mistake. teacher, fingerprint: the author's index and weights.
    """

    id: str
    kind: Kind
    question: str
    answer: str | None
    mistake: str
    grade: str | None
    seat: str
    teacher: int
    fingerprint: str
    generation: str
    text: str
    finish: str


class HoldsRecord(Protocol):
    """What has a record: the work of a step, or whoever judges again."""

    @property
    def store(self) -> Store:
        """The record."""
        ...


def with_texts(work: HoldsRecord, explanations: Iterable[Row]) -> list[Written]:
    """Explanations with their texts, in the order given."""
    explanations = list(explanations)
    store = work.store
    generations = store.recorded(column(explanations, "generation"))
    answers = store.by_ids("answers", (row["answer"] for row in explanations if row["answer"]))
    mistakes = store.recorded(column(answers.values(), "generation"))
    seats = store.by_ids("seats", column(explanations, "seat"))
    written: list[Written] = []
    for row in explanations:
        generation = generations[row["generation"]]
        author = seats[row["seat"]]
        answer = answers.get(row["answer"])
        mistake = mistakes[answer["generation"]]["text"].strip() if answer else ""
        written.append(
            Written(
                id=row["id"],
                kind=row["kind"],
                question=row["question"],
                answer=row["answer"],
                mistake=mistake,
                grade=row["grade"],
                seat=row["seat"],
                teacher=author["index"],
                fingerprint=author["fingerprint"],
                generation=row["generation"],
                text=generation["text"].strip(),
                finish=generation["finish"],
            )
        )
    return written


def draw_key(seed: int, purpose: str, row_id: str) -> str:
    """Where a row stands in a draw: it depends on the seed, the purpose and the row's id alone
    (ours).
    """
    return content_id("draw", seed=seed, purpose=purpose, row=row_id)


def draw(seed: int, purpose: str, ids: Iterable[str], count: int | None = None) -> list[str]:
    """`count` of the ids, or all of them, in the order of a draw."""
    order = sorted(ids, key=lambda row_id: draw_key(seed, purpose, row_id))
    return order[:count]


def draw_written(seed: int, purpose: str, written: Iterable[Written], count: int) -> list[Written]:
    """`count` of the explanations, in the order of a draw."""
    order = sorted(written, key=lambda explanation: draw_key(seed, purpose, explanation.id))
    return order[:count]


def by_question(written: Iterable[Written]) -> dict[str, list[Written]]:
    """Explanations by their question's id, in their order."""
    grouped: dict[str, list[Written]] = {}
    for explanation in written:
        grouped.setdefault(explanation.question, []).append(explanation)
    return grouped


class Demonstrations:
    """Train questions with gold rationales to show before a question, drawn per run (TinyLLM §3:
    random).
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._pool: list[Question] | None = None

    def before(self, question: Question, count: int) -> list[Question]:
        """`count` demonstrations, never the question itself.

        Raises TaskError when there are too few.

        They are the same for every question of the run, so that they stand in a shared prefix,
        except where one of them is the question.
        """
        if not count:
            return []
        pool = self._drawn()
        if len(pool) <= count:
            raise TaskError(
                f"task {self._work.task.name!r} has too few gold rationales "
                f"for {count} demonstrations",
                "set demonstrations=0",
            )
        # one more than is wanted, in case the question is among them
        others = [shown for shown in pool[: count + 1] if shown.id != question.id]
        return others[:count]

    def values(self, question: Question, count: int) -> list[dict[str, object]]:
        """The demonstrations before a question, as templates use them."""
        wording = self._work.wording
        return [
            wording.values(shown) | {"rationale": shown.rationale}
            for shown in self.before(question, count)
        ]

    def _drawn(self) -> list[Question]:
        if self._pool is None:
            questions = self._work.store.questions(self._work.task.name, "train")
            explained = {question.id: question for question in questions if question.rationale}
            order = draw(self._work.seed, "demonstration", explained)
            self._pool = [explained[question_id] for question_id in order]
        return self._pool
