"""A conversation with a run's student, before its training and after, or with any other model.

Every question is put as the run's own exam puts it: the prompt is a part of the student. Reads the
record, model cards and weights; writes nothing, and records nothing. Knows nothing of terminals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from localfair.committee.seating import Member, Options, Seating
from localfair.engines import Engine, stream
from localfair.engines.streaming import Streamed
from localfair.errors import ModelError, PromptTooLong, UsageError
from localfair.export.student import trained_student
from localfair.machine.hardware import free_memory
from localfair.models import Model
from localfair.models.fit import memory_needed
from localfair.recipe.load import recorded_recipe
from localfair.recipe.prompts import Prompts
from localfair.recipe.schema import Exam, Recipe
from localfair.record.connection import exists
from localfair.record.made import Run
from localfair.record.nouns import Generation, Message, Question, Request, Sampling
from localfair.record.runs import newest_run
from localfair.record.store import Store
from localfair.record.students import newest_run_with_student
from localfair.report.findings import find_run
from localfair.stages.step import Wording
from localfair.tasks import get_task
from localfair.tasks.reply import answer_of

Say = Callable[[str], None]
BARE = Sampling(max_tokens=512)  # how a model is asked where no run says it (ours)
ABOUT = "the question"  # what errors call a request
CONTEXT = 4096  # tokens of a conversation, where memory is estimated (ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whom to talk with, and how: what the command line says.

    run: None is the newest that trained a student. model: a card's name or a path, instead of the
    run's student. engine: None is the run's, or the usual one of `model`. only: one side of the
    student. max_tokens: of a reply; None is what the exam allows. bare: put questions as they are.
    """

    db: Path
    workspace: Path
    run: str | None = None
    model: str | None = None
    engine: str | None = None
    only: Literal["before", "after"] | None = None
    max_tokens: int | None = None
    threads: int | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """How a question is put: as an exam puts it, or bare, where there is no exam.

    `source` says which, for people.
    """

    sampling: Sampling
    source: str
    wording: Wording | None = None
    exam: Exam | None = None

    def request(self, member: Member, text: str) -> Request:
        """The request of one question without what was said before."""
        if self.wording is None or self.exam is None:
            return Request(messages=(Message("user", text),), sampling=self.sampling, about=ABOUT)
        task = self.wording.task.name
        question = Question(task=task, key="asked", split="test", text=text, gold="")
        asked = self.wording.exam_request(member, question, self.exam.ask, self.sampling)
        return replace(asked, about=ABOUT)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question as it was put, and the answer that goes on in the conversation."""

    messages: tuple[Message, ...]
    answer: str


@dataclass(slots=True, eq=False)
class Side:
    """One model in a conversation. `label` is `before`, `after`, or "" for one by itself."""

    label: str
    member: Member
    turns: list[Turn] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Who speaks, in one line."""
        adapter = self.member.seat.adapter.removeprefix("b2:")[:8]
        trained = f", adapter {adapter}" if adapter else ""
        return f"{self.label:6}  {self.member.seat.model}{trained} ({self.member.identity.engine})"


