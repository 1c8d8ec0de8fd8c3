"""What a comparison says: each variant with each seed, and what the seeds show together.

Findings of runs in, differences between them out; reads comparisons that were recorded. Knows
nothing of how a run is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev
from typing import Any, TypeVar

from pydantic import TypeAdapter

from localfair.errors import UsageError
from localfair.machine.terminal import one_line
from localfair.pipeline.equal import Equal
from localfair.record.comparisons import comparison
from localfair.record.resolving import resolve
from localfair.record.store import Store
from localfair.report.findings import Accuracy, Findings
from localfair.report.permutation import holm, permutation_p
from localfair.report.statistics import Change, Interval, mean_interval, paired

Read = TypeVar("Read")
Seed = TypeVar("Seed", int, str)
Right = Mapping[str, bool]  # by question, whether its answer was right
MOST_FLOPS = 10**40
LONGEST = 200  # characters of why a comparison cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRun:
    """One variant with one seed: what it cost, what it accepted, and its two exams on test.

    Teachers' tokens and seconds are counted as if nothing had been in the record; reviewers are
    among the teachers. accepted: the share of explanations, None where nothing was judged. right:
    by question, whether the answer of the exam after was right. against_first: the change from the
    first variant with the same seed, None for that one itself. teacher_flops: 2 a parameter and
    token; None where a teacher's size is not known. student_tokens: what the student read and wrote
    about train questions. trained_tokens, steps: what it learned from, epochs counted, and in how
    many steps. teacher_seconds, student_seconds: how long engines were at work on what was asked of
    teachers, reviewers and mentors, and on what the student said about train questions.
    """

    variant: str
    seed: int
    run: str
    train_questions: int
    before: Accuracy
    after: Accuracy
    change: Change | None
    teacher_tokens: int
    written_tokens: int
    mentor_tokens: int
    teacher_flops: int | None = None
    student_tokens: int = 0
    trained_tokens: int = 0
    steps: int = 0
    teacher_seconds: float
    student_seconds: float = 0
    train_seconds: float
    explanations: int
    lessons: int
    adapter: str | None
    accepted: float | None
    calls: int
    right: Right
    against_first: Change | None = None

    def against(self, first: VariantRun) -> VariantRun:
        """The same with its change from the first variant."""
        return replace(self, against_first=paired(first.right, self.right))

    def data(self) -> dict[str, Any]:
        """All of it as plain data, without the single questions."""
        data = asdict(replace(self, right={}))
        del data["right"]
        # the name of `calls` before this release; the next one drops it
        data["backend_calls"] = self.calls
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedsDifference:
    """The difference from the first variant over seeds; `p` is one for each seed.

    permutation: the p of all seeds together, over questions (see `permutation_p`). holm: the same,
    adjusted for being one of the table's claims.
    """

    difference: float
    interval: Interval
    p: list[float]
    permutation: float
    holm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSummary:
    """One variant over seeds: means, and how far the accuracy after training varies.

    deviation: None for one seed. unreadable: a share of the answers. against_first: None for the
    first variant. by_seed: the accuracy after training, by seed. teacher_flops: None where a run
    has none.
    """

    variant: str
    seeds: int
    before: float
    after: float
    deviation: float | None
    lowest: float
    highest: float
    unreadable: float
    against_first: SeedsDifference | None
    teacher_tokens: float
    lessons: float
    train_questions: float
    by_seed: dict[int, float]
    teacher_flops: float | None
    student_tokens: float
    trained_tokens: float
    steps: float


def variant_run_of(data: dict[str, object]) -> VariantRun:
    """A row of a recorded comparison; it holds no single questions.

    Raises ValueError for one of another version, and for what is no such row.
    """
    run = TypeAdapter(VariantRun).validate_python({**data, "right": {}})
    if run.teacher_flops is not None and abs(run.teacher_flops) > MOST_FLOPS:
        raise ValueError("teacher_flops is a number without measure")
    return run


def variant_summary_of(data: dict[str, object]) -> VariantSummary:
    """A variant over seeds, of a recorded comparison. Raises as `variant_run_of` does."""
    return TypeAdapter(VariantSummary).validate_python(data)


def accepted_share(findings: Findings) -> float | None:
    """The share of explanations that was accepted; None where nothing was judged."""
    judged = any(step.stage == "review" for step in findings.steps)
    if not judged or not findings.explanations:
        return None
    return findings.accepted / findings.explanations


def summary_of(runs: Sequence[VariantRun], first: Sequence[VariantRun]) -> VariantSummary:
    """A variant's runs over seeds, beside those of the first variant."""
    after = [run.after.accuracy for run in runs]
    flops = [run.teacher_flops for run in runs]
    against_first = None
    if runs[0].variant != first[0].variant:
        against_first = over_seeds(_right(first), _right(runs))
        assert against_first is not None, "every variant is run with the same seeds"
    return VariantSummary(
        variant=runs[0].variant,
        seeds=len(runs),
        before=fmean(run.before.accuracy for run in runs),
        after=fmean(after),
        deviation=stdev(after) if len(after) > 1 else None,
        lowest=min(after),
        highest=max(after),
        unreadable=fmean(run.after.unreadable / run.after.questions for run in runs),
        against_first=against_first,
        teacher_tokens=fmean(run.teacher_tokens for run in runs),
        lessons=fmean(run.lessons for run in runs),
        train_questions=fmean(run.train_questions for run in runs),
        by_seed={run.seed: run.after.accuracy for run in runs},
        teacher_flops=None if None in flops else fmean(each for each in flops if each is not None),
        student_tokens=fmean(run.student_tokens for run in runs),
        trained_tokens=fmean(run.trained_tokens for run in runs),
        steps=fmean(run.steps for run in runs),
    )


