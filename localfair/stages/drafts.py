"""Lessons before they are stored, and which of them repeat another one.

Reads and writes nothing. Knows nothing of how a lesson is picked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from localfair.recipe.schema import Distinct
from localfair.record.made import Lesson
from localfair.record.nouns import Kind, Message, Question
from localfair.stages.rows import draw
from localfair.tasks.steps import equations

REPEATED = "repeats another lesson"
Content = tuple[Kind, tuple[Message, ...], str | tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A lesson before it is stored.

    sources: (noun, id) of every row it came from. dropped:
    why nobody learns it, or None. contaminated: it shares text with dev or test. own: the student
    itself wrote it.
    """

    question: Question
    kind: Kind
    teacher: int | None
    prompt: tuple[Message, ...]
    completion: str
    sources: tuple[tuple[str, str], ...]
    dropped: str | None = None
    contaminated: bool = False
    own: bool = False

    @property
    def kept(self) -> bool:
        return self.dropped is None

    def drop(self, reason: str) -> Draft:
        """The draft with the reason why it is dropped; an earlier reason stays."""
        return replace(self, dropped=self.dropped or reason)

    def taint(self, reason: str) -> Draft:
        """The draft, dropped because it shares text with dev or test."""
        return replace(self, dropped=reason, contaminated=True)

    def content(self, distinct: Distinct) -> Content:
        """What makes it the same lesson as another, whoever wrote either."""
        if distinct == "equations" and self.kind == "rationale":
            steps = equations(self.completion)
            if steps:
                return self.kind, self.prompt, steps
        return self.kind, self.prompt, " ".join(self.completion.split())

    def lesson(self) -> Lesson:
        """The draft as the record keeps it."""
        return Lesson(
            question=self.question.id,
            split=self.question.split,
            kind=self.kind,
            teacher=self.teacher,
            prompt=self.prompt,
            completion=self.completion,
            weight=1.0,
            dropped=self.dropped,
            sources=self.sources,
        )


def drop_repeats(drafts: Iterable[Draft], distinct: Distinct = "text") -> list[Draft]:
    """The drafts, those dropped that repeat the prompt and the completion of a kept one.

    A completion is repeated by the same text up to white space, or by the same equations.
    """
    seen: set[Content] = set()
    unique: list[Draft] = []
    for draft in drafts:
        if not draft.kept:
            unique.append(draft)
            continue
        content = draft.content(distinct)
        unique.append(draft.drop(REPEATED) if content in seen else draft)
        seen.add(content)
    return unique


def drop_beyond(seed: int, count: int, drafts: list[Draft]) -> list[Draft]:
    """The drafts, those dropped that go beyond `count` lessons.

    Questions are drawn at random; one is taken, whole, when all of its lessons still fit.
    """
    lessons_of: dict[str, int] = {}
    for draft in drafts:
        if draft.kept:
            lessons_of[draft.question.id] = lessons_of.get(draft.question.id, 0) + 1
    taken: set[str] = set()
    left = count
    for question in draw(seed, "at_most", lessons_of):
        if lessons_of[question] <= left:
            taken.add(question)
            left -= lessons_of[question]
    beyond = f"beyond the {count} lessons wanted"
    return [draft if draft.question.id in taken else draft.drop(beyond) for draft in drafts]
