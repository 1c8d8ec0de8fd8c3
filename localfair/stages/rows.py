"""How stages pick and group rows: draws, demonstrations, explanations with their texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localfair.errors import TaskError
from localfair.record.nouns import Question, content_id
from localfair.record.store import Row
from localfair.stages.step import Work


def draw(seed: int, purpose: str, items: list[Row], count: int) -> list[Row]:
    """`count` of the items, in an order that depends only on the seed, the purpose and their ids (ours)."""
    return sorted(
        items, key=lambda row: content_id("draw", seed=seed, purpose=purpose, row=row["id"])
    )[:count]


def demonstrations(work: Work, question: Question, count: int) -> list[Question]:
    """`count` train questions with gold rationales, never the question itself, drawn per run (TinyLLM §3: random).

    The same for every question of the run, so that they stand in a shared prefix, except where one is the question.
    """
    if not count:
        return []
    if work.pool is None:
        found = {q.id: q for q in work.store.questions(work.task.name, "train") if q.rationale}
        order = draw(work.seed, "demonstration", [{"id": i} for i in found], len(found))
        work.pool = [found[row["id"]] for row in order]
    if len(work.pool) <= count:
        raise TaskError(
            f"task {work.task.name!r} has too few gold rationales for {count} demonstrations",
            "set demonstrations=0",
        )
    return [q for q in work.pool[: count + 1] if q.id != question.id][:count]


def with_texts(work: Work, explanations: Iterable[Row]) -> list[Row]:
    """Explanations with what they say, how the reply ended, the mistake's own text, and the author's seat."""
    found = list(explanations)
    generations = work.store.recorded(e["generation"] for e in found)
    answers = work.store.by_ids("answers", (e["answer"] for e in found if e["answer"]))
    mistakes = work.store.recorded(a["generation"] for a in answers.values())
    seats = work.store.by_ids("seats", (e["seat"] for e in found))
    for e in found:
        generation, answer, seat = (
            generations[e["generation"]],
            answers.get(e["answer"]),
            seats[e["seat"]],
        )
        e["text"], e["finish"] = generation["text"].strip(), generation["finish"]
        e["mistake"] = mistakes[answer["generation"]]["text"].strip() if answer else ""
        e["fingerprint"], e["teacher"] = seat["fingerprint"], seat["index"]
    return found


def grouped(rows: Iterable[Row], column: str) -> dict[Any, list[Row]]:
    """Rows by the value of a column, in their order."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found
