"""A run rehearsed: every step on a copy of the record, with a committee that answers from the record and asks nobody.

Reads the record; writes only the copy. What cannot be known before something is asked is bounded from above: an
answer not given yet may be a mistake, an explanation not written yet may be reviewed by everybody.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from localfair.committee.ask import Call, Committee
from localfair.committee.seating import Member
from localfair.pipeline import runs as pipeline
from localfair.recipe.schema import AnyStep, Exam, Inquire, Review, Soften, Train
from localfair.record.connection import exists
from localfair.record.nouns import EngineIdentity
from localfair.record.store import Row
from localfair.stages.step import Done, Work
from localfair.stages.train import trained_before
from localfair.stages.train_plan import plan as training


@dataclass(slots=True)
class Share:
    """What one step wants of one engine."""

    member: Member
    recorded: int = 0
    calls: list[Call] = field(default_factory=list)
    more: int = 0  # calls that may be added by what is not known yet


@dataclass(slots=True)
class Rehearsed:
    """One step: its shares by engine; for a train step the lessons known and those that may be added."""

    step: AnyStep
    round: int
    shares: dict[EngineIdentity, Share] = field(default_factory=dict)
    lessons: int = 0
    more_lessons: int = 0
    trained: bool = False  # the very same adapter is in the record
    unknown: int = (
        0  # rows (answers, explanations, lessons) this step may yet make, beside those it finds
    )

    def share(self, member: Member) -> Share:
        return self.shares.setdefault(member.identity, Share(member))


class Silent(Committee):
    """Yields what the record holds and notes what it does not; opens nothing."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.now: Rehearsed | None = None

    def ask(self, calls: Iterable[Call], label: str = "") -> Iterator[tuple[Call, Row]]:
        assert self.now is not None
        waiting = self._waiting(calls)
        recorded = self.store.recorded(waiting)
        for generation, same in waiting.items():
            share = self.now.share(same[0].member)
            if generation in recorded:
                share.recorded += 1
                yield from ((call, recorded[generation]) for call in same)
            else:
                share.calls.append(same[0])


def rehearse(order: pipeline.Order, until: str | None = None) -> list[Rehearsed]:
    """Every step of the run that `order` would make. Raises what `pipeline.run` raises for bad input."""
    with tempfile.TemporaryDirectory(prefix="localfair-plan-") as folder:
        copied = _copy(order.db, Path(folder))
        steps: list[Rehearsed] = []

        def stage(work: Work, step: AnyStep) -> dict[str, Any]:
            steps.append(Rehearsed(step, work.round))
            return _rehearse_step(work, step, steps)

        pipeline.run(
            replace(order, db=copied), until=until, say=lambda line: None, progress=lambda *_: None,
            stages=dict.fromkeys(pipeline.STAGES, stage), seated=Silent,
        )  # fmt: skip
    return steps


def _copy(db: Path, folder: Path) -> Path:
    """The record as it is now, beside a link to its adapters."""
    copied = folder / db.name
    if exists(db):
        read_only = f"file:{db.resolve()}?mode=ro"
        with (
            closing(sqlite3.connect(read_only, uri=True)) as source,
            closing(sqlite3.connect(copied)) as target,
        ):
            source.backup(target)
        adapters = f"{db.stem}-adapters"
        (folder / adapters).symlink_to((db.parent / adapters).resolve())
    return copied


def _rehearse_step(work: Work, step: AnyStep, steps: list[Rehearsed]) -> dict[str, Any]:
    now = steps[-1]
    assert isinstance(work.committee, Silent)
    work.committee.now = now
    if isinstance(step, Train):
        return _rehearse_training(work, step, now, _unknown_before(work, steps, ("select",)))
    if isinstance(step, Soften):
        return _rehearse_softening(work, step, now, _unknown_before(work, steps, ("select",)))
    outcome = pipeline.STAGES[step.stage](work, step)
    asked = [call for share in now.shares.values() for call in share.calls]
    # several reviews make one verdict
    made = len({call.tag["id"] for call in asked}) if isinstance(step, Review) else len(asked)
    now.unknown = made + _bound(work, step, now, steps)
    if (
        isinstance(step, Exam) and asked
    ):  # what is unknown may go on improving: no round is left out
        outcome |= {"right": 1000 + work.round, "answers": 1}
    return outcome


def _unknown_before(work: Work, steps: list[Rehearsed], stages: tuple[str, ...]) -> int:
    """Rows that the steps read by this one may yet make."""
    read = {(d.round, d.step.id) for d in _read(work, steps[-1].step, stages)}
    return sum(s.unknown for s in steps[:-1] if (s.round, s.step.id) in read)


def _read(work: Work, step: AnyStep, stages: tuple[str, ...]) -> list[Done]:
    having = {"split": "train"} if stages == ("exam",) else {}
    return work.earlier(step, stages, **having)


def _bound(work: Work, step: AnyStep, now: Rehearsed, steps: list[Rehearsed]) -> int:
    """Give the step's engines what the unknown may add; how many rows that may make."""
    if isinstance(step, Inquire) and step.about == "mistakes":
        return _bound_inquire(work, step, now, _unknown_before(work, steps, ("exam",)))
    if isinstance(step, Review) and step.mode != "none":
        return _bound_review(work, now, _unknown_before(work, steps, ("inquire",)))
    if isinstance(step, Exam | Inquire):
        return 0
    return _unknown_before(work, steps, ("review", "inquire"))


def _bound_inquire(work: Work, step: Inquire, now: Rehearsed, mistakes: int) -> int:
    kinds = (step.write.feedback, step.write.rationale)
    each = sum(kind.samples for kind in kinds if kind)
    members = work.committee.of(step.role)
    for member in members:
        now.share(member).more += mistakes * each
    return mistakes * each * len(members)


def _bound_review(work: Work, now: Rehearsed, explanations: int) -> int:
    """Every explanation to every seat but its author's; authors wrote alike many."""
    reviewers, authors = work.committee.reviewers(), work.committee.of("teacher")
    for member in reviewers:
        others = sum(author.seat.id != member.seat.id for author in authors)
        now.share(member).more += explanations * others // max(1, len(authors))
    return explanations


def _rehearse_softening(work: Work, step: Soften, now: Rehearsed, more: int) -> dict[str, Any]:
    """One pass over each lesson; which of them are softened already is known only with their tokens."""
    rows = work.rows("lessons", "lesson", work.earlier(step, ("select",)))
    now.lessons, now.more_lessons = sum(not row["dropped"] for row in rows), more
    return {"lessons": now.lessons, "softened": 0}


def _rehearse_training(work: Work, step: Train, now: Rehearsed, more: int) -> dict[str, Any]:
    """Seat the adapter that the record holds; else one that nobody has, so that nothing it will say is found."""
    planned = training(work, step)
    now.lessons, now.more_lessons = len(planned.lessons), more
    found = None if more else trained_before(work, planned.id) if planned.lessons else None
    now.trained = found is not None
    if step.best_epoch and not now.trained and (planned.lessons or more):
        now.share(planned.member).more += step.epochs * len(work.questions("dev"))
    if planned.lessons or more:
        adapter = planned.id if now.trained else f"to be trained in round {work.round}"
        work.seat_adapter(step.role, adapter, work.store.path.parent)
    row = found or {"lessons": 0, "steps": 0, "first_loss": 0.0, "last_loss": 0.0}
    return {
        "lessons": now.lessons,
        "trained": row["lessons"] or now.lessons + more,
        "steps": row["steps"],
    }
