"""Written sums: which are judged, and which of them hold."""

from __future__ import annotations

import pytest

from localfair.tasks.steps import equations, first_false, sums
from tests.tasks.hostile import seconds


@pytest.mark.parametrize(
    "text",
    [
        "8 + 5 = 13",
        "She has 8 pens + 5 pens = 13 pens.",
        "$4 x 6 = $24.00",
        "4 \\times 6 = 24",
        "30% of 60 = 18",
        "3/4 * 100 = 75%",
        "1,250 + 750 = 2,000",
        "4(2 + 3) = 20",
        "2 - 9 = -7",
        "22/7 = 3.14",  # rounded
        "9 + 4 = 13 + 2 = 15",
        "9-4=5 x 2=10",  # run on, each sign for itself
        "1/2 + 1/4 = 3/4",
        "3^4 = 81",
        "50 / 7 ≈ 7",
        "12 plus 9 = 21",
        "100 / 3 = 33 each, with 1 remaining",
    ],
)
def test_a_sum_that_holds(text: str) -> None:
    assert [each.holds for each in sums(text)].count(False) == 0
    assert list(sums(text)) or "remaining" in text
    assert first_false(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "8 + 5 = 14",
        "She has 8 pens + 5 pens = 12 pens.",
        "$4 x 6 = $26",
        "10 / 4 = 2",
        "4(2 + 3) = 11",
        "1/2 + 1/4 = 2/6",
        "30% of 60 = 20",
        "9 + 4 = 13 + 2 = 16",
        "12 plus 9 = 22",
    ],
)
def test_a_sum_that_does_not_hold(text: str) -> None:
    assert first_false(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "x = 5",
        "3x + 2 = 14",  # an unknown
        "3x + 2 + 1 = 14",
        "n - 4 = 10",
        "pens - 4 = 10",
        "7 more than 2 + 3 = 12",
        "2 dozen + 3 = 27",
        "6 / 0 = 1",
        "9^99999999 = 3",
        "1 + 1 1/2 = 2 1/2",
        "6 / 1/3 = 18",
        "7:50 + 30 = 8:20",
        "3 + 4 is what we want",
        "(" * 50 + "1 + 1" + ")" * 50 + " = 3",
        "9" * 500 + " + 1 = 3",
    ],
)
def test_what_is_not_surely_a_sum_is_not_judged(text: str) -> None:
    assert first_false(text) is None


def test_the_first_false_sum_is_told_in_its_own_words() -> None:
    text = "First 2 + 2 = 4.\nThen 4 * 3 = 11 pens.\nSo 11 - 1 = 9."
    assert first_false(text) == "Then 4 * 3 = 11 pens."


@pytest.mark.parametrize("piece", ["3 + ", "(", "= ", "1", "3 + 4 = 7 ", "a ", "-", "$", "x 3"])
def test_ten_times_the_text_costs_about_ten_times_the_time(piece: str) -> None:
    def text(length: int) -> str:
        return (piece * (length // len(piece) + 1))[:length] + " = 5"

    assert seconds(first_false, text(200_000)) < 40 * seconds(first_false, text(20_000))


# -- the list of equations ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "3 + 4 = 7",
        "So 3+4=7.",
        "$3 + $4 = $7.00, which is all.",
        "She has 3 pens + 4 pens = 7 pens.",
        "3 plus 4 = 7",
        "The total is 3 + 4 = 7. The total = 7.",
    ],
)
def test_an_equation_is_the_same_however_it_is_spelt(text):
    assert equations(text) == ("3+4=7",)


def test_equations_stand_in_their_order_whether_they_hold_or_not():
    assert equations("2 × 3 = 6, 6 - 1 = 4.") == ("2*3=6", "6-1=4")
    assert equations("6 - 1 = 4. Then 2 x 3 = 6.") == ("6-1=4", "2*3=6")
    assert equations("1,200 / 4 = 300; 50% of 300 = 150") == ("1200/4=300", "50%*300=150")


def test_a_chain_is_its_links():
    assert equations("3 + 4 = 7 + 5 = 12") == ("3+4=7+5", "7+5=12")


@pytest.mark.parametrize("text", ["", "It is 7.", "x = 7", "7 = 7", "=", "3 + 4 is 7", "3 + = 7"])
def test_what_works_nothing_out_is_no_equation(text):
    assert equations(text) == ()


def test_other_sums_are_other_equations():
    texts = ("3 + 4 = 7", "4 + 3 = 7", "3 + 4 = 8", "3 - 4 = 7", "(3 + 4) * 1 = 7")
    assert len({equations(text) for text in texts}) == 5


@pytest.mark.parametrize("piece", ["=", "1+", "1=", "(", "3 + 4 = 7, ", "1 + 2 "])
def test_equations_of_a_long_text_take_their_time_in_proportion(piece):
    long = seconds(equations, piece * 20_000 + "=1")
    assert long < 40 * seconds(equations, piece * 2_000 + "=1")
