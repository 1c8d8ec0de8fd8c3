"""What the steps of a run may ask and how long they may take, from what the record knows.

Reads the record; writes nothing, renders no prompt. Rougher than `plan`, which rehearses every
step: it is for a run that goes on, and is corrected by what its steps took.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localfair.pipeline.plan import INSTRUCTIONS, Averages
from localfair.recipe.schema import Exam, Inquire, Recipe, RecipeStep, Review, Select, Soften, Train
from localfair.record.made import Run, RunStep
from localfair.record.nouns import EngineIdentity, Sampling
from localfair.record.progress import SeatedEngine, question_count, seated_engines
from localfair.record.store import Store
from localfair.stages.step import Scope

BATCH = 16  # sequences at once; no run records it (the default of --batch)
Outcome = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a step may ask, in calls (steps, for a training) and in seconds.

    seconds: None where the record knows no rate.
    """

    calls: int
    seconds: float | None


class Estimates:
    """What each step of a run may ask, told of the steps in their order."""

    def __init__(self, store: Store, run: Run, recipe: Recipe, done: Sequence[RunStep]) -> None:
        self._store = store
        self._run = run
        self._recipe = recipe
        settings = json.loads(run.settings)
        self._scope = Scope(run.seed, settings["train_limit"], settings["test_limit"])
        self._seats = seated_engines(store, run.id)
        self._averages = Averages(store.path)
        # of what is known or expected of the steps so far
        self._mistakes = self._questions("train")
        self._explanations = 0
        self._lessons = 0
        self._outcomes: dict[int, Outcome] = {}
        for step in done:
            if step.outcome:
                self._outcomes[step.position] = json.loads(step.outcome)

    def all(self) -> dict[int, Expected]:
        """By its position, what each step of the recipe may ask."""
        expected = {}
        for position, (_, step) in enumerate(self._recipe.steps()):
            expected[position] = self._of(step)
            self._learn(step, self._outcomes.get(position), expected[position])
        return expected

    def _questions(self, split: str, beyond: int = 0) -> int:
        limit = self._scope.limit(split, beyond)
        return question_count(self._store, self._run.task, split, limit)

    def _with_role(self, role: str) -> list[SeatedEngine]:
        return [seat for seat in self._seats if seat.role == role]

    def _of(self, step: RecipeStep) -> Expected:
        if isinstance(step, Exam):
            calls = self._questions(step.split, step.beyond) * step.samples
            return self._asked(self._with_role(step.role)[:1], calls, step.sampling)
        if isinstance(step, Inquire):
            about = self._mistakes if step.about == "mistakes" else self._questions("train")
            return self._asked(self._with_role(step.role), about * _samples(step), step.sampling)
        if isinstance(step, Review) and step.mode != "none":
            return self._reviewed(step)
        if isinstance(step, Soften):
            return self._asked(self._with_role("mentor")[:1], self._lessons, None)
        if isinstance(step, Train):
            return self._trained(step)
        return Expected(0, 0.0)

    def _reviewed(self, step: Review) -> Expected:
        """Every explanation goes to every seat but its author's."""
        reviewers = self._with_role("reviewer")
        sampling = None if step.mode == "direct" else step.sampling
        if reviewers:
            return self._asked(reviewers, self._explanations, sampling)
        teachers = self._with_role("teacher")
        others = self._explanations * (len(teachers) - 1) // max(1, len(teachers))
        return self._asked(teachers, others, sampling)

    def _trained(self, step: Train) -> Expected:
        batches = math.ceil(self._lessons / step.batch)
        steps = math.ceil(batches / step.accumulation) * step.most_epochs
        a_step = self._averages.step_seconds()
        return Expected(steps, None if a_step is None else a_step * steps)

    def _asked(
        self, seats: Sequence[SeatedEngine], each: int, sampling: Sampling | None
    ) -> Expected:
        """So many calls to each of the seats; without sampling they write nothing."""
        seconds: float | None = 0.0
        for seat in seats:
            identity = EngineIdentity(
                model=seat.model, fingerprint=seat.fingerprint, chat_template="", engine=seat.engine
            )
            prompt = self._averages.prompt(identity, INSTRUCTIONS)
            reply = self._averages.reply(identity, sampling.max_tokens) if sampling else 0
            took = self._averages.seconds(identity, BATCH, 1, round(prompt * each), reply * each)
            seconds = None if seconds is None or took is None else seconds + took
        return Expected(each * len(seats), seconds)

    def _learn(self, step: RecipeStep, outcome: Outcome | None, expected: Expected) -> None:
        """Take in what a step made, or what it may make."""
        known = outcome or {}
        if isinstance(step, Exam) and step.role == "student" and step.split == "train":
            self._mistakes = known.get("wrong", self._mistakes) + known.get("unreadable", 0)
        elif isinstance(step, Inquire):
            written = known.get("feedback", 0) + known.get("rationale", 0)
            self._explanations = written if outcome else expected.calls
        elif isinstance(step, Select):
            kinds = (step.per_question.feedback, step.per_question.rationale)
            takes = sum(1 for kind in kinds if kind) + step.per_question.answer
            self._lessons = known.get("lessons", self._mistakes * takes)


def _samples(step: Inquire) -> int:
    """How many explanations an author writes about each question or mistake."""
    writes = (step.write.feedback, step.write.rationale)
    return sum(write.samples for write in writes if write is not None)
