"""The parity exam: the trained student in transformers beside what was exported from it, on the same questions.

Reads questions and what was exported; asks through the committee, so that nothing is asked twice; writes one row of
`parities`. Never reads the test split: whoever looks at a parity may choose an export by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from localfair.committee.ask import Call, Committee, Progress
from localfair.committee.seating import Member
from localfair.engines import reading
from localfair.errors import MissingDependency, UsageError
from localfair.export.once import Export
from localfair.export.student import Trained, taught
from localfair.models import Model
from localfair.recipe.prompts import Prompts
from localfair.recipe.schema import Exam
from localfair.record.connection import now
from localfair.record.nouns import Grade, Question, content_id
from localfair.record.store import Row, Store
from localfair.stages.step import Work, exam_request
from localfair.tasks import get_task
from localfair.tasks.base import Task

GREEDY = {"temperature": 0.0, "top_p": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far two engines agree on one student; counts of questions."""

    split: str
    questions: int
    same_grade: int
    same_text: int
    reference_right: int
    engine_right: int

    def __str__(self) -> str:
        return (
            f"parity on {self.questions} {self.split} questions: same grade {self.same_grade}, "
            f"same text {self.same_text}; right: trained {self.reference_right}, exported {self.engine_right}"
        )


def must_have_gguf_engine() -> None:
    """Raises MissingDependency before anything is exported that could not be examined."""
    engine = reading("gguf")[0]
    if not engine.installed:
        raise MissingDependency(
            f"the parity exam needs the package {engine.package!r}",
            f"pip install 'localfair[{engine.extra}]', or leave the exam out with --no-parity",
        )


def parity(
    store: Store, student: Trained, export: Export, seated: Callable[[Trained, Path], Member], limit: int,
    progress: Progress,
) -> Parity:  # fmt: skip
    """Ask both the same questions greedily, at most `limit`; `seated` makes the exported one's member."""
    task = get_task(student.run["task"], imported=store.tasks())
    step = exam_step(student)
    split, questions = parity_questions(store, student, limit)
    members = [
        student.seating.member(
            "student", 0, student.student, student.adapter["id"], student.folder
        ),
        seated(student, export.path),
    ]
    committee = Committee(store, members, progress)
    try:
        work = _work(store, student, task, committee)
        calls = [
            Call(p, exam_request(work, step.ask, step.sampling, p, q), (p, q))
            for p in members
            for q in questions
        ]
        replies = {call.tag: row["text"] for call, row in committee.ask(calls, "parity:")}
    finally:
        committee.close()
    found = _compared(
        task, split, questions, *({q: replies[p, q] for q in questions} for p in members)
    )
    store.ensure("parities", [_row(found, export, members, questions)])
    return found


def exam_step(student: Trained) -> Exam:
    """The run's last exam of its student, made greedy. Raises UsageError for a recipe without any."""
    steps = [s for _, s in student.recipe.steps() if isinstance(s, Exam) and s.role == "student"]
    if not steps:
        raise UsageError(
            f"recipe {student.recipe.name!r} holds no exam of its student",
            "export with --no-parity",
        )
    return steps[-1].model_copy(update={"sampling": steps[-1].sampling.model_copy(update=GREEDY)})


def parity_questions(store: Store, student: Trained, limit: int) -> tuple[str, list[Question]]:
    """The dev split, else the train questions that no lesson came from. Raises UsageError when there are none."""
    task = student.run["task"]
    if dev := store.questions(task, "dev", limit):
        return "dev", dev
    learned = {lesson["question"] for lesson in taught(store, student.adapter["id"])}
    fresh = [q for q in store.questions(task, "train") if q.id not in learned][:limit]
    if not fresh:
        raise UsageError(
            f"task {task!r} has no dev questions, and every train question is a lesson",
            "export with --no-parity",
        )
    return "train", fresh


def gguf_member(student: Trained, path: Path) -> Member:
    """The exported GGUF in the usual engine for a GGUF."""
    model = student.seating.model(str(path))
    assert isinstance(model, Model)
    return _gguf_engine_member(student, model)


def lora_member(student: Trained, path: Path) -> Member:
    """The base's GGUF in the usual engine for a GGUF with the exported LoRA on it."""
    return _gguf_engine_member(
        student, student.model, adapter_id=student.adapter["id"], adapter=path
    )


def _gguf_engine_member(
    student: Trained, model: Model, adapter_id: str = "", adapter: Path | None = None
) -> Member:
    seating = student.seating.with_engine(reading("gguf")[0].name)
    return seating.placed("student", 1, model, adapter_id, adapter)


def folder_member(student: Trained, path: Path) -> Member:
    """The merged folder in transformers."""
    return student.seating.member("student", 1, str(path))


def _work(store: Store, student: Trained, task: Task, committee: Committee) -> Work:
    """What `exam_request` reads; a parity exam is no step of the run and links nothing to it."""
    return Work(
        store=store, task=task, committee=committee, prompts=Prompts(student.recipe.prompts, store.fence_key()),
        run=student.run["id"], seed=student.run["seed"], position=-1, round=0,
        base_folder=lambda role: student.seating.folder(student.model), seat_adapter=lambda role, adapter, path: None,
    )  # fmt: skip


def _compared(
    task: Task,
    split: str,
    questions: list[Question],
    reference: dict[Question, str],
    exported: dict[Question, str],
) -> Parity:
    grades = [[task.grade(q, texts[q]).grade for q in questions] for texts in (reference, exported)]
    return Parity(
        split=split, questions=len(questions), same_grade=sum(a == b for a, b in zip(*grades, strict=True)),
        same_text=sum(reference[q].strip() == exported[q].strip() for q in questions),
        reference_right=grades[0].count(Grade.RIGHT), engine_right=grades[1].count(Grade.RIGHT),
    )  # fmt: skip


def _row(found: Parity, export: Export, members: list[Member], questions: list[Question]) -> Row:
    reference, engine = (p.identity.engine for p in members)
    asked = content_id(
        "parity",
        export=export.id,
        engines=[asdict(p.identity) for p in members],
        questions=[q.id for q in questions],
    )
    return {
        "id": asked, "export": export.id, "reference": reference, "engine": engine, "created": now(), **asdict(found)
    }  # fmt: skip
