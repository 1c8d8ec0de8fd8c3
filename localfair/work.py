"""What a stage is handed: the record, the task, the committee, its place in the run, and the prompts.

Reads and writes a run's links. Knows nothing of what any one stage does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from localfair.committee import PIECE, Committee, Place, request_seed
from localfair.errors import RecipeError, TaskError
from localfair.recipe_check import named_inputs
from localfair.records import Message, Question, Request, Sampling, content_id
from localfair.store import Row, Store
from localfair.tasks.base import Task
from localfair.vocabulary import AnyStep, SamplingKeys


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
    seat_adapter: Callable[[str, str, Path], None]  # (role, adapter id, folder): seat the role with it from now on
    limits: dict[str, int | None] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    # role -> the chat template that its card puts in the place of the weights' own
    chat_template: Callable[[str], str | None] = lambda role: None
    pool: list[Question] | None = None  # what demonstrations are drawn from, in the run's order, once it is asked for

    def questions(self, split: str) -> list[Question]:
        """This run's questions of a split. Raises TaskError when it has none."""
        limit = self.limits.get("train" if split == "train" else "test")
        found = self.store.questions(self.task.name, split, limit)
        if not found:
            raise TaskError(f"task {self.task.name!r} has no {split} questions", "see `localfair tasks show`")
        return found

    def tokenizer(self, role: str) -> Any:
        """The tokenizer that a role's exams and lessons are both made with."""
        from localfair.lessons import load_tokenizer

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


class Prompts:
    """A recipe's templates, rendered to messages; text a model wrote is fenced."""

    def __init__(self, templates: dict[str, str], fence_key: bytes) -> None:
        self._templates = templates
        self._key = fence_key

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        environment = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        environment.filters["fence"] = self.fence
        return environment

    def fence(self, text: str) -> str:
        """`text` between marks that do not stand in it: a keyed hash of the text itself, which its author could not
        know; short, since a reviewer reads four.

        The same text renders the same bytes in every run of one database (ours).
        """
        hashes = (hashlib.blake2b(text.encode(), key=self._key, digest_size=n).hexdigest() for n in range(2, 65))
        mark = next(found for found in hashes if found not in text)
        return f"<<<{mark}\n{text}\n{mark}>>>"

    def render(self, name: str, **values: Any) -> tuple[Message, ...]:
        """The messages of a prompt: one user turn, unless the template marks turns with `--- role ---` lines."""
        source = TURN.sub("\x02\\1\x03", self._templates[name])
        try:
            text = self._environment.from_string(source).render(values)
        except TemplateError as error:
            raise RecipeError(f"prompts/{name}.md: {error}", "mend the template") from error
        return _turns(text)


TURN = re.compile(r"^--- (system|user|assistant) ---\s*$", re.M)


def _turns(text: str) -> tuple[Message, ...]:
    """Split at the template's own marks; a quoted text that contains such a line stays text."""
    first, *rest = re.split("\x02(system|user|assistant)\x03", text)
    pairs = [("user", first), *zip(rest[::2], rest[1::2], strict=True)]
    return tuple(Message(role, body.strip()) for role, body in pairs if body.strip())


def exam_request(
    work: Work, ask: str, sampling: SamplingKeys, place: Place, question: Question, sample: int = 0
) -> Request:
    """A role's own prompt in an exam: the very one that its lessons are trained with."""
    return Request(
        messages=work.prompts.render(f"ask-{ask}", **work.values(question)),
        sampling=sampling_of(sampling),
        seed=request_seed(place.seat, question=question.id, sample=sample),
        sample=sample,
        about=f"question {question.key} of {question.task}",
    )


def sampling_of(keys: SamplingKeys) -> Sampling:
    """A recipe's sampling table as the request's."""
    return Sampling(**keys.model_dump())


def draw(seed: int, purpose: str, items: list[Row], count: int) -> list[Row]:
    """`count` of the items, in an order that depends only on the seed, the purpose and their ids (ours)."""
    return sorted(items, key=lambda row: content_id("draw", seed=seed, purpose=purpose, row=row["id"]))[:count]


def demonstrations(work: Work, question: Question, count: int) -> list[Question]:
    """`count` train questions with gold rationales, never the question itself, drawn per run (TinyLLM §3: random).

    The same for every question of the run, so that they stand in a shared prefix, except where one is the question.
    """
    if not count:
        return []
    if work.pool is None:
        found = {q.id: q for q in work.store.questions(work.task.name, "train") if q.rationale}
        order = draw(work.seed, "demonstration", [{"id": i} for i in found], len(found))
        work.pool = [found[row["id"]] for row in order]
    if len(work.pool) <= count:
        raise TaskError(
            f"task {work.task.name!r} has too few gold rationales for {count} demonstrations", "set demonstrations=0"
        )
    return [q for q in work.pool[: count + 1] if q.id != question.id][:count]


def with_texts(work: Work, explanations: Iterable[Row]) -> list[Row]:
    """Explanations with what they say, how the reply ended, the mistake's own text, and the author's seat."""
    found = list(explanations)
    generations = work.store.recorded(e["generation"] for e in found)
    answers = work.store.by_ids("answers", (e["answer"] for e in found if e["answer"]))
    mistakes = work.store.recorded(a["generation"] for a in answers.values())
    seats = work.store.by_ids("seats", (e["seat"] for e in found))
    for e in found:
        generation, answer, seat = generations[e["generation"]], answers.get(e["answer"]), seats[e["seat"]]
        e["text"], e["finish"] = generation["text"].strip(), generation["finish"]
        e["mistake"] = mistakes[answer["generation"]]["text"].strip() if answer else ""
        e["fingerprint"], e["teacher"] = seat["fingerprint"], seat["index"]
    return found


def grouped(rows: Iterable[Row], column: str) -> dict[Any, list[Row]]:
    """Rows by the value of a column, in their order."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found
