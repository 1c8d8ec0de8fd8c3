"""Whether the steps that an author wrote hold, before anybody is asked to review them.

Reads explanations, questions and what the task says of a text; writes nothing and asks nobody.
Knows nothing of gates or reviews.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from localfair.record.nouns import Question
from localfair.record.store import Store
from localfair.stages.rows import Written
from localfair.tasks.base import Task
from localfair.tasks.steps import first_false


def with_steps(store: Store, task: Task, written: Sequence[Written]) -> list[Written]:
    """Explanations, each rationale with its first step that does not hold, in the order given."""
    questions = store.questions_by_id(each.question for each in written)
    checked: list[Written] = []
    for each in written:
        if each.kind == "rationale":
            problem = false_step(task, questions[each.question], each.text)
            each = replace(each, false_step=problem)
        checked.append(each)
    return checked


def false_step(task: Task, question: Question, text: str) -> str | None:
    """Why a text's steps do not hold, in its own words where it is a sum; None when no step is false.

    In a task of numbers every written sum has to hold, whatever else the task says of a text.
    """
    false_sum = first_false(text) if task.answer_kind == "number" else None
    if false_sum is None:
        if task.sound(question, text) is not False:
            return None
        false_sum = first_false(text)
    if false_sum is None:
        return "does not follow the question step by step"
    in_one_line = " ".join(false_sum.split())
    return f"{in_one_line!r} does not hold"