class Conversation:
    """Sides that are asked the same questions, and each hears its own replies again.

    `together` keeps their engines open beside one another. `say` is told what was left out or cut.
    """

    def __init__(self, sides: list[Side], words: Words, *, together: bool, say: Say) -> None:
        self.sides = sides
        self.words = words
        self._together = together
        self._say = say
        self._engines: dict[str, Engine] = {}

    def reply(self, side: Side, text: str) -> Iterator[str]:
        """Yield a side's reply to a question, in pieces.

        Raises UsageError for a question that holds nothing, PromptTooLong when the question by
        itself does not fit the model's context.
        """
        request = self.words.request(side.member, checked(text))
        piece, pieces = self._begun(side, request)
        with closing(pieces):
            yield piece
            generation = yield from pieces
        self._keep(side, request, generation)

    def forget(self) -> None:
        """Begin anew: nothing that was said is heard again."""
        for side in self.sides:
            side.turns.clear()

    def close(self) -> None:
        """Free every model. Idempotent."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def _begun(self, side: Side, request: Request) -> tuple[str, Streamed]:
        """The first piece of a reply and the others; early turns are left out until it fits."""
        engine = self._engine(side)
        left_out = 0
        while True:
            messages = _after(side.turns[left_out:], request.messages)
            pieces = stream(engine, replace(request, messages=messages))
            try:
                piece = next(pieces)
            except PromptTooLong:
                if left_out == len(side.turns):
                    raise
                left_out += 1
                continue
            if left_out:
                del side.turns[:left_out]
                self._say(
                    f"{side.member.seat.model}: left out of its context: {_turns(left_out)}"
                    " from the beginning"
                )
            return piece, pieces

    def _engine(self, side: Side) -> Engine:
        if side.label not in self._engines:
            if not self._together:
                self.close()
            self._engines[side.label] = side.member.open()
        return self._engines[side.label]

    def _keep(self, side: Side, request: Request, generation: Generation) -> None:
        """What the next question of this side comes after."""
        # thinking is not heard again, as chat templates have it
        answer = (answer_of(generation.text) or "").strip()
        if answer:
            side.turns.append(Turn(request.messages, answer))
        if generation.finish == "length":
            self._say(
                f"{side.member.seat.model}: cut at {generation.completion_tokens} tokens;"
                " --max-tokens allows more"
            )


def converse(wanted: Wanted, say: Say) -> Conversation:
    """A conversation with whom the command line wants; no weights load before the first question.

    Raises UsageError when a run is not there or trained no student, and what resolving a model
    raises.
    """
    if wanted.model is not None:
        return _with_model(wanted, wanted.model, say)
    with Store.open(wanted.db) as store:
        run = wanted.run or newest_run_with_student(store)
        student = trained_student(store, run, wanted.workspace)
        words = _words(wanted, _exam_words(store, student.run, student.recipe))
    settings = student.settings
    day = date.fromisoformat(settings.date) if settings.date else None
    engine = wanted.engine or settings.student_engine or Options().student_engine
    options = Options(
        student_engine=engine, precision=settings.precision, batch=1, threads=wanted.threads
    )
    seating = Seating(wanted.workspace, student.run.seed, options, day)
    sides = []
    if wanted.only != "after":
        sides.append(Side("before", seating.member("student", 0, student.model_name)))
    if wanted.only != "before":
        adapter = student.adapter.id
        member = seating.member("student", 0, student.model_name, adapter, student.folder)
        sides.append(Side("after", member))
    return Conversation(sides, words, together=_fit_together(sides), say=say)


def checked(text: str) -> str:
    """A question without the space around it.

    Raises UsageError when it is empty or holds what no tokenizer reads.
    """
    text = text.strip()
    if not text:
        raise UsageError("the question is empty", 'ask something: localfair ask "What is 7 x 8?"')
    if "\0" in text or any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise UsageError("the question is not valid text", "write it as UTF-8")
    return text


def _with_model(wanted: Wanted, name: str, say: Say) -> Conversation:
    """A conversation with any model, in the words of a run where there is one."""
    if wanted.only is not None:
        raise UsageError(
            "--only is for the student of a run, and --model is one model", "leave one of them out"
        )
    exam_words = None
    if wanted.run is not None or exists(wanted.db):
        with Store.open(wanted.db) as store:
            run = wanted.run or newest_run_with_student(store) or newest_run(store)
            if run is not None:
                recorded = find_run(store, run)
                recipe = recorded_recipe(recorded.effective)
                exam_words = _exam_words(store, recorded, recipe)
    options = Options(engine=wanted.engine, batch=1, threads=wanted.threads)
    seating = Seating(wanted.workspace, 0, options)
    # a teacher's seat: the usual engine of the model's format, not the one that trains
    side = Side("", seating.member("teacher", 0, name))
    words = _words(wanted, exam_words)
    context = side.member.model.context
    if exam_words is None and wanted.max_tokens is None and context:
        room = min(BARE.max_tokens, max(1, context // 2))
        words = replace(words, sampling=replace(words.sampling, max_tokens=room))
    return Conversation([side], words, together=True, say=say)


def _exam_words(store: Store, run: Run, recipe: Recipe) -> Words | None:
    """The words of a run's last exam of its student, read greedily; None where it has no exam."""
    exam = None
    for _, step in recipe.steps():
        if isinstance(step, Exam) and step.role == "student":
            exam = step
    if exam is None:
        return None
    task = get_task(run.task, imported=store.tasks())
    return Words(
        sampling=replace(exam.sampling, temperature=0.0, top_p=1.0),
        source=f"in the words of the exams of run {run.id} ({run.recipe} on {run.task})",
        wording=Wording(task, Prompts(recipe.prompts, store.fence_key())),
        exam=exam,
    )


def _words(wanted: Wanted, exam_words: Words | None) -> Words:
    words = exam_words
    if words is None:
        words = Words(BARE, f"as they are: there is no run in {wanted.db} to take a prompt from")
    if wanted.bare:
        words = Words(words.sampling, "as they are")
    if wanted.max_tokens is not None:
        words = replace(words, sampling=replace(words.sampling, max_tokens=wanted.max_tokens))
    return words


def _after(turns: list[Turn], messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages of a question after what was said before; the system's turn stands first."""
    said: list[Message] = []
    for turn in turns:
        said += [message for message in turn.messages if message.role != "system"]
        said.append(Message("assistant", turn.answer))
    system = [message for message in messages if message.role == "system"]
    question = [message for message in messages if message.role != "system"]
    return (*system, *said, *question)


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count} turns"


def _fit_together(sides: list[Side]) -> bool:
    """Whether memory holds every side's weights at once: an estimate."""
    if len(sides) == 1:
        return True
    needed = 0
    for side in sides:
        model = side.member.model
        if not isinstance(model, Model) or not model.has_weights:
            continue
        wide = 2 if side.member.identity.engine.endswith("/fp32") else 1
        try:
            needed += wide * memory_needed(model, min(model.context or CONTEXT, CONTEXT), 1)
        except ModelError:
            return False
    if not needed:
        return True
    _, free = free_memory()
    return needed <= free
