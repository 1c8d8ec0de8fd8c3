"""Two runs side by side: what they were told differently, how their students did, which questions
flipped.

Reads the record; writes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from localfair.record.exams import exam_scores, read_in
from localfair.record.made import Run
from localfair.record.nouns import Grade
from localfair.record.store import Store
from localfair.record.summaries import sat
from localfair.report.findings import find_run
from localfair.report.settings import Setting, differences, settings_of_run
from localfair.report.statistics import Change, Interval, paired, wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class LastExam:
    """A run's last exam: at which step, and its accuracy with the 95 % interval."""

    step: str
    position: int
    right: int
    questions: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One of the two runs; `exam` is None where it sat none that compares."""

    run: str
    recipe: str
    task: str
    seed: int
    exam: LastExam | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A question that one of two exams got right; first and second: what was read in each answer."""

    question: str
    key: str
    text: str
    gold: str
    gained: bool
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two runs and what lies between their last exams.

    change: over the questions that both asked, None where they share none. flips: the gained ones
    first.
    """

    first: ComparedRun
    second: ComparedRun
    settings: list[Setting]
    change: Change | None
    flips: list[Flip]

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def difference(store: Store, first: str, second: str) -> Difference:
    """What lies between two runs, by their ids or the beginnings of them. Raises UsageError."""
    runs = (find_run(store, first), find_run(store, second))
    sides = [_side(store, run) for run in runs]
    answers = [_right(store, side) for side in sides]
    return Difference(
        first=sides[0],
        second=sides[1],
        settings=differences(settings_of_run(runs[0]), settings_of_run(runs[1])),
        change=paired(*answers),
        flips=flips_of(store, (_place(sides[0]), _place(sides[1])), (answers[0], answers[1])),
    )


def _side(store: Store, run: Run) -> ComparedRun:
    scores = exam_scores(store, run.id).get(run.id)
    exam = None
    if scores:
        last = scores[-1]
        steps = {step.position: step.step for step in store.steps(run.id)}
        exam = LastExam(
            step=steps[last.position],
            position=last.position,
            right=last.right,
            questions=last.answers,
            accuracy=last.right / last.answers,
            interval=wilson(last.right, last.answers),
        )
    return ComparedRun(run=run.id, recipe=run.recipe, task=run.task, seed=run.seed, exam=exam)


Place = tuple[str, int]  # a run and the position of one of its exams


def _place(side: ComparedRun) -> Place | None:
    return (side.run, side.exam.position) if side.exam else None


def _right(store: Store, side: ComparedRun) -> dict[str, bool]:
    """By question, whether the answer of a run's last exam was right."""
    place = _place(side)
    if place is None:
        return {}
    return right_at(store, place)


def right_at(store: Store, place: Place) -> dict[str, bool]:
    """By question, whether the answer of an exam was right."""
    run, position = place
    answers = sat(store, run, position)
    return {question: grade == Grade.RIGHT for question, grade in answers}


def flips_of(
    store: Store,
    places: tuple[Place | None, Place | None],
    right: tuple[dict[str, bool], dict[str, bool]],
) -> list[Flip]:
    """The questions that one of two exams got right and the other not, the gained ones first."""
    before, after = right
    flipped = [each for each in before if each in after and before[each] != after[each]]
    if places[0] is None or places[1] is None:
        return []
    read_before = read_in(store, *places[0], flipped)
    read_after = read_in(store, *places[1], flipped)
    questions = store.questions_by_id(flipped)
    flips = []
    for question_id in flipped:
        question = questions[question_id]
        flips.append(
            Flip(
                question=question_id,
                key=question.key,
                text=question.text,
                gold=question.gold,
                gained=after[question_id],
                first=read_before[question_id],
                second=read_after[question_id],
            )
        )
    return sorted(flips, key=lambda flip: (not flip.gained, flip.question))
