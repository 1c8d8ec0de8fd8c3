"""What a run found: counts, acceptance, accuracy with intervals, the paired change.

Reads a run's rows from the record; writes nothing, asks nobody.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from localfair.errors import UsageError
from localfair.record.exams import exam_scores
from localfair.record.failed_calls import failed_count
from localfair.record.licences import Ledger, ledger
from localfair.record.made import Adapter, Run, RunStep
from localfair.record.nouns import Grade, Seat
from localfair.record.resolving import Wanted, newest, resolve
from localfair.record.runs import adapters_of, newest_run, positions_of, run_now
from localfair.record.store import Store
from localfair.record.summaries import (
    Authored,
    Lengths,
    Scored,
    accepted_count,
    authored,
    kept_lesson_count,
    lengths,
    linked_count,
    mistake_count,
    own_lesson_count,
    sat,
    scored,
)
from localfair.record.tables import SEATS
from localfair.report.statistics import Change, Interval, paired, wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """One exam: how many answers were right, with the 95 % interval of their share.

    unreadable: the answers that nothing could be read from. tokens: the mean length of a reply.
    unfinished: the replies that were cut off at their limit.
    """

    step: str
    right: int
    questions: int
    accuracy: float
    interval: Interval
    unreadable: int
    tokens: float = 0.0
    unfinished: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorCount:
    """What an author wrote of one kind, or all of them together.

    right: None for a feedback, which has no answer to check.
    """

    what: Literal["author"] = "author"
    kind: str
    who: str
    count: int
    accepted: int
    right: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerCount:
    """What one reviewer gave explanations of one kind; `mean` is None when no score could be read."""

    what: Literal["reviewer"] = "reviewer"
    kind: str
    who: str
    count: int
    unreadable: int
    mean: float | None
    above_3: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedAdapter:
    """An adapter as a report shows it."""

    id: str
    steps: int
    seconds: float
    tokens: int
    peak_memory: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """A step as a report shows it; `outcome` is None until the step has ended."""

    step: str
    stage: str
    round: int
    calls: int
    reused: int
    loads: int
    outcome: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything about one run.

    settings: as its command line gave them. own_lessons: those of `lessons` that the student wrote
    itself. before, after, change: the student's first exam, the last, and the change between them,
    None for what was not done; on test, or on dev where no exam was on test (`exam_scores`). worse:
    the change in words, where the student came out worse. adapter: the last of `adapters`, which
    holds ids. licences: what all of it is under.
    """

    run: str
    recipe: str
    task: str
    seed: int
    status: str
    settings: dict[str, Any]
    calls: int
    reused: int
    loads: int
    failed_calls: int
    questions: int
    mistakes: int
    explanations: int
    reviews: int
    accepted: int
    lessons: int
    own_lessons: int
    acceptance: list[AuthorCount | ReviewerCount]
    before: Accuracy | None
    after: Accuracy | None
    change: Change | None
    worse: str | None
    adapter: TrainedAdapter | None
    adapters: list[str]
    steps: list[StepOutcome]
    licences: Ledger

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        data: dict[str, Any] = {}
        for key, value in asdict(self).items():
            data[key] = value
            if key == "calls":
                # the name of `calls` before this release; the next one drops it
                data["backend_calls"] = value
        for name in ("failed_calls", "own_lessons"):
            if not data[name]:
                del data[name]
        data["licences"] = self.licences.as_data()
        return data


# -- runs -----------------------------------------------------------------------------------------


def latest_run(store: Store) -> str:
    """The id of the newest run. Raises UsageError when there is none."""
    run = newest_run(store)
    if run is None:
        raise UsageError(
            f"{store.path} holds no run", "make one with `localfair run quickstart --fetch`"
        )
    return run


def find_run(store: Store, run: str | None, wanted: Wanted = Wanted.STEP) -> Run:
    """A run by its id or the beginning of it.

    For None the newest that has what is wanted, and where none has it the newest of all. Raises
    UsageError when there is none.
    """
    if run is not None:
        run_id = resolve(store, run, ["run"]).id
    else:
        chosen = newest(store, wanted)
        run_id = chosen.run if chosen else latest_run(store)
    found = run_now(store, run_id)
    assert found is not None, "the id was read from the record"
    return found


def report(store: Store, run: str) -> Findings:
    """Everything about one run. Raises UsageError when the run is not in the record."""
    head = find_run(store, run)
    run = head.id
    steps = store.steps(run)
    adapters = adapters_of(store, run)
    before, after, change = _before_and_after(store, run, steps)
    return Findings(
        run=run,
        recipe=head.recipe,
        task=head.task,
        seed=head.seed,
        status=head.status,
        settings=json.loads(head.settings),
        calls=sum(step.calls for step in steps),
        reused=sum(step.reused for step in steps),
        loads=sum(step.loads for step in steps),
        failed_calls=failed_count(store, run),
        questions=linked_count(store, run, "question"),
        mistakes=mistake_count(store, run, positions_of(steps, "exam")),
        explanations=linked_count(store, run, "explanation"),
        reviews=linked_count(store, run, "review"),
        accepted=accepted_count(store, run),
        lessons=kept_lesson_count(store, run, positions_of(steps, "select")),
        own_lessons=own_lesson_count(store, run, positions_of(steps, "select")),
        acceptance=acceptance(store, run),
        before=before,
        after=after,
        change=change,
        worse=worse(change),
        adapter=_trained(store.adapter(adapters[-1])) if adapters else None,
        adapters=adapters,
        steps=[_outcome(step) for step in steps],
        licences=ledger(store, head),
    )


