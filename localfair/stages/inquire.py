"""inquire: authors write feedback on a student's mistakes, rationales that answer the question
afresh, and repairs of the student's own attempts.

Reads questions and answers; writes generations and explanations, each rationale with its answer
check. What is asked about stands in `subjects`, how it is asked in `authors`, and who is asked
after whom in `turns`.
"""

from __future__ import annotations

from typing import Any

from localfair.recipe.schema import Inquire
from localfair.record.tables import ANSWERS
from localfair.stages.authors import Authors
from localfair.stages.step import Work
from localfair.stages.subjects import subjects_of
from localfair.stages.turns import ask_in_turn


def inquire(work: Work, step: Inquire) -> dict[str, Any]:
    """Every author writes every form that the recipe asks for; the outcome counts them.

    In turn, an author is asked only about questions that no earlier one answered right.
    """
    subjects = subjects_of(work, step)
    unsolved = subjects.unsolved()
    members = work.committee.of(step.role)
    authors = Authors(work, step)
    order: dict[str, Any] = {}
    if step.turns and len(members) > 1:
        order = ask_in_turn(work, step, authors, subjects)
    else:
        authors.ask(members, unsolved)
    work.rows.made(ANSWERS, authors.mistakes)
    outcome = {step.about: len(unsolved), **authors.counts()}
    if step.turns or step.about == "unsolved":
        left = {subject.question.id for subject in unsolved} - authors.solved
        outcome["still_unsolved"] = len(left)
    return outcome | order
