"""The largest batch is found wherever it is, and in few tries when the guess is good."""

import pytest

from tests.gpu.search import expected_largest, largest


class Card:
    """Holds so many; counts how often it is asked."""

    def __init__(self, holds):
        self.holds = holds
        self.tries = 0

    def fits(self, batch):
        self.tries += 1
        return batch <= self.holds


@pytest.mark.parametrize("holds", range(12))
def test_the_largest_is_found_from_every_guess(holds):
    for guess in range(-1, 14):
        card = Card(holds)
        assert largest(card.fits, guess, most=10) == min(holds, 10)


def test_a_right_guess_costs_two_tries():
    card = Card(20)
    assert largest(card.fits, 20, most=64) == 20
    assert card.tries == 2


def test_the_guess_lies_on_the_line_of_the_last_two_peaks():
    peaks = {1: 1_000, 2: 1_200, 4: 1_600}
    assert expected_largest(peaks, 2_450) == 8
    assert expected_largest(peaks, 900) == 0
    assert expected_largest({1: 500}, 1_100) == 2
    assert expected_largest({}, 1_000) == 1
