"""Union coverage: how many questions the best teacher solves, and how many more anybody does.

Reads the answers of one run; writes nothing and asks nobody. A committee of teachers can give more
right answers than its best member only where the others solve what that one does not. The interval
is paired, over questions: each is one that the best teacher leaves and another solves, or not. Ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from localfair.errors import TaskError
from localfair.record.answered import answered_in
from localfair.record.nouns import Grade, Question
from localfair.record.store import Store
from localfair.report.statistics import Interval, mean_interval

Sound = Callable[[Question, str], bool | None]
Solved = Mapping[str, Mapping[str, bool]]  # by teacher, whether each question was answered right


@dataclass(frozen=True, slots=True, kw_only=True)
class Solver:
    """One teacher, or all of them together: what was solved, and what it took.

    followed: right answers whose steps the task could follow; sound: those of them that are true.
    tokens: read and written for all questions. tokens_each: per right answer, None without one.
    """

    who: str
    right: int
    followed: int
    sound: int
    unreadable: int
    tokens: int
    tokens_each: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What teachers solve of the questions that all of them answered.

    more: union less best, in questions; interval: the same as a share of the questions, 95 %.
    """

    task: str
    questions: int
    teachers: tuple[Solver, ...]
    together: Solver
    best: str
    more: int
    interval: Interval

    @property
    def can_win(self) -> bool:
        """Whether the interval of union less best leaves out 0."""
        return self.interval[0] > 0

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "can_win": self.can_win}


@dataclass(slots=True)
class _Sheet:
    """One teacher's answers: right, sound and unreadable by question, and their tokens."""

    right: dict[str, bool] = field(default_factory=dict)
    sound: dict[str, bool | None] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    tokens: int = 0

    def solver(self, who: str) -> Solver:
        """The sheet summed up."""
        right = sum(self.right.values())
        followed = [sound for sound in self.sound.values() if sound is not None]
        return Solver(
            who=who,
            right=right,
            followed=len(followed),
            sound=sum(followed),
            unreadable=len(self.unreadable),
            tokens=self.tokens,
            tokens_each=self.tokens / right if right else None,
        )


def coverage_of(store: Store, run: str, sound: Sound) -> Coverage:
    """What the teachers of a run's exam solve. Raises TaskError without two teachers' answers."""
    by_seat: dict[tuple[int, str], _Sheet] = {}
    task = ""
    for answer in answered_in(store, run):
        task = answer.question.task
        sheet = by_seat.setdefault((answer.seat, answer.model), _Sheet())
        is_right = answer.grade is Grade.RIGHT
        sheet.right[answer.question.id] = is_right
        if is_right:
            sheet.sound[answer.question.id] = sound(answer.question, answer.text)
        if answer.grade is Grade.UNREADABLE:
            sheet.unreadable.add(answer.question.id)
        sheet.tokens += answer.tokens
    sheets = _named(by_seat)
    if len(sheets) < 2:
        raise TaskError(
            "the record holds no answers of two teachers",
            "give the same command again: what failed is asked again",
        )
    solved = {who: sheet.right for who, sheet in sheets.items()}
    teachers = tuple(sheet.solver(who) for who, sheet in sheets.items())
    together = _together(sheets).solver("anybody")
    best = max(teachers, key=lambda solver: (solver.right, -solver.tokens))
    questions = len(_common(solved))
    return Coverage(
        task=task,
        questions=questions,
        teachers=teachers,
        together=together,
        best=best.who,
        more=together.right - best.right,
        interval=union_interval(solved, best.who),
    )


def _named(by_seat: Mapping[tuple[int, str], _Sheet]) -> dict[str, _Sheet]:
    """Sheets by their teacher's name, with the seat's number where two have one name."""
    models = [model for _, model in by_seat]
    named: dict[str, _Sheet] = {}
    for (seat, model), sheet in by_seat.items():
        who = model if models.count(model) == 1 else f"{model}#{seat}"
        named[who] = sheet
    return named


def _together(sheets: Mapping[str, _Sheet]) -> _Sheet:
    """What anybody solved; unreadable is what nobody's answer could be read of."""
    union = _Sheet(tokens=sum(sheet.tokens for sheet in sheets.values()))
    for sheet in sheets.values():
        for question, is_right in sheet.right.items():
            union.right[question] = is_right or union.right.get(question, False)
        for question, is_sound in sheet.sound.items():
            # one sound answer is enough, and a doubt is better than an unsound one
            union.sound[question] = _better(union.sound.get(question, False), is_sound)
    union.unreadable = set.intersection(*(sheet.unreadable for sheet in sheets.values()))
    return union


def _better(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if one is None or other is None else False


def _common(solved: Solved) -> list[str]:
    """The questions that every teacher answered, in their order."""
    first, *others = solved.values()
    return [question for question in first if all(question in other for other in others)]


def union_interval(solved: Solved, best: str) -> Interval:
    """The 95 % interval of union less best, as a share of the questions that all answered.

    See `mean_interval`: a bootstrap, or Tango's where nobody adds anything or others add
    everything. Nothing below 0: a union loses nothing.
    """
    added = []
    for question in _common(solved):
        anybody = any(right[question] for right in solved.values())
        added.append(float(anybody and not solved[best][question]))
    low, high = mean_interval(added)
    return max(0.0, low), high
