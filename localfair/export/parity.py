"""The parity exam: the trained student in transformers beside its export, on the same questions.

Reads questions and the export; asks through the committee, so that nothing is asked twice; writes
one row of `parities`. Never reads the test split: whoever looks at a parity may choose an export
by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from localfair.committee.ask import Call, Committee, Progress
from localfair.committee.seating import Member
from localfair.engines import reading
from localfair.errors import MissingDependency, UsageError
from localfair.export.once import Export
from localfair.export.student import TrainedStudent
from localfair.models import Model
from localfair.recipe.prompts import Prompts
from localfair.recipe.schema import Exam
from localfair.record.connection import now
from localfair.record.exports import RecordedParity, add_parity
from localfair.record.lessons import lessons_learned
from localfair.record.nouns import Grade, Question, content_id
from localfair.record.store import Store
from localfair.report.statistics import Change, change_of
from localfair.stages.step import Wording
from localfair.tasks import get_task
from localfair.tasks.base import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far two engines agree on one student; counts of questions.

    `both_right` are those that the trained student and its export both answer right.
    """

    split: str
    questions: int
    same_grade: int
    same_text: int
    reference_right: int
    engine_right: int
    both_right: int

    def change(self) -> Change:
        """What the export changes, as a report tells a change between two exams."""
        gained = self.engine_right - self.both_right
        lost = self.reference_right - self.both_right
        return change_of(self.questions, gained, lost)

    def __str__(self) -> str:
        change = self.change()
        low, high = change.interval
        note = f"; {change.note}" if change.note else ""
        return (
            f"parity on {self.questions} {self.split} questions: "
            f"same grade {self.same_grade}, same text {self.same_text}; "
            f"right: trained {self.reference_right}, exported {self.engine_right}, "
            f"change {change.difference:+.1%} [95% {low:+.1%} to {high:+.1%}]{note}"
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
    store: Store,
    student: TrainedStudent,
    export: Export,
    seated: Callable[[TrainedStudent, Path], Member],
    limit: int,
    progress: Progress,
) -> Parity:
    """Ask the trained student and its export the same questions greedily, at most `limit` of them.

    `seated` makes the member that serves the export from its path. Raises UsageError when the
    recipe holds no exam of its student, or when no question is left to ask, CallsFailed when a call
    failed.
    """
    task = get_task(student.run.task, imported=store.tasks())
    step = exam_step(student)
    split, questions = parity_questions(store, student, limit)
    reference = student.seating.member(
        "student", 0, student.model_name, student.adapter.id, student.folder
    )
    exported = seated(student, export.path)
    members = [reference, exported]
    committee = Committee(store, members, progress)
    try:
        wording = Wording(task, Prompts(student.recipe.prompts, store.fence_key()))
        calls = []
        for member in members:
            for question in questions:
                request = wording.exam_request(member, question, step.ask, step.sampling)
                calls.append(Call(member, request, (member, question)))
        replies = {call.tag: reply.text for call, reply in committee.ask(calls, "parity:")}
        committee.failures.refuse_any()  # a parity is of all its questions, or none
    finally:
        committee.close()
    result = _compared(
        task,
        split,
        questions,
        [replies[reference, question] for question in questions],
        [replies[exported, question] for question in questions],
    )
    add_parity(store, _recorded(result, export, members, questions))
    return result


def exam_step(student: TrainedStudent, instead: str = "export with --no-parity") -> Exam:
    """The run's last exam of its student, made greedy.

    Raises UsageError when it has none; `instead` is what the user can do then.
    """
    last = None
    for _, step in student.recipe.steps():
        if isinstance(step, Exam) and step.role == "student":
            last = step
    if last is None:
        raise UsageError(
            f"recipe {student.recipe.name!r} holds no exam of its student",
            instead,
        )
    greedy = replace(last.sampling, temperature=0.0, top_p=1.0)
    return last.model_copy(update={"sampling": greedy})


def parity_questions(
    store: Store, student: TrainedStudent, limit: int
) -> tuple[str, list[Question]]:
    """The split to ask from and its questions, at most `limit`.

    The dev split, else the train questions that no lesson of the adapter came from. Raises
    UsageError when there are none.
    """
    task = student.run.task
    dev = store.questions(task, "dev", limit)
    if dev:
        return "dev", dev
    lessons = lessons_learned(store, student.adapter.id)
    learned = {lesson.question for lesson in lessons}
    train = store.questions(task, "train")
    fresh = [question for question in train if question.id not in learned][:limit]
    if not fresh:
        raise UsageError(
            f"task {task!r} has no dev questions, and every train question is a lesson",
            "export with --no-parity",
        )
    return "train", fresh


def gguf_member(student: TrainedStudent, path: Path) -> Member:
    """The exported GGUF in the usual engine for a GGUF."""
    model = student.seating.model(str(path))
    assert isinstance(model, Model)
    return _gguf_engine_member(student, model)


def lora_member(student: TrainedStudent, path: Path) -> Member:
    """The base's GGUF in the usual engine for a GGUF with the exported LoRA on it."""
    return _gguf_engine_member(student, student.model, adapter_id=student.adapter.id, adapter=path)


def _gguf_engine_member(
    student: TrainedStudent, model: Model, adapter_id: str = "", adapter: Path | None = None
) -> Member:
    seating = student.seating.with_engine(reading("gguf")[0].name)
    return seating.placed("student", 1, model, adapter_id, adapter)


def folder_member(student: TrainedStudent, path: Path) -> Member:
    """The merged folder in transformers."""
    return student.seating.member("student", 1, str(path))


def _compared(
    task: Task,
    split: str,
    questions: list[Question],
    reference: list[str],
    exported: list[str],
) -> Parity:
    """Both engines' texts, in the order of the questions, graded and compared."""
    same_grade = 0
    same_text = 0
    reference_right = 0
    engine_right = 0
    both_right = 0
    for question, text, exported_text in zip(questions, reference, exported, strict=True):
        grade = task.grade(question, text).grade
        exported_grade = task.grade(question, exported_text).grade
        same_grade += grade == exported_grade
        same_text += text.strip() == exported_text.strip()
        reference_right += grade == Grade.RIGHT
        engine_right += exported_grade == Grade.RIGHT
        both_right += grade == exported_grade == Grade.RIGHT
    return Parity(
        split=split,
        questions=len(questions),
        same_grade=same_grade,
        same_text=same_text,
        reference_right=reference_right,
        engine_right=engine_right,
        both_right=both_right,
    )


def _recorded(
    result: Parity, export: Export, members: list[Member], questions: list[Question]
) -> RecordedParity:
    reference, engine = (member.identity for member in members)
    parity_id = content_id(
        "parity",
        export=export.id,
        engines=[asdict(reference), asdict(engine)],
        questions=[question.id for question in questions],
    )
    return RecordedParity(
        id=parity_id,
        export=export.id,
        reference=reference.engine,
        engine=engine.engine,
        created=now(),
        **asdict(result),
    )
