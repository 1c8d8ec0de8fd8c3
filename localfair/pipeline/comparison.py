"""What a comparison says: each variant with each seed, and what the seeds show together.

Pure: findings of runs in, differences between them out. Knows nothing of how a run is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev
from typing import Any

from localfair.report.findings import Accuracy, Findings
from localfair.report.statistics import Change, Interval, mean_interval, paired


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRun:
    """One variant with one seed: what it cost, what it accepted, and its two exams on test.

    Teachers' tokens and seconds are counted as if nothing had been in the record; reviewers are
    among the teachers. accepted: the share of explanations, None where nothing was judged. right:
    by question, whether the answer of the exam after was right. against_first: the change from the
    first variant with the same seed, None for that one itself.
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
    teacher_seconds: float
    train_seconds: float
    explanations: int
    lessons: int
    adapter: str | None
    accepted: float | None
    calls: int
    right: Mapping[str, bool]
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
    """The difference from the first variant over seeds; `p` is one for each seed."""

    difference: float
    interval: Interval
    p: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSummary:
    """One variant over seeds: means, and how far the accuracy after training varies.

    deviation: None for one seed. unreadable: a share of the answers. against_first: None for the
    first variant.
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


def accepted_share(findings: Findings) -> float | None:
    """The share of explanations that was accepted; None where nothing was judged."""
    judged = any(step.stage == "review" for step in findings.steps)
    if not judged or not findings.explanations:
        return None
    return findings.accepted / findings.explanations


def summary_of(runs: Sequence[VariantRun], first: Sequence[VariantRun]) -> VariantSummary:
    """A variant's runs over seeds, beside those of the first variant."""
    after = [run.after.accuracy for run in runs]
    is_first = runs[0].variant == first[0].variant
    return VariantSummary(
        variant=runs[0].variant,
        seeds=len(runs),
        before=fmean(run.before.accuracy for run in runs),
        after=fmean(after),
        deviation=stdev(after) if len(after) > 1 else None,
        lowest=min(after),
        highest=max(after),
        unreadable=fmean(run.after.unreadable / run.after.questions for run in runs),
        against_first=None if is_first else _over_seeds(runs, first),
        teacher_tokens=fmean(run.teacher_tokens for run in runs),
        lessons=fmean(run.lessons for run in runs),
        train_questions=fmean(run.train_questions for run in runs),
    )


def _over_seeds(runs: Sequence[VariantRun], first: Sequence[VariantRun]) -> SeedsDifference:
    """The difference on the same questions, averaged over seeds before it is resampled over
    questions (ours).
    """
    changes: dict[str, list[float]] = {}
    differences = []
    for base, run in zip(first, runs, strict=True):
        for question, is_right in run.right.items():
            changes.setdefault(question, []).append(is_right - base.right[question])
        assert run.against_first is not None, "both sat the same questions"
        differences.append(run.against_first)
    means = [fmean(values) for values in changes.values()]
    # of one seed a question is gained, lost or neither: a comparison of two proportions
    one_seed = differences[0].interval if len(differences) == 1 else None
    return SeedsDifference(
        difference=fmean(means),
        interval=one_seed or mean_interval(means),
        p=[difference.p for difference in differences],
    )
