"""Do a run again, from what the record says of it, and say what came out different.

Reads a record; writes a new one. The new record takes the old one's questions and key, so that the
same things are asked; what models said is asked anew. Ours.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from localfair.committee.ask import Progress
from localfair.committee.seating import Options
from localfair.errors import StoreError, UsageError
from localfair.machine.files import whole
from localfair.machine.versions import versions
from localfair.machine.workspace import workspace_dir
from localfair.pipeline.orders import Order
from localfair.pipeline.prepared import Prepared, Say, prepare, quiet
from localfair.pipeline.runs import run_prepared
from localfair.recipe.load import recorded_recipe
from localfair.record.connection import must_be_file
from localfair.record.made import Run
from localfair.record.matching import begin_like, lessons_of, said_in, seats_of
from localfair.record.runs import settings_of
from localfair.record.store import Store
from localfair.report.findings import Accuracy, find_run, report

MOST_NAMED = 10  # differences of a step that are named


@dataclass(slots=True)
class Compared:
    """The replies of one step in both runs.

    other_text: another text at the same place. other_result: another grade or score there.
    only_old, only_new: places that only one run has, since earlier replies led elsewhere.
    """

    step: str
    places: int = 0
    other_text: int = 0
    other_result: int = 0
    only_old: int = 0
    only_new: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether both runs said the same in this step."""
        return not (self.other_text or self.other_result or self.only_old or self.only_new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """What came out of doing a run again.

    lessons: how many each run has, and how many are in both. before, after: accuracies, old and new.
    changed: packages and machines that differ, as `name: old -> new`.
    """

    old: str
    new: str
    steps: list[Compared]
    lessons: tuple[int, int, int]
    before: tuple[Accuracy | None, Accuracy | None]
    after: tuple[Accuracy | None, Accuracy | None]
    changed: list[str]

    @property
    def is_same(self) -> bool:
        """Whether every reply and every lesson is the same."""
        old, new, both = self.lessons
        return all(step.is_same for step in self.steps) and old == new == both

    def reasons(self) -> list[str]:
        """What is known to make replies differ; empty where none does."""
        if self.is_same:
            return []
        reasons = [
            "real engines round by how requests are batched: a reply is the same only where what is"
            " asked beside it is, too",
            "real engines round by the processor's or the GPU's instructions: another machine says"
            " other things",
        ]
        if self.changed:
            reasons.append("versions differ: " + "; ".join(self.changed))
        return reasons


def reproduce(
    db: Path, run: str | None, out: Path, *, say: Say = quiet, progress: Progress
) -> Reproduced:
    """Do a run again into a new record at `out`; one that was begun so goes on.

    A run that stopped after a step is done up to that step. Raises UsageError when there is no such
    run, when `out` is something else, or when a model's weights are no longer those of the run.
    """
    with Store.open(db) as store:
        old = find_run(store, run)
        is_begun = _is_begun(out, store)
        prepared = _prepared(store, old, out)
        with contextlib.ExitStack() as stack:
            # a new record has its name when it can be gone on with, whatever ends this process
            path = out if is_begun else stack.enter_context(whole(out, "--out"))
            with Store.open(path, create=True) as target:
                begin_like(store, target, old)
    new = run_prepared(prepared, say=say, progress=progress)
    with Store.open(db) as store, Store.open(out) as target:
        return _compared(store, old, target, new)


def _is_begun(out: Path, store: Store) -> bool:
    """Whether `out` is a record that `reproduce` began: it has the key of the one it began from.

    Raises UsageError when something else is there, StoreError when its folder is not.
    """
    if not out.exists() and not out.is_symlink():
        must_be_file(out)
        return False
    is_same = out.exists() and out.samefile(store.path)
    if not is_same and out.is_file():
        with contextlib.suppress(StoreError), Store.open(out) as begun:
            if begun.fence_key() == store.fence_key():
                return True
    raise UsageError(f"there is something at {out} already", "name a new record")


def _prepared(store: Store, old: Run, out: Path) -> Prepared:
    order = _order(store, old, out)
    steps = store.steps(old.id)
    whole = [step.id for _, step in order.recipe.steps()]
    if not steps:
        raise UsageError(f"run {old.id} did no step", "see `localfair report --list`")
    until = steps[-1].step if len(steps) < len(whole) else None
    # the questions are those of the old record: the new one is not there yet
    prepared = prepare(order, until)
    recorded = {(seat.role, seat.index): seat for seat in seats_of(store, old.id)}
    for member in prepared.members:
        before = recorded.get((member.seat.role, member.seat.index))
        if before is None or before.fingerprint != member.seat.fingerprint:
            raise UsageError(
                f"{member.seat} has other weights than in run {old.id}",
                "get the weights that `localfair models check` knows, or run the recipe anew",
            )
    return Prepared(
        order=replace(order, db=out),
        until=until,
        task=prepared.task,
        members=prepared.members,
        dataset=None,
    )


def _order(store: Store, old: Run, out: Path) -> Order:
    settings = settings_of(old)
    recorded: dict[str, Any] = json.loads(old.settings)
    day = datetime.date.fromisoformat(settings.date) if settings.date else datetime.date.today()
    options = Options(
        engine=settings.engine,
        student_engine=settings.student_engine or Options().student_engine,
        precision=settings.precision,
    )
    return Order(
        recipe=recorded_recipe(old.effective),
        task=old.task,
        student=settings.student,
        teachers=settings.teachers,
        reviewers=settings.reviewers,
        mentor=settings.mentor,
        db=store.path,
        workspace=workspace_dir(),
        train_limit=recorded["train_limit"],
        test_limit=recorded["test_limit"],
        seed=old.seed,
        options=options,
        date=day,
    )


# -- comparing ------------------------------------------------------------------------------------


def _compared(store: Store, old: Run, target: Store, new: str) -> Reproduced:
    found = report(store, old.id)
    found_now = report(target, new)
    lessons = Counter(lessons_of(store, old.id))
    lessons_now = Counter(lessons_of(target, new))
    return Reproduced(
        old=old.id,
        new=new,
        steps=list(_steps(store, old.id, target, new)),
        lessons=(lessons.total(), lessons_now.total(), (lessons & lessons_now).total()),
        before=(found.before, found_now.before),
        after=(found.after, found_now.after),
        changed=list(_changed(json.loads(old.versions), versions())),
    )


def _steps(store: Store, old: str, target: Store, new: str) -> Iterator[Compared]:
    """Both runs' replies step by step; of each run those of all steps are held."""
    said = dict(said_in(store, old))
    said_now = dict(said_in(target, new))
    compared: dict[int, Compared] = {}
    for place in sorted([*said, *(set(said_now) - set(said))], key=lambda place: place.position):
        step = compared.setdefault(place.position, Compared(place.step))
        step.places += 1
        where = f"{place.noun} on {place.question} by {place.role} {place.index}"
        if place not in said_now:
            step.only_old += 1
        elif place not in said:
            step.only_new += 1
        elif said[place] != said_now[place]:
            step.other_text += said[place].text != said_now[place].text
            step.other_result += said[place].result != said_now[place].result
            if len(step.named) < MOST_NAMED:
                step.named.append(where)
    yield from compared.values()


def _changed(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"{name}: {old.get(name, 'none')} -> {new.get(name, 'none')}"
