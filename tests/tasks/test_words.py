"""The word or phrase that a text finally states is read, and letters that were spelt out are joined."""

from __future__ import annotations

import pytest

from localfair.tasks.words import join_spelt, read_words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("yajo", "yajo"),
        ("YAJO.", "YAJO"),
        ('The answer is "yajo".', "yajo"),
        ("The answer is yajo.", "yajo"),
        ("The answer is y-a-j-o.", "yajo"),
        ("The answer is y a j o", "yajo"),
        ("The answer is y, a, j, o.", "yajo"),
        ("The answer is the word yajo, which has four letters.", "yajo"),
        ("Whitney ends in y. Putting them together gives yajo.", "yajo"),
        ('The letters are "y", "a", "j", "o". Together: "yajo"', "yajo"),
        ("\\boxed{yajo}", "yajo"),
        ("So we get y-a-j-o", "yajo"),
        ("The answer is yaj.", "yaj"),
        ("I cannot tell", "tell"),
        ("", None),
        ("...", None),
        ("The answer is y-a-j-o = yajo.", "yajo"),
        ("#### the concatenated letters yajo", "yajo"),
        ("The answer is not yaja. It is yajo", "yajo"),
    ],
)
def test_the_word_a_text_ends_on_is_read(text, word):
    assert read_words(text, one_word=True) == word


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("The answer is New York.", "New York"),
        ("The answer is St. Louis.", "St. Louis"),
        ('The answer is "New York".', "New York"),
        ("It must be New York.", "It must be New York"),
        ("...", None),
    ],
)
def test_phrases_are_read_whole(text, phrase):
    assert read_words(text) == phrase


@pytest.mark.parametrize("one_word", [True, False])
@pytest.mark.parametrize("text", ["_", "___", "#### _", '"_"'])
def test_a_blank_that_nobody_filled_in_is_no_word(text, one_word):
    assert read_words(text, one_word=one_word) is None


def test_a_statement_of_nothing_but_a_blank_is_passed_over():
    assert read_words("The answer is yajo. The answer is ___.", one_word=True) == "yajo"


def test_letters_that_were_spelt_out_are_joined_and_other_text_is_kept():
    assert join_spelt("y-a-j-o") == join_spelt("y, a, j, o") == join_spelt("y a j o") == "yajo"
    assert join_spelt("New York") == "New York"
