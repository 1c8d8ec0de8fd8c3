"""Constants that made the rows are found again from half of the shapes, and predict the others."""

from dataclasses import asdict, replace
from itertools import product

import pytest

from localfair.models.fit import LORA, to_train
from tests.gpu.fit import FITTED_ON, FORMULA, compared, fitted, report, whole_card
from tests.gpu.shapes import shapes

SHAPES = [name for name in shapes() if name != "toy"]
OTHER = replace(FORMULA, libraries=0.6e9, step=0.7, kept=40, logit=20, inputs=2.5)


def rows(constants):
    """Rows as a card would give them, if its peaks were made by these constants."""
    made = []
    for shape, length, checkpointing, batch in product(
        SHAPES, (512, 1024), (False, True), (1, 2, 4)
    ):
        row = {
            "shape": shape,
            "length": length,
            "checkpointing": checkpointing,
            "batch": batch,
            "rank": 16,
            "beyond_bytes": 500_000_000,
        }
        peak = round(constants.peak(row)) - row["beyond_bytes"]
        made.append(row | {"peak_bytes": peak})
    return made


def test_the_formula_here_is_that_of_models_fit_where_a_step_takes_most():
    agreed = 0
    for row in rows(FORMULA):
        sizes = shapes()[row["shape"]].sizes()
        of_the_package = to_train(
            sizes, row["length"], row["batch"], 16, checkpointing=row["checkpointing"]
        )
        assert FORMULA.peak(row) <= of_the_package + 1  # the load of a checkpoint may take more
        agreed += abs(FORMULA.peak(row) - of_the_package) <= 1
    assert agreed > 40


@pytest.mark.parametrize("constants", [FORMULA, OTHER], ids=["formula", "other"])
def test_half_of_the_shapes_gives_the_constants_and_they_predict_the_other_half(constants):
    made = rows(constants)
    found = fitted([row for row in made if row["shape"] in FITTED_ON], lora=LORA)
    assert asdict(found) == pytest.approx(asdict(constants), rel=1e-3)
    tested = [each for each in compared(made, found) if each.is_tested]
    assert len(tested) == 2 * 12
    assert max(abs(each.fitted_error) for each in tested) < 1e-3


def test_the_report_names_how_far_the_formula_and_the_fitted_constants_are_off():
    text = report(rows(OTHER), lora=LORA)
    assert text.count("| tested |") == 24
    assert "1.7B" in text
    assert text.splitlines()[-1].endswith("of other shapes 0.0%")


def test_rows_under_a_cap_are_left_out():
    row = rows(FORMULA)[0]
    assert whole_card([row, row | {"card_bytes": 8}, {"largest_batch": 0}]) == [row]
