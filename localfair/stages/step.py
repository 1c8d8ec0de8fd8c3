"""What a stage is handed: the record, the task, the committee, its member in the run, and the prompts.

Reads and writes a run's links. Knows nothing of what any one stage does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localfair.committee.ask import PIECE, Committee, request_seed
from localfair.committee.seating import Member
from localfair.errors import TaskError
from localfair.recipe.check import named_inputs
from localfair.recipe.prompts import Prompts
from localfair.recipe.schema import AnyStep
from localfair.record.nouns import Question, Request, Sampling
from localfair.record.store import Row, Store
from localfair.tasks.base import Task


@dataclass(frozen=True, slots=True)
class Done:
    """A step of this run that has been done: where, and what it was."""

    position: int
    round: int
    step: AnyStep


@dataclass(slots=True, kw_only=True)
class Work:
    """One step's view of a run."""

    store: Store
    task: Task
    committee: Committee
    prompts: Prompts
    run: str
    seed: int
    position: int
    round: int
    base_folder: Callable[[str], Path]  # role -> the safetensors folder of its base model
    seat_adapter: Callable[
        [str, str, Path], None
    ]  # (role, adapter id, folder): seat the role with it from now on
    limits: dict[str, int | None] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    # role -> the chat template that its card puts in the member of the weights' own
    chat_template: Callable[[str], str | None] = lambda role: None
    pool: list[Question] | None = (
        None  # what demonstrations are drawn from, in the run's order, once it is asked for
    )

    def questions(self, split: str) -> list[Question]:
        """This run's questions of a split. Raises TaskError when it has none."""
        limit = self.limits.get("train" if split == "train" else "test")
        found = self.store.questions(self.task.name, split, limit)
        if not found:
            raise TaskError(
                f"task {self.task.name!r} has no {split} questions", "see `localfair tasks show`"
            )
        return found

    def tokenizer(self, role: str) -> Any:
        """The tokenizer that a role's exams and lessons are both made with."""
        from localfair.models.chat import load_tokenizer

        return load_tokenizer(self.base_folder(role), self.chat_template(role))

    def values(self, question: Question) -> dict[str, Any]:
        """What every template may use of a question; `hint` is the gold answer."""
        return {
            "question": self.task.prompt(question),
            "answer_format": self.task.answer_format(),
            "hint": question.gold,
        }

    def made(self, noun: str, ids: Iterable[str]) -> None:
        """Link rows that this step used or made to the run."""
        self.store.link(self.run, self.position, noun, ids)

    def keep(self, table: str, noun: str, rows: Iterable[Row]) -> Iterator[Row]:
        """Store rows and link them, and the generations they rest on, as they are made; each goes on to the caller.

        A few are written at a time: a stage holds what it counts, not what it made.
        """
        held: list[Row] = []
        for row in rows:
            held.append(row)
            if len(held) == PIECE:
                self._write(table, noun, held)
                held = []
            yield row
        self._write(table, noun, held)

    def _write(self, table: str, noun: str, rows: list[Row]) -> None:
        self.store.ensure(table, rows)
        self.made(noun, [row["id"] for row in rows])
        self.made("generation", [row["generation"] for row in rows])

    def earlier(self, step: AnyStep, stages: tuple[str, ...], **having: Any) -> list[Done]:
        """The done steps a step reads: those it names, else the nearest one of these stages."""
        named = named_inputs(step)
        fits = [
            d for d in self.done
            if d.step.stage in stages and all(getattr(d.step, k) == v for k, v in having.items())
        ]  # fmt: skip
        if named:
            return [latest for n in named if (latest := _last(d for d in fits if d.step.id == n))]
        nearest = _last(fits)
        return [nearest] if nearest else []

    def rows(self, table: str, noun: str, done: Iterable[Done]) -> list[Row]:
        """Rows of a noun that those steps used or made, ordered by id."""
        ids = self.store.linked(self.run, [d.position for d in done], noun)
        found = self.store.by_ids(table, ids)
        return [found[i] for i in ids if i in found]


def _last(found: Iterable[Done]) -> Done | None:
    *_, last = [None, *found]
    return last


def exam_request(
    work: Work,
    ask: str,
    sampling: Sampling,
    member: Member,
    question: Question,
    sample: int = 0,
) -> Request:
    """A role's own prompt in an exam: the very one that its lessons are trained with."""
    return Request(
        messages=work.prompts.render(f"ask-{ask}", **work.values(question)),
        sampling=sampling,
        seed=request_seed(member.seat, question=question.id, sample=sample),
        sample=sample,
        about=f"question {question.key} of {question.task}",
    )
