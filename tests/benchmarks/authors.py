"""FAIR's calls in the order of its authors' code: question by question, one call after another, all models resident.

Reads a record that holds an exam and a recipe's prompts; writes nothing. For each mistake every seat writes its
feedback, then every seat its rationale, then every seat but the author reviews each of them with reasons. Nothing is
left out, whatever the checks would say. The engine, the prompts, the caps and the seeds are ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localfair.committee.ask import request_seed
from localfair.committee.seating import Member, Seating
from localfair.engines.base import Engine
from localfair.pipeline.orders import Order
from localfair.recipe.prompts import Prompts
from localfair.recipe.schema import Inquire, Review
from localfair.record.nouns import Question, Request
from localfair.record.store import Store
from localfair.stages.step import sampling_of
from localfair.tasks import get_task
from tests.benchmarks.pairs import Measure

Seated = list[tuple[Member, Engine]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A question and the student's own wrong text."""

    question: Question
    text: str


class Authors:
    """The committee of an order, every model loaded, asked one request at a time."""

    def __init__(self, order: Order, seats: Seated, prompts: Prompts) -> None:
        self.seats = seats
        self.task = get_task(order.task)
        self.prompts = prompts
        steps = [step for _, step in order.recipe.steps()]
        self.writing = sampling_of(next(s for s in steps if isinstance(s, Inquire)).sampling)
        self.reviewing = sampling_of(next(s for s in steps if isinstance(s, Review)).sampling)

    def explain(self, mistake: Mistake) -> Measure:
        """Everything about one mistake; seconds, calls and tokens."""
        started = time.perf_counter()
        tokens: list[int] = []
        written = [
            (kind, author, self._write(kind, author, mistake, tokens))
            for kind in ("feedback", "rationale")
            for author in range(len(self.seats))
        ]
        for kind, author, text in written:
            for reviewer in range(len(self.seats)):
                if reviewer != author:
                    self._review(kind, reviewer, mistake, text, tokens)
        return {
            "seconds": time.perf_counter() - started,
            "calls": len(tokens),
            "tokens": sum(tokens),
        }

    def _write(self, kind: str, author: int, mistake: Mistake, tokens: list[int]) -> str:
        shown = (
            self._values(mistake)
            if kind == "feedback"
            else self._values(mistake) | {"mistake": None}
        )
        values = shown | {"gold": kind == "feedback"}
        return self._ask(
            author, f"write-{kind}", values, Request(messages=(), sampling=self.writing), tokens
        )

    def _review(
        self, kind: str, reviewer: int, mistake: Mistake, text: str, tokens: list[int]
    ) -> None:
        values = self._values(mistake) | {"gold": True, "text": text, "mode": "reasoned"}
        self._ask(
            reviewer,
            f"review-{kind}",
            values,
            Request(messages=(), sampling=self.reviewing),
            tokens,
        )

    def _ask(
        self, seat: int, prompt: str, values: dict[str, Any], request: Request, tokens: list[int]
    ) -> str:
        place, backend = self.seats[seat]
        messages = self.prompts.render(prompt, **values)
        seed = request_seed(place.seat, prompt=prompt, question=values["question"])
        [generation] = backend.generate([replace(request, messages=messages, seed=seed)])
        tokens.append(generation.completion_tokens)
        return generation.text.strip()

    def _values(self, mistake: Mistake) -> dict[str, Any]:
        question = mistake.question
        return {
            "question": self.task.prompt(question), "answer_format": self.task.answer_format(),
            "hint": question.gold, "mistake": mistake.text, "demonstrations": [],
        }  # fmt: skip


@contextmanager
def seated(order: Order, record: Path) -> Iterator[Authors]:
    """The order's teachers, each seat with a loaded model of its own; the record's fences."""
    options = replace(order.options, batch=1)
    with ExitStack() as stack, Store.open(record) as store:
        seats: Seated = []
        for place in Seating(order.workspace, order.seed, options).seat("teacher", order.teachers):
            backend = stack.enter_context(closing(place.open()))
            list(backend.generate([_warm_up(order)]))
            seats.append((place, backend))
        yield Authors(order, seats, Prompts(order.recipe.prompts, store.fence_key()))


def _warm_up(order: Order) -> Request:
    from localfair.record.nouns import Message, Sampling

    return Request(messages=(Message("user", order.task),), sampling=Sampling(max_tokens=1))


def mistakes(record: Path) -> list[Mistake]:
    """The student's mistakes in a record, by id."""
    with Store.open(record) as store:
        rows = store.rows(
            "SELECT a.question, g.text FROM answers a JOIN generations g ON g.id = a.generation "
            "WHERE a.grade <> 'right' ORDER BY a.question"
        )
        found = store.questions_by_id(row["question"] for row in rows)
        return [Mistake(found[row["question"]], row["text"].strip()) for row in rows]
