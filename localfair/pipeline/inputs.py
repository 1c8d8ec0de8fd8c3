"""Everything that decides what a step makes, as one hash: the same hash, the same rows.

Reads the record, a recipe's templates and localfair's source; writes nothing. The hash may cover
more than a step reads, and then the step is done again, which asks nobody what the record holds. It
may never cover less.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from localfair.machine.hardware import usual_precision
from localfair.pipeline.imports import source_hash
from localfair.recipe.schema import Exam, RecipeStep
from localfair.record.nouns import content_id
from localfair.record.steps import made_by, questions_hash, readings_mark
from localfair.record.store import Store
from localfair.stages.step import Done, Work
from localfair.tasks.grading import READER_VERSION

ROLES = ("student", "teacher", "reviewer", "mentor")


class Inputs:
    """Hashes what decides the steps of one run; what is the same for all of them, once.

    prompts: a recipe's templates by name.
    """

    def __init__(self, store: Store, task: str, prompts: dict[str, str]) -> None:
        self._of_all: dict[str, Any] = {
            "code": source_hash(),
            "jinja2": version("jinja2"),
            "reader": READER_VERSION,
            "read_again": readings_mark(store),
            "precision": usual_precision(),
            "task": task,
            "questions": questions_hash(store, task),
            "prompts": prompts,
            "fence": hashlib.blake2b(store.fence_key(), digest_size=16).hexdigest(),
        }

    def hash(self, work: Work, step: RecipeStep) -> str | None:
        """The hash of a step's inputs; None while an earlier step was not done to its end."""
        read = [done for done in work.rows.done if _is_read(done)]
        made = made_by(work.store, work.rows.run, [done.position for done in read])
        if made is None:
            return None
        return content_id(
            "inputs",
            **self._of_all,
            step=step.model_dump(mode="json"),
            round=work.round,
            scope=asdict(work.scope),
            seats=list(_seats(work)),
            thinking={role: work.enable_thinking(role) for role in ROLES},
            earlier=[
                [done.round, done.step.model_dump(mode="json"), rows]
                for done, rows in zip(read, made, strict=True)
            ],
        )


def _is_read(done: Done) -> bool:
    """Whether a later step may read what this one made: nothing is learned from dev or test."""
    return not (isinstance(done.step, Exam) and done.step.split != "train")


def _seats(work: Work) -> Iterator[dict[str, Any]]:
    """Everybody at the table: seat, weights, adapter, chat template and engine."""
    for member in work.committee.members:
        yield {"seat": asdict(member.seat), "engine": asdict(member.identity)}
