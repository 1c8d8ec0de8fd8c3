"""Measured peaks of QLoRA steps on a card beside what `models fit` says, and constants that fit.

    python -m tests.gpu.fit gpu.json

Reads the rows of the part `cards`; writes nothing: `localfair.models.fit.CARD` is changed by hand,
once its constants were measured. They are fitted on half of the shapes and tested on the other
half. What a load of a checkpoint needs is not in these rows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from localfair.models.fit import CARD, REPLY, StepBytes, to_train
from tests.gpu.results import Results
from tests.gpu.setting import Measures
from tests.gpu.shapes import shapes

FITTED_ON = ("0.5B", "4B", "14B")
GIB = 2**30
HEAD = (
    "| shape | load | batch | measured GiB | formula | off | fitted | off | |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|---|"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A measured row: its bytes, the formula's, those of the fitted constants, and its use."""

    row: Measures
    measured: int
    formula: int
    fitted: int
    is_tested: bool

    @property
    def formula_error(self) -> float:
        """How far the formula is off, relative to what was measured."""
        return self.formula / self.measured - 1

    @property
    def fitted_error(self) -> float:
        """How far the fitted constants are off, relative to what was measured."""
        return self.fitted / self.measured - 1


def measured_bytes(row: Measures) -> int:
    """What a card must have free: the allocator's peak and what lies beyond it."""
    return int(row["peak_bytes"] + row["beyond_bytes"])


def predicted(row: Measures, step: StepBytes) -> int:
    """What `models fit` says of a row's load with these constants."""
    sizes = shapes()[row["shape"]].sizes()
    return to_train(
        sizes,
        row["length"],
        row["batch"],
        row["rank"],
        checkpointing=row["checkpointing"],
        step=step,
    )


def whole_card(rows: Iterable[Measures]) -> list[Measures]:
    """The rows that were measured without a cap."""
    return [row for row in rows if "card_bytes" not in row and "peak_bytes" in row]


def fitted(rows: Sequence[Measures]) -> StepBytes:
    """CARD with the constants, none below zero, that have the least sum of squared relative errors.

    What stays bf16, LoRA and the inputs that checkpointing keeps are counted, not fitted. A unit of
    the width takes what one of queries and keys does: few shapes cannot tell them apart.
    """
    import numpy as np
    from scipy.optimize import nnls

    factors = np.array([_factors(row) for row in rows], dtype=float)
    measured = np.array([measured_bytes(row) for row in rows], dtype=float)
    counted = np.array([predicted(row, COUNTED) for row in rows], dtype=float)
    relative = factors / measured[:, None]
    # columns differ by nine powers of ten: alike in size they are solved well
    scale = relative.max(axis=0)
    scale[scale == 0] = 1.0
    solved, _ = nnls(relative / scale, (measured - counted) / measured)
    libraries, linear, hidden, feed_forward, logit = (float(one) for one in solved / scale)
    return replace(
        CARD,
        libraries=libraries,
        linear=linear,
        hidden=hidden,
        heads=hidden,
        feed_forward=feed_forward,
        logit=logit,
    )


# CARD without what is fitted
COUNTED = replace(CARD, libraries=0, linear=0, hidden=0, heads=0, feed_forward=0, logit=0)


def compared(rows: Sequence[Measures], constants: StepBytes) -> list[Comparison]:
    """Every row beside the formula and beside constants that were fitted on FITTED_ON."""
    comparisons = []
    for row in rows:
        comparisons.append(
            Comparison(
                row=row,
                measured=measured_bytes(row),
                formula=predicted(row, CARD),
                fitted=predicted(row, constants),
                is_tested=row["shape"] not in FITTED_ON,
            )
        )
    return comparisons


def report(rows: Sequence[Measures]) -> str:
    """A table of all rows, the constants, and the largest error of each half."""
    constants = fitted([row for row in rows if row["shape"] in FITTED_ON])
    comparisons = compared(rows, constants)
    tested = [each for each in comparisons if each.is_tested]
    return "\n".join(
        [
            HEAD,
            *(_line(each) for each in comparisons),
            "",
            f"fitted on {', '.join(FITTED_ON)}: {constants}",
            f"largest error: formula {_worst(each.formula_error for each in comparisons)}, "
            f"fitted constants on the {len(tested)} rows of other shapes "
            f"{_worst(each.fitted_error for each in tested)}",
        ]
    )


def _factors(row: Measures) -> tuple[float, float, float, float, float]:
    """What each fitted constant is multiplied by: libraries, linear, hidden, feed-forward, logit.

    With checkpointing no layer's activations: logits take more than one layer of any shape here.
    """
    sizes = shapes()[row["shape"]].sizes()
    tokens = row["length"] * row["batch"]
    kept = 0 if row["checkpointing"] else tokens * sizes.layers
    hidden = kept * (sizes.width + sizes.queries + sizes.keys)
    logits = tokens * REPLY * sizes.vocabulary
    return 1, sizes.linear, hidden, kept * sizes.feed_forward, logits


def _line(comparison: Comparison) -> str:
    row = comparison.row
    load = f"{row['length']} tokens{', checkpointing' if row['checkpointing'] else ''}"
    cells = [
        row["shape"],
        load,
        str(row["batch"]),
        f"{comparison.measured / GIB:.2f}",
        f"{comparison.formula / GIB:.2f}",
        f"{comparison.formula_error:+.0%}",
        f"{comparison.fitted / GIB:.2f}",
        f"{comparison.fitted_error:+.0%}",
        "tested" if comparison.is_tested else "fitted",
    ]
    return f"| {' | '.join(cells)} |"


def _worst(errors: Iterable[float]) -> str:
    return f"{max((abs(error) for error in errors), default=0.0):.1%}"


if __name__ == "__main__":
    measured_rows = whole_card(Results(Path(sys.argv[1])).rows("cards"))
    if not measured_rows:
        sys.exit(f"{sys.argv[1]} holds no measured row of the part cards")
    print(report(measured_rows))
