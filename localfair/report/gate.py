"""The gate of a review step: what each threshold would accept, and which one to set.

Pure: reviews in, a table out. The answer check of a rationale says whether it was right to accept it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localfair.record.reviews import ReviewInContext
from localfair.report.reviews import Mean, means_of
from localfair.report.statistics import Interval, wilson

THRESHOLDS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate `mean > mean_above` over the rationales that one mode reviewed.

    `right` of the `reviewed` have a right answer. `precision` is the share of right answers among
    the accepted, with its 95 % interval; both are None when nothing was accepted.
    """

    mode: str
    mean_above: float
    reviewed: int
    right: int
    accepted: int
    coverage: float
    precision: float | None
    interval: Interval | None


def gate_table(rationales: Iterable[ReviewInContext]) -> list[Gate]:
    """The gate at each threshold, by mode.

    A rationale counts by the scores that it has; reviews that were spared or unreadable are left
    out.
    """
    gates = []
    for mode, means in means_of(rationales).items():
        gates += [_gate(mode, threshold, means) for threshold in THRESHOLDS]
    return gates


def _gate(mode: str, threshold: float, means: Sequence[Mean]) -> Gate:
    accepted = [mean for mean in means if mean.score > threshold]
    precision = None
    interval = None
    if accepted:
        right = sum(mean.right for mean in accepted)
        precision = right / len(accepted)
        interval = wilson(right, len(accepted))
    return Gate(
        mode=mode,
        mean_above=threshold,
        reviewed=len(means),
        right=sum(mean.right for mean in means),
        accepted=len(accepted),
        coverage=len(accepted) / len(means),
        precision=precision,
        interval=interval,
    )


def suggest(gates: Iterable[Gate], precision: float) -> str:
    """The settings of the gate that reaches the wanted precision and covers most, in words.

    Where no gate reaches it, the most precise one, and the words say so.
    """
    usable = [gate for gate in gates if gate.accepted]
    if not any(0 < gate.right < gate.reviewed for gate in usable):
        return (
            "no suggestion: every reviewed rationale has the same answer check; "
            "review the others too with --set review.exhaustive=true"
        )
    precise_enough = [gate for gate in usable if _precision(gate) >= precision]
    if precise_enough:
        reservation = ""
        best = max(precise_enough, key=lambda gate: gate.coverage)
    else:
        reservation = f"no threshold reaches {precision:.0%}; nearest: "
        best = max(usable, key=_precision)
    return (
        f"{reservation}--set review.accept.mean_above={best.mean_above:g} --set review.mode={best.mode}: "
        f"precision {best.precision:.1%}, coverage {best.coverage:.1%} of {best.reviewed} rationales"
    )


def _precision(gate: Gate) -> float:
    """The precision of a gate that accepts something."""
    assert gate.precision is not None
    return gate.precision
