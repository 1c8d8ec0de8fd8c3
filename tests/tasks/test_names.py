"""The nouns of generated questions, in singular and plural."""

from __future__ import annotations

import pytest

from localfair.tasks.names import FOODS, HOLDERS, THINGS, plural, singular, words


def test_words_are_apart_by_spaces():
    assert words("a b\n c") == ("a", "b", "c")


@pytest.mark.parametrize(
    ("noun", "nouns"), [("box", "boxes"), ("bag", "bags"), ("dish", "dishes"), ("bench", "benches")]
)
def test_holders_have_a_plural(noun, nouns):
    assert plural(noun) == nouns


@pytest.mark.parametrize(
    ("nouns", "noun"),
    [
        ("books", "book"),
        ("cherries", "cherry"),
        ("cookies", "cookie"),
        ("brushes", "brush"),
        ("potatoes", "potato"),
        ("spoons", "spoon"),
    ],
)
def test_things_have_a_singular(nouns, noun):
    assert singular(nouns) == noun


def test_every_noun_changes():
    assert all(singular(noun) != noun for noun in (*THINGS, *FOODS))
    assert all(plural(noun) != noun for noun in HOLDERS)