def with_holm(summaries: Sequence[VariantSummary]) -> list[VariantSummary]:
    """The summaries of one table, each p of a difference adjusted for all of them (Holm)."""
    claims = [each.against_first for each in summaries if each.against_first is not None]
    adjusted = iter(holm([claim.permutation for claim in claims]))
    corrected = []
    for summary in summaries:
        claim = summary.against_first
        if claim is not None:
            summary = replace(summary, against_first=replace(claim, holm=next(adjusted)))
        corrected.append(summary)
    return corrected


def _right(runs: Sequence[VariantRun]) -> dict[int, Right]:
    return {run.seed: run.right for run in runs}


def over_seeds(first: Mapping[Seed, Right], other: Mapping[Seed, Right]) -> SeedsDifference | None:
    """The difference on the same questions and seeds, averaged over seeds before it is resampled
    over questions (ours). None where they share no question of a seed.
    """
    changes: dict[str, list[int]] = {}
    differences: list[Change] = []
    for seed, right in other.items():
        base = first.get(seed, {})
        difference = paired(base, right)
        if difference is None:
            continue
        for question in right.keys() & base.keys():
            changes.setdefault(question, []).append(right[question] - base[question])
        differences.append(difference)
    if not differences:
        return None
    means = [fmean(changes[question]) for question in sorted(changes)]
    permutation = permutation_p([sum(values) for values in changes.values()])
    # of one seed a question is gained, lost or neither: a comparison of two proportions
    one_seed = differences[0].interval if len(differences) == 1 else None
    return SeedsDifference(
        difference=fmean(means),
        interval=one_seed or mean_interval(means),
        p=[difference.p for difference in differences],
        permutation=permutation,
        holm=permutation,
    )


# -- recorded -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A comparison that was made before: what was asked for and what was found, as plain data."""

    id: str
    asked: dict[str, Any]
    found: dict[str, Any]

    def variant_runs(self) -> list[VariantRun]:
        """Each variant with each seed. Raises UsageError for one of another version."""
        return self._read(variant_run_of, "rows")

    def equal(self) -> Equal:
        """What all variants had in common. Raises UsageError for a budget that is no number."""
        limits = [self.asked.get(name) for name in ("budget_tokens", "budget_flops", "lessons")]
        if not all(limit is None or _is_count(limit) for limit in limits):
            raise UsageError(
                f"comparison {self.id} has a budget that is no number",
                "`localfair compare show --json` shows it as it is",
            )
        tokens, flops, lessons = limits
        return Equal(tokens, flops, lessons, "dev" if self.asked.get("on") == "dev" else "test")

    def summary(self) -> list[VariantSummary]:
        """Each variant over seeds. Raises UsageError for one of another version."""
        return self._read(variant_summary_of, "summary")

    def _read(self, read: Callable[[dict[str, object]], Read], key: str) -> list[Read]:
        try:
            return [read(data) for data in self.found[key]]
        except (KeyError, TypeError, ValueError) as error:
            reason = one_line(str(error), LONGEST)
            raise UsageError(
                f"comparison {self.id} was recorded by another version of localfair ({reason})",
                "`localfair compare show --json` shows it as it is",
            ) from error


def _is_count(limit: object) -> bool:
    return isinstance(limit, int) and 0 <= limit <= MOST_FLOPS


def recorded(store: Store, comparison_id: str | None) -> Recorded:
    """A recorded comparison by its id or the beginning of it, the newest for None.

    Raises UsageError when there is none.
    """
    if comparison_id is not None:
        comparison_id = resolve(store, comparison_id, ["comparison"]).id
    row = comparison(store, comparison_id)
    if row is None:
        raise UsageError(f"{store.path} holds no comparison", "see `localfair compare --help`")
    return Recorded(id=row.id, asked=json.loads(row.asked), found=json.loads(row.found))
