"""What a stage is handed: the rows of its step, the questions' wording, their number, and the
committee.

Reads and writes a run's links. Knows nothing of what any one stage does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from localfair.committee.ask import PIECE, Committee, request_seed
from localfair.committee.seating import Member
from localfair.errors import TaskError
from localfair.recipe.check import named_inputs
from localfair.recipe.prompts import Prompts
from localfair.recipe.schema import AnyStep, Exam
from localfair.record.nouns import Question, Request, Sampling
from localfair.record.store import Row, Store, column
from localfair.tasks.base import Task


@dataclass(frozen=True, slots=True)
class Done:
    """A step of this run that has been done: where it stood, in which round, and what it was."""

    position: int
    round: int
    step: AnyStep


def of_stage(done: Iterable[Done], *stages: str) -> list[Done]:
    """Those done steps that are of one of the stages, in their order."""
    return [each for each in done if each.step.stage in stages]


@dataclass(frozen=True, slots=True)
class Scope:
    """The seed that a run draws with, and how many questions it takes; None takes all of them."""

    seed: int
    train_limit: int | None = None
    test_limit: int | None = None

    def limit(self, split: str) -> int | None:
        """How many questions of a split the run takes. Dev is taken like test."""
        return self.train_limit if split == "train" else self.test_limit


@dataclass(frozen=True, slots=True)
class Wording:
    """A task's questions in a recipe's words."""

    task: Task
    prompts: Prompts

    def values(self, question: Question) -> dict[str, Any]:
        """What every template may use of a question; `hint` is the gold answer."""
        return {
            "question": self.task.prompt(question),
            "answer_format": self.task.answer_format(),
            "hint": question.gold,
        }

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

    def made(self, noun: str, ids: Iterable[str]) -> None:
        """Link rows that this step used or made to the run."""
        self.store.link(self.run, self.position, noun, ids)

    def keep(self, table: str, noun: str, rows: Iterable[Row]) -> Iterator[Row]:
        """Store and link rows, and the generations they rest on, while they pass on to the caller.

        A few are written at a time: a stage holds what it counts, not what it made.
        """
        waiting: list[Row] = []
        for row in rows:
            waiting.append(row)
            if len(waiting) == PIECE:
                self._write(table, noun, waiting)
                waiting = []
            yield row
        self._write(table, noun, waiting)

    def _write(self, table: str, noun: str, rows: list[Row]) -> None:
        self.store.ensure(table, rows)
        self.made(noun, column(rows, "id"))
        self.made("generation", column(rows, "generation"))

    def earlier(
        self, step: AnyStep, stages: tuple[str, ...], split: str | None = None
    ) -> list[Done]:
        """The done steps that a step reads: those it names, else the nearest one of these stages.

        `split` leaves only exams of that split.
        """
        candidates = of_stage(self.done, *stages)
        if split is not None:
            candidates = [done for done in candidates if getattr(done.step, "split", None) == split]
        names = named_inputs(step)
        if not names:
            return candidates[-1:]
        inputs: list[Done] = []
        for name in names:
            # a step of every round was done several times: the latest counts
            inputs += [done for done in candidates if done.step.id == name][-1:]
        return inputs

    def lessons(self, step: AnyStep) -> list[Row]:
        """The lessons that a step reads, without those that were dropped."""
        rows = self.of("lessons", "lesson", self.earlier(step, ("select",)))
        return [row for row in rows if not row["dropped"]]

    def of(self, table: str, noun: str, done: Iterable[Done]) -> list[Row]:
        """Rows of a noun that those steps used or made, ordered by id."""
        ids = self.store.linked(self.run, [step.position for step in done], noun)
        rows = self.store.by_ids(table, ids)
        return [rows[row_id] for row_id in ids if row_id in rows]


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

    def questions(self, split: str) -> list[Question]:
        """This run's questions of a split. Raises TaskError when it has none."""
        questions = self.store.questions(self.task.name, split, self.scope.limit(split))
        if not questions:
            raise TaskError(
                f"task {self.task.name!r} has no {split} questions", "see `localfair tasks show`"
            )
        return questions
