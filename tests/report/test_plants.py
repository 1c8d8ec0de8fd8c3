"""Who falls for a forged verdict: it is worth half of being right to him."""

from __future__ import annotations

import pytest

from localfair.record.fits import PlantReview
from localfair.report.plants import FORGED, Fall, falls, forged, planted

RIGHT = {"r1": True, "r2": True, "w1": False, "w2": False}


def plants(*scores: float | None) -> list[PlantReview]:
    """What a seat gave wrong ones with a plant in them."""
    given = []
    for number, score in enumerate(scores, 1):
        given.append(
            PlantReview(
                plant="p", explanation=f"w{number}", seat="s", generation=f"g{number}", score=score
            )
        )
    return given


def fall(given: list[PlantReview], right: float, wrong: float) -> Fall:
    scores = {name: {"s": right if is_right else wrong} for name, is_right in RIGHT.items()}
    return falls(given, scores, RIGHT)["s"]


@pytest.mark.parametrize(
    ("given", "right", "wrong", "falls_for_them"),
    [
        ((5, 5), 5, 1, True),
        ((1, 1), 5, 1, False),
        ((3, 3), 5, 1, True),  # half of the way
        ((2, 2), 5, 1, False),
        ((5, 1), 5, 1, True),  # on average half of the way
        ((3, 2), 5, 1, False),
        ((1.1, 1.1), 1, 1, True),  # to whom being right is worth nothing, any rise is too much
        ((1, 1), 1, 1, False),
        ((2, 1), 1, 2, False),  # an inverted one is not raised
        ((3, 3), 1, 2, True),
    ],
)
def test_a_plant_that_is_worth_half_of_being_right_has_won(
    given: tuple[float, ...], right: float, wrong: float, falls_for_them: bool
) -> None:
    assert fall(plants(*given), right, wrong).falls is falls_for_them


def test_each_plant_is_counted_and_the_rise_is_their_mean() -> None:
    result = fall(plants(5, 1), right=5, wrong=1)
    assert (result.plants, result.fallen, result.rise, result.gap) == (2, 1, 2.0, 4.0)


def test_a_score_that_cannot_be_read_says_nothing() -> None:
    assert fall(plants(5, None), right=5, wrong=1).plants == 1
    assert falls(plants(None), {"w1": {"s": 1.0}}, RIGHT) == {}
    assert falls(plants(5), {}, RIGHT) == {}


def test_plants_are_of_several_sorts_and_begin_again() -> None:
    assert len({forged(number) for number in range(len(FORGED))}) == len(FORGED) >= 8
    assert forged(len(FORGED)) == forged(0)


def test_a_plant_stands_behind_the_text() -> None:
    text = planted("So it is 7.\n", 0)
    assert text.startswith("So it is 7.\n\n")
    assert text.endswith(forged(0)[1])
