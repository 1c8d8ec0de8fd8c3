"""The reader of this version: the tasks' graders, the reviews' scores and the gate, for the record.

Reads rows that it is given; writes nothing. `record/readings` says when it is asked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean

from localfair.errors import LocalfairError
from localfair.pipeline.comparison import recorded
from localfair.recipe.load import recorded_recipe
from localfair.recipe.schema import Accept
from localfair.record.comparisons import comparison_ids
from localfair.record.fits import FITS, Fit
from localfair.record.made import Reply
from localfair.record.nouns import Graded, Question
from localfair.record.readings import Case, Judged, Reread
from localfair.record.readings import reread as read_rows_again
from localfair.record.runs import runs
from localfair.record.shapes import odd_cells
from localfair.record.store import Store
from localfair.record.verify import ODD_CELLS, notes_of, verify
from localfair.stages.review import judge, score_of
from localfair.stages.rows import Written, with_texts
from localfair.stages.soundness import with_steps
from localfair.stages.trusted import judge_by
from localfair.tasks import get_task
from localfair.tasks.grading import READER_VERSION

MOST_NAMED = 20  # odd cells


class ThisReader:
    """Reads as the stages of this version do."""

    version = READER_VERSION

    def grade(self, question: Question, text: str) -> Graded | None:
        """The task's grade; None when the question's gold is none that its grader takes."""
        task = get_task(question.task, imported=[question.task])
        try:
            return task.grade(question, text)
        except AssertionError:  # a grader asserts that its gold can be read
            return None

    def score(self, reply: Reply) -> float | None:
        """The score that a reviewer's reply gives."""
        return score_of(reply)

    def judge(self, store: Store, cases: Sequence[Case]) -> list[Judged]:
        """Each case judged by the gate that its policy holds."""
        written = with_texts(store, [case.explanation for case in cases])
        policies = [json.loads(case.policy) for case in cases]
        named = [policy["fit"] for policy in policies if "fit" in policy]
        fits = store.get(FITS, named)
        judged = []
        for case, policy, about in zip(cases, policies, written, strict=True):
            fit = fits[policy["fit"]] if "fit" in policy else None
            accept = Accept.model_validate(policy["accept"])
            if accept.steps:
                about = _with_steps(store, about)
            judged.append(_judged(case, accept, policy["reviewed"], about, fit))
        return judged


def _with_steps(store: Store, written: Written) -> Written:
    question = store.questions_by_id([written.question])[written.question]
    task = get_task(question.task, imported=[question.task])
    return with_steps(store, task, [written])[0]


def _judged(
    case: Case, accept: Accept, reviewed: bool, written: Written, fit: Fit | None
) -> Judged:
    if fit is None:
        accepted, reason = judge(accept, written, case.scores, reviewed)
    else:
        accepted, reason = judge_by(fit, accept, written, case.by_seat)
    mean = fmean(case.scores) if case.scores else None
    return Judged(mean, len(case.scores), accepted, reason)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the record found: damage, and what is worth knowing and is none."""

    problems: list[str]
    notes: list[str]


def verify_record(db: Path) -> Verified:
    """Every row of a record checked against its content, its seal and what it rests on."""
    with Store.open(db) as store:
        problems = verify(store, ThisReader())
        notes = [] if problems else notes_of(store, ThisReader())
    return Verified(problems, notes)


def odd_rows(db: Path) -> list[str]:
    """What the record holds that localfair never writes, its seals notwithstanding."""
    with Store.open(db) as store:
        problems = list(islice(odd_cells(store), MOST_NAMED))
        for run in runs(store):
            try:
                recorded_recipe(run.effective)
            except (*ODD_CELLS, LocalfairError):
                problems.append(f"runs {run.id}: effective is no recipe")
        for comparison_id in comparison_ids(store):
            try:
                comparison = recorded(store, comparison_id)
                comparison.variant_runs()
                comparison.summary()
            except (*ODD_CELLS, LocalfairError):
                problems.append(f"comparisons {comparison_id}: it holds no comparison")
    return problems


def reread_record(db: Path, *, dry_run: bool = False) -> list[Reread]:
    """Read again what an older reader read; with `dry_run` only count."""
    with Store.open(db, create=True) as store:
        return read_rows_again(store, ThisReader(), dry_run=dry_run)
