"""Measured peaks of QLoRA steps on a card beside what `models fit` says, and constants that fit.

    python -m tests.gpu.fit gpu.json

Reads the rows of the part `cards`; writes nothing: the constants of `localfair.models.fit` are
changed by hand, once they were measured. The constants are fitted on half of the shapes and tested
on the other half. What a load of a checkpoint needs is not in these rows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from localfair.models import fit
from tests.gpu.results import Results
from tests.gpu.setting import Measures
from tests.gpu.shapes import shapes

FITTED_ON = ("0.5B", "4B", "14B")
# bytes of a LoRA parameter on CUDA: itself and its gradient in float32, two moments in 8 bits.
# It is not fitted: three shapes cannot tell it from what a linear parameter takes.
CUDA_LORA = 10.0
GIB = 2**30
HEAD = (
    "| shape | load | batch | measured GiB | formula | off | fitted | off | |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|---|"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """The constants of a step in `localfair.models.fit.to_train`, in its words, for bf16.

    inputs: bytes of a layer's input that checkpointing keeps, per token, layer and width.
    """

    libraries: float
    step: float
    kept: float
    logit: float
    inputs: float
    lora: float

    def peak(self, row: Measures) -> float:
        """Bytes that a step of the row's load takes."""
        unknown = (self.libraries, self.step, self.kept, self.logit, self.inputs)
        factors = _factors(row)
        total = sum(constant * factor for constant, factor in zip(unknown, factors, strict=True))
        return total + _known(row, self.lora)


FORMULA = Constants(
    libraries=fit.LIBRARIES,
    step=fit.STEP,
    kept=fit.KEPT["bf16"],
    logit=fit.LOGIT,
    inputs=2 * fit.WIDE["bf16"],
    lora=fit.LORA,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A measured row: its bytes, the formula's, those of the fitted constants, and its use."""

    row: Measures
    measured: int
    formula: float
    fitted: float
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


def whole_card(rows: Iterable[Measures]) -> list[Measures]:
    """The rows that were measured without a cap."""
    return [row for row in rows if "card_bytes" not in row and "peak_bytes" in row]


def fitted(rows: Sequence[Measures], lora: float = CUDA_LORA) -> Constants:
    """The constants, none below zero, with the least sum of squared relative errors."""
    import numpy as np
    from scipy.optimize import nnls

    factors = np.array([_factors(row) for row in rows], dtype=float)
    measured = np.array([measured_bytes(row) for row in rows], dtype=float)
    known = np.array([_known(row, lora) for row in rows], dtype=float)
    relative = factors / measured[:, None]
    # columns differ by nine powers of ten: alike in size they are solved well
    scale = relative.max(axis=0)
    scale[scale == 0] = 1.0
    solved, _ = nnls(relative / scale, (measured - known) / measured)
    libraries, step, kept, logit, inputs = solved / scale
    return Constants(
        libraries=libraries, step=step, kept=kept, logit=logit, inputs=inputs, lora=lora
    )


def compared(rows: Sequence[Measures], constants: Constants) -> list[Comparison]:
    """Every row beside the formula and beside constants that were fitted on FITTED_ON."""
    comparisons = []
    for row in rows:
        comparisons.append(
            Comparison(
                row=row,
                measured=measured_bytes(row),
                formula=FORMULA.peak(row),
                fitted=constants.peak(row),
                is_tested=row["shape"] not in FITTED_ON,
            )
        )
    return comparisons


def report(rows: Sequence[Measures], lora: float = CUDA_LORA) -> str:
    """A table of all rows, the constants, and the largest error of each half."""
    constants = fitted([row for row in rows if row["shape"] in FITTED_ON], lora)
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
    """What each unknown constant is multiplied by, in the order of `Constants.peak`."""
    sizes = shapes()[row["shape"]].sizes()
    tokens = row["length"] * row["batch"]
    logits = tokens * fit.REPLY * sizes.vocabulary
    if row["checkpointing"]:
        one_layer = tokens * sizes.width
        return 1, sizes.linear, one_layer, logits, one_layer * sizes.layers
    return 1, sizes.linear, tokens * sizes.width * sizes.layers, logits, 0


def _known(row: Measures, lora: float) -> float:
    """Bytes of what stays bf16, and of the LoRA weights: counted, not fitted."""
    sizes = shapes()[row["shape"]].sizes()
    return fit.WIDE["bf16"] * sizes.outer + lora * row["rank"] * sizes.per_rank


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
