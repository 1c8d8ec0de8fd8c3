"""What a stage is handed: the rows of its step, the questions' wording, their number, and the
committee.

Reads and writes a run's links. Knows nothing of what any one stage does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from localfair.committee.ask import PIECE, Committee, request_seed
from localfair.committee.seating import Member
from localfair.errors import TaskError
from localfair.recipe.check import named_inputs
from localfair.recipe.prompts import Prompts
from localfair.recipe.schema import Exam, RecipeStep, Select
from localfair.record.made import Answer, Explanation, Lesson, Review
from localfair.record.nouns import Question, Request, Sampling
from localfair.record.store import Store
from localfair.record.tables import LESSONS, REPLIES, Noun, Table
from localfair.tasks.base import Task

Made = TypeVar("Made", Answer, Explanation, Review)  # what is read out of a reply


@dataclass(frozen=True, slots=True)
class Done:
    """A step of this run that has been done: where it stood, in which round, and what it was."""

    position: int
    round: int
    step: RecipeStep


def of_stage(done: Iterable[Done], *stages: str) -> list[Done]:
    """Those done steps that are of one of the stages, in their order."""
    return [each for each in done if each.step.stage in stages]


@dataclass(frozen=True, slots=True)
class Scope:
    """The seed that a run draws with, and how many questions it takes; None takes all of them."""

    seed: int
    train_limit: int | None = None
    test_limit: int | None = None

    def limit(self, split: str, beyond: int = 0) -> int | None:
        """How many questions of a split the run takes, and so many more. Dev is taken like test."""
        limit = self.train_limit if split == "train" else self.test_limit
        return None if limit is None else limit + beyond


@dataclass(frozen=True, slots=True)
class Wording:
    """A task's questions in a recipe's words."""

    task: Task
    prompts: Prompts

    def values(self, question: Question, *, hint: bool = True) -> dict[str, object]:
        """What every template may use of a question; `hint` is the gold answer."""
        values: dict[str, object] = {
            "question": self.task.prompt(question),
            "answer_format": self.task.answer_format(question),
        }
        if hint:
            values["hint"] = question.gold
        return values

    def exam_request(
        self, member: Member, question: Question, ask: str, sampling: Sampling, sample: int = 0
    ) -> Request:
        """A member's prompt in an exam: the very one that its lessons are trained with."""
        return Request(
            messages=self.prompts.render(f"ask-{ask}", **self.values(question)),
            sampling=sampling,
            seed=request_seed(member.seat, question=question.id, sample=sample),
            sample=sample,
            about=about(question),
        )


def about(question: Question) -> str:
    """The question's name in error messages."""
    return f"question {question.key} of {question.task}"


@dataclass(frozen=True, slots=True)
class StepRows:
    """One step's view of the record: what earlier steps of the run left, and what this one links
    to it.
    """

    store: Store
    run: str
    position: int
    done: Sequence[Done]

    def made(self, table: Table[Noun], ids: Iterable[str]) -> None:
        """Link what this step used or made to the run."""
        self.store.link(self.run, self.position, table.noun, ids)

    def keep(self, table: Table[Made], nouns: Iterable[Made]) -> Iterator[Made]:
        """Store and link nouns, and the replies they rest on, while they pass on to the caller.

        A few are written at a time: a stage holds what it counts, not what it made.
        """
        waiting: list[Made] = []
        for noun in nouns:
            waiting.append(noun)
            if len(waiting) == PIECE:
                self._write(table, waiting)
                waiting = []
            yield noun
        self._write(table, waiting)

    def _write(self, table: Table[Made], nouns: list[Made]) -> None:
        self.made(table, self.store.add(table, nouns))
        self.made(REPLIES, [noun.generation for noun in nouns])

    def earlier(
        self, step: RecipeStep, stages: tuple[str, ...], split: str | None = None
    ) -> list[Done]:
        """The done steps that a step reads: those it names, else the nearest one of these stages.

        `split` leaves only exams of that split.
        """
        candidates = of_stage(self.done, *stages)
        if split is not None:
            candidates = [done for done in candidates if getattr(done.step, "split", None) == split]
        return _read(candidates, step)

    def students_exams(self, step: RecipeStep) -> list[Done]:
        """The student's exams on train that a step reads: those it names, else the nearest."""
        exams: list[Done] = []
        for done in self.done:
            exam = done.step
            if isinstance(exam, Exam) and (exam.role, exam.split) == ("student", "train"):
                exams.append(done)
        exam_ids = [done.step.id for done in of_stage(self.done, "exam")]
        # a select step that names reviews alone leaves the exam to be the nearest
        return _read(exams, step, among=exam_ids)

    def lessons(self, step: RecipeStep) -> list[Lesson]:
        """The lessons that a step reads, without those that were dropped."""
        lessons = self.of(LESSONS, self.earlier(step, ("select",)))
        return [lesson for lesson in lessons if not lesson.dropped]

    def of(self, table: Table[Noun], done: Iterable[Done]) -> list[Noun]:
        """What those steps used or made of a noun, ordered by id."""
        positions = [step.position for step in done]
        return self.store.linked_nouns(self.run, positions, table)


def _read(
    candidates: list[Done], step: RecipeStep, among: Collection[str] | None = None
) -> list[Done]:
    """Those of the candidates that a step names, in that order; the nearest where it names none.

    Of a step that was done in several rounds it is the last one, or all of them where the step
    says so. `among`: other names are not looked at.
    """
    names = [name for name in named_inputs(step) if among is None or name in among]
    names = names or [done.step.id for done in candidates[-1:]]
    of_all_rounds = isinstance(step, Select) and step.rounds == "all"
    inputs: list[Done] = []
    for name in names:
        same = [done for done in candidates if done.step.id == name]
        inputs += same if of_all_rounds else same[-1:]
    return inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One step of a run, as a stage is handed it."""

    rows: StepRows
    wording: Wording
    scope: Scope
    committee: Committee
    round: int

    @property
    def store(self) -> Store:
        """The record."""
        return self.rows.store

    @property
    def task(self) -> Task:
        """The task that is asked and graded."""
        return self.wording.task

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.scope.seed

    def enable_thinking(self, role: str) -> bool | None:
        """What the role's latest exam says of thinking: its lessons have the prompts of an exam."""
        said = None
        for exam in of_stage(self.rows.done, "exam"):
            if isinstance(exam.step, Exam) and exam.step.role == role:
                said = exam.step.sampling.enable_thinking
        return said

    def questions(self, split: str, beyond: int = 0) -> list[Question]:
        """This run's questions of a split, and so many beyond its limit, where there are as many.

        Raises TaskError when it has none.
        """
        limit = self.scope.limit(split, beyond)
        questions = self.store.questions(self.task.name, split, limit)
        if not questions:
            raise TaskError(
                f"task {self.task.name!r} has no {split} questions", "see `localfair tasks show`"
            )
        return questions
