"""Two texts say the same whatever their case and punctuation, and signs count."""

from __future__ import annotations

import pytest

from localfair.tasks.texts import is_cut, is_figure, is_word, only_figure, same_text, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's St. Louis!", ("its", "st", "louis")),
        ("well-known", ("well", "known")),
        ("- Oslo", ("oslo",)),
        ("Oslo - Norway", ("oslo", "norway")),
        ("p-q", ("p", "-", "q")),
        ("-4 °F", ("-", "4", "°", "f")),
        ("7 – 9", ("7-9",)),
        ("2.0.1", ("2.0.1",)),
        ("5-year-old", ("5", "year", "old")),
        ("B, D", ("b", "d")),
        ("U.K.", ("uk",)),
        ("R&D", ("r", "&", "d")),
        ("$p + q$", ("p", "+", "q")),
        ("?!", ()),
    ],
)
def test_words_and_signs_that_count(text, expected):
    assert tokens(text) == expected


def test_letters_may_be_spelt_out_and_units_may_stand_apart():
    assert same_text("y-a-j-o", "yajo")
    assert same_text("15km", "15 km")
    assert not same_text("7/9", "7-9")


def test_a_gold_of_one_word_or_one_figure_is_told_from_a_phrase():
    assert is_word("Oslo") and not is_word("New York") and not is_word("C++")
    assert is_figure("14:05") and is_figure("007") and not is_figure("12 km")
    assert only_figure("It leaves at 14:05.") == "14:05"
    assert only_figure("Not at 14:05.") is only_figure("At 14:05 or 15:05.") is None


def test_a_word_with_a_sign_at_its_end_is_another_word():
    assert is_cut("C", "I like C++.")
    assert not is_cut("C", "I like C++ and C.")
