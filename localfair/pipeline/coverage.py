"""coverage: what several teachers solve together, beside what the best of them solves alone.

Runs one exam of every teacher on train questions through the pipeline, with the exam's prompt of a
shipped recipe; every answer is recorded, and the same command again asks nobody. Knows nothing of
how a question is asked or graded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from localfair.committee.ask import Progress
from localfair.errors import UsageError
from localfair.machine.workspace import workspace_dir
from localfair.pipeline.orders import Order, RunOptions
from localfair.pipeline.orders import order as order_of
from localfair.pipeline.runs import run
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Exam, Recipe
from localfair.record.nouns import Sampling
from localfair.record.store import Store
from localfair.report.coverage import Coverage, coverage_of
from localfair.tasks import get_task

WORDS_OF = "single-teacher"  # the recipe whose exam prompt is asked
STEP = "coverage"
NOBODY = ""  # no student takes part


def ask(options: RunOptions, *, max_tokens: int) -> Order:
    """The order of an exam of every teacher on the first `train_limit` train questions, greedy.

    Raises UsageError without a task, and for fewer than two different teachers.
    """
    if not options.task:
        raise UsageError("coverage is of one task", "name it with --task")
    teachers = options.teachers
    if len(teachers) < 2:
        count = "none is" if not teachers else "one is"
        raise UsageError(
            f"coverage compares teachers, and {count} named",
            "name two or more: --teacher A --teacher B",
        )
    for name in teachers:
        if teachers.count(name) > 1:
            raise UsageError(
                f"teacher {name!r} is named twice",
                "its greedy answers are the same in both seats; name it once",
            )
    workspace = options.workspace or workspace_dir()
    words = load_recipe(WORDS_OF, workspace)
    order = order_of(WORDS_OF, replace(options, student=teachers[0]))
    return replace(order, recipe=_exam(words.prompts, max_tokens), student=NOBODY)


def _exam(prompts: dict[str, str], max_tokens: int) -> Recipe:
    """A recipe of nothing but the exam."""
    exam = Exam(
        id=STEP,
        stage="exam",
        role="teacher",
        split="train",
        sampling=Sampling(max_tokens=max_tokens),
    )
    asked = {"ask-rationale": prompts["ask-rationale"]}
    return Recipe(name=STEP, summary="what teachers solve", round=(exam,), prompts=asked)


def coverage(order: Order, *, say: Callable[[str], None], progress: Progress) -> Coverage:
    """Ask what the record does not hold; what the teachers solve. Raises TaskError and CallsFailed."""
    run_id = run(order, until=STEP, say=say, progress=progress)
    task = get_task(order.task, imported=[order.task])
    with Store.open(order.db) as store:
        return coverage_of(store, run_id, task.sound)
