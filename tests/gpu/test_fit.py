"""Constants that made the rows are found again from half of the shapes, and predict the others."""

from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import pytest

from localfair.models.fit import CARD
from tests.gpu.fit import FITTED_ON, compared, fitted, predicted, report, whole_card
from tests.gpu.results import Results
from tests.gpu.shapes import shapes

SHAPES = [name for name in shapes() if name != "toy"]
OTHER = replace(CARD, libraries=0.6e9, linear=0.7, hidden=9, heads=9, feed_forward=8, logit=20)
H200 = Path(__file__).with_name("h200.json")


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
        peak = predicted(row, constants) - row["beyond_bytes"]
        made.append(row | {"peak_bytes": peak})
    return made


@pytest.mark.parametrize("constants", [CARD, OTHER], ids=["formula", "other"])
def test_half_of_the_shapes_gives_the_constants_and_they_predict_the_other_half(constants):
    made = rows(constants)
    found = fitted([row for row in made if row["shape"] in FITTED_ON])
    assert asdict(found) == pytest.approx(asdict(constants), rel=1e-3)
    tested = [each for each in compared(made, found) if each.is_tested]
    assert len(tested) == 2 * 12
    assert max(abs(each.fitted_error) for each in tested) < 1e-3


def test_the_report_names_how_far_the_formula_and_the_fitted_constants_are_off():
    text = report(rows(OTHER))
    assert text.count("| tested |") == 24
    assert "1.7B" in text
    assert text.splitlines()[-1].endswith("of other shapes 0.0%")


def test_the_constants_of_models_fit_predict_every_peak_of_an_h200_within_a_tenth():
    measured = whole_card(Results(H200).rows("cards"))
    assert {row["shape"] for row in measured} == set(SHAPES)
    found = fitted([row for row in measured if row["shape"] in FITTED_ON])
    comparisons = compared(measured, found)
    assert max(abs(each.formula_error) for each in comparisons) < 0.1
    # constants of half of the shapes predict the other half, which they have not seen
    assert max(abs(each.fitted_error) for each in comparisons if each.is_tested) < 0.1


def test_the_largest_batches_of_an_h200s_caps_are_where_the_formula_reaches_them():
    rows = [row for row in Results(H200).rows("cards") if row.get("largest_batch")]
    assert len(rows) > 60
    for row in rows:
        held, one_more = (row | {"batch": row["largest_batch"] + more} for more in (0, 1))
        assert predicted(held, CARD) < 1.05 * row["card_bytes"]
        # what the allocator holds beside what it gave out is in no formula
        assert predicted(one_more, CARD) > 0.85 * row["card_bytes"]


def test_rows_under_a_cap_are_left_out():
    row = rows(CARD)[0]
    assert whole_card([row, row | {"card_bytes": 8}, {"largest_batch": 0}]) == [row]