def _outcome(step: RunStep) -> StepOutcome:
    return StepOutcome(
        step=step.step,
        stage=step.stage,
        round=step.round,
        calls=step.calls,
        reused=step.reused,
        loads=step.loads,
        outcome=json.loads(step.outcome) if step.outcome else None,
    )


def _trained(adapter: Adapter | None) -> TrainedAdapter | None:
    if adapter is None:
        return None
    return TrainedAdapter(
        id=adapter.id,
        steps=adapter.steps,
        seconds=adapter.seconds,
        tokens=adapter.tokens,
        peak_memory=adapter.peak_memory,
        path=adapter.path,
    )


# -- exams ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class ComparedExam:
    """An exam of the student in one step: its grades, and whether each question's answer is
    right.
    """

    step: str
    lengths: Lengths
    grades: Counter[str] = field(default_factory=Counter)
    right: dict[str, bool] = field(default_factory=dict)

    def accuracy(self) -> Accuracy:
        """The share of right answers with its interval."""
        right = self.grades[Grade.RIGHT]
        total = self.grades.total()
        return Accuracy(
            step=self.step,
            right=right,
            questions=total,
            accuracy=right / total,
            interval=wilson(right, total),
            unreadable=self.grades[Grade.UNREADABLE],
            tokens=self.lengths.tokens,
            unfinished=self.lengths.unfinished,
        )


def compared_exams(store: Store, run: str, steps: Iterable[RunStep]) -> Iterator[ComparedExam]:
    """The exams that the run's students are compared by, among its steps and in order."""
    positions = {exam.position for exam in exam_scores(store, run).get(run, [])}
    for step in steps:
        if step.position not in positions or step.ended is None:
            continue
        exam = ComparedExam(step.step, lengths(store, run, step.position))
        for question, grade in sat(store, run, step.position):
            exam.grades[grade] += 1
            exam.right[question] = grade == Grade.RIGHT
        if exam.right:
            yield exam


def _before_and_after(
    store: Store, run: str, steps: Iterable[RunStep]
) -> tuple[Accuracy | None, Accuracy | None, Change | None]:
    """The first exam and the last, and the change between them; None for what was not
    done.
    """
    exams = compared_exams(store, run, steps)
    first = next(exams, None)
    last: ComparedExam | None = None
    for exam in exams:  # one at a time: an exam may hold a million answers
        last = exam
    if first is None:
        return None, None, None
    if last is None:
        return first.accuracy(), None, None
    return first.accuracy(), last.accuracy(), paired(first.right, last.right)


def worse(change: Change | None) -> str | None:
    """In words, that a student came out worse than it went in; None where it did not.

    What the paired interval cannot tell from no change is said to be so.
    """
    if change is None or change.difference >= 0:
        return None
    points = f"{100 * -change.difference:.1f} points"
    if change.interval[1] < 0:
        return f"the student came out worse than it went in, by {points}"
    return (
        f"the student came out {points} below where it went in; "
        "the interval holds 0, so that may be chance"
    )


# -- explanations and their reviews ---------------------------------------------------------------


def acceptance(store: Store, run: str) -> list[AuthorCount | ReviewerCount]:
    """By kind of explanation: what was accepted of each author's, and what each reviewer gave."""
    by_author = authored(store, run)
    by_reviewer = scored(store, run)
    seat_ids = {count.seat for count in by_author} | {count.seat for count in by_reviewer}
    seats = sorted(store.get(SEATS, seat_ids).values(), key=lambda seat: (seat.index, seat.id))
    names = {seat.id: seat_name(seat) for seat in seats}
    order = list(names)
    counts: list[AuthorCount | ReviewerCount] = []
    for kind in sorted({count.kind for count in by_author}):
        authors = [count for count in by_author if count.kind == kind]
        authors.sort(key=lambda count: order.index(count.seat))
        counts.append(_author(kind, "all", authors))
        counts += [_author(kind, names[count.seat], [count]) for count in authors]
        reviewers = [count for count in by_reviewer if count.kind == kind]
        reviewers.sort(key=lambda count: order.index(count.seat))
        counts += [_reviewer(names[count.seat], count) for count in reviewers]
    return counts


def _author(kind: str, who: str, counts: Iterable[Authored]) -> AuthorCount:
    """What authors wrote; a feedback has no answer to check."""
    counts = list(counts)
    right = None
    if kind == "rationale":
        right = sum(count.right for count in counts)
    return AuthorCount(
        kind=kind,
        who=who,
        count=sum(count.written for count in counts),
        accepted=sum(count.accepted for count in counts),
        right=right,
    )


def _reviewer(who: str, count: Scored) -> ReviewerCount:
    return ReviewerCount(
        kind=count.kind,
        who=who,
        count=count.given,
        unreadable=count.given - count.scored,
        mean=count.mean,
        above_3=count.above_3,
    )


def seat_name(seat: Seat) -> str:
    """`teacher#0 qwen…`: the role, the index and the model of a seat."""
    return f"{seat.role}#{seat.index} {seat.model}"
