"""The exam's prompt: the words in which a student was examined, for whoever asks it elsewhere.

They are part of the student: asked in other words it answers worse. Reads a recipe's templates and
a question of the record's train split, never one of test. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from localfair.errors import UsageError
from localfair.export.parity import exam_step
from localfair.export.student import TrainedStudent
from localfair.recipe.prompts import Prompts
from localfair.recipe.schema import Exam
from localfair.record.nouns import Message, Question, Sampling
from localfair.record.store import Store
from localfair.stages.step import Wording
from localfair.tasks import get_task

PLACEHOLDER = "{question}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamPrompt:
    """The last exam of a run's student, greedy.

    messages: its turns, PLACEHOLDER where the question stands. example: the turns for a question of
    the train split; `messages` where the record holds none.
    """

    messages: tuple[Message, ...]
    example: tuple[Message, ...]
    sampling: Sampling


def exam_prompt(store: Store, student: TrainedStudent) -> ExamPrompt | None:
    """The words of a student's exam; None when its recipe holds no exam."""
    try:
        step = exam_step(student)
    except UsageError:
        return None
    wording = wording_of(store, student)
    values = {
        "question": PLACEHOLDER,
        "answer_format": wording.task.answer_format(),
        "hint": PLACEHOLDER,
    }
    messages = wording.prompts.render(f"ask-{step.ask}", **values)
    questions = store.questions(student.run.task, "train", 1)
    example = asked(wording, step, questions[0]) if questions else messages
    return ExamPrompt(messages=messages, example=example, sampling=step.sampling)


def wording_of(store: Store, student: TrainedStudent) -> Wording:
    """The questions of the student's task in its recipe's words."""
    task = get_task(student.run.task, imported=store.tasks())
    return Wording(task, Prompts(student.recipe.prompts, store.fence_key()))


def asked(wording: Wording, step: Exam, question: Question) -> tuple[Message, ...]:
    """The turns by which an exam asks a question."""
    return wording.prompts.render(f"ask-{step.ask}", **wording.values(question))
