"""FAIR's calls in the order of its authors' code: one call after another, all models resident.

Reads a record that holds an exam and a recipe's prompts; writes nothing. Question by question, every
seat writes its feedback on the mistake, then every seat its rationale, then every seat but the
author reviews each of them with reasons. Nothing is left out, whatever the checks would say. The
engine, the prompts, the caps and the seeds are ours.
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
from localfair.record.nouns import Message, Question, Request, Sampling
from localfair.record.store import Store
from localfair.tasks import get_task
from tests.benchmarks.pairs import Measure


@dataclass(frozen=True, slots=True)
class Seated:
    """A member with its engine, loaded."""

    member: Member
    engine: Engine


@dataclass(frozen=True, slots=True)
class Mistake:
    """A question and the student's own wrong text."""

    question: Question
    text: str


class Authors:
    """The committee of an order, every model loaded, asked one request at a time."""

    def __init__(self, order: Order, seats: list[Seated], prompts: Prompts) -> None:
        self.seats = seats
        self.task = get_task(order.task)
        self.prompts = prompts
        for _, step in order.recipe.steps():
            if isinstance(step, Inquire):
                self.writing = step.sampling
            elif isinstance(step, Review):
                self.reviewing = step.sampling

    def explain(self, mistake: Mistake) -> Measure:
        """Ask everything about one mistake; its seconds, calls and tokens."""
        started = time.perf_counter()
        tokens: list[int] = []
        explanations = []
        for kind in ("feedback", "rationale"):
            for author in self.seats:
                text = self._write(kind, author, mistake, tokens)
                explanations.append((kind, author, text))
        for kind, author, text in explanations:
            for reviewer in self.seats:
                if reviewer is not author:
                    self._review(kind, reviewer, mistake, text, tokens)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "calls": len(tokens), "tokens": sum(tokens)}

    def _write(self, kind: str, author: Seated, mistake: Mistake, tokens: list[int]) -> str:
        values = self._values(mistake)
        values["gold"] = kind == "feedback"
        if kind == "rationale":
            values["mistake"] = None
        return self._ask(author, f"write-{kind}", values, self.writing, tokens)

    def _review(
        self, kind: str, reviewer: Seated, mistake: Mistake, text: str, tokens: list[int]
    ) -> None:
        values = self._values(mistake)
        values |= {"gold": True, "text": text, "mode": "reasoned"}
        self._ask(reviewer, f"review-{kind}", values, self.reviewing, tokens)

    def _ask(
        self,
        seated: Seated,
        prompt: str,
        values: dict[str, Any],
        sampling: Sampling,
        tokens: list[int],
    ) -> str:
        """The reply to one prompt; `tokens` gains the length of it."""
        seed = request_seed(seated.member.seat, prompt=prompt, question=values["question"])
        messages = self.prompts.render(prompt, **values)
        request = Request(messages=messages, sampling=sampling, seed=seed)
        (generation,) = seated.engine.generate([request])
        tokens.append(generation.completion_tokens)
        return generation.text.strip()

    def _values(self, mistake: Mistake) -> dict[str, Any]:
        """What the templates of a mistake may use."""
        question = mistake.question
        return {
            "question": self.task.prompt(question),
            "answer_format": self.task.answer_format(),
            "hint": question.gold,
            "mistake": mistake.text,
            "demonstrations": [],
        }


@contextmanager
def seated(order: Order, record: Path) -> Iterator[Authors]:
    """The order's teachers, each seat with a loaded model of its own, and the record's fences."""
    seating = Seating(order.workspace, order.seed, replace(order.options, batch=1))
    warm_up = Request(
        messages=(Message("user", order.task),),
        sampling=Sampling(max_tokens=1),
    )
    with ExitStack() as stack, Store.open(record) as store:
        seats = []
        for member in seating.seat("teacher", order.teachers):
            engine = stack.enter_context(closing(member.open()))
            list(engine.generate([warm_up]))  # its weights load at the first request
            seats.append(Seated(member, engine))
        yield Authors(order, seats, Prompts(order.recipe.prompts, store.fence_key()))


def mistakes(record: Path) -> list[Mistake]:
    """The student's mistakes in a record, ordered by the id of their question."""
    with Store.open(record) as store:
        answers = store.rows(
            "SELECT a.question, g.text FROM answers a JOIN generations g ON g.id = a.generation "
            "WHERE a.grade <> 'right' ORDER BY a.question"
        )
        questions = store.questions_by_id([answer["question"] for answer in answers])
    return [Mistake(questions[answer["question"]], answer["text"].strip()) for answer in answers]
