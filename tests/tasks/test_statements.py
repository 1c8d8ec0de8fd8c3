"""The final statement of a text is found behind its markers, the marker that counts most first."""

from __future__ import annotations

import pytest

from localfair.tasks.cleaning import clean
from localfair.tasks.statements import first_sentence, last_sentence, statements


def lines(text):
    return [statement.line for statement in statements(clean(text))]


def test_hashes_count_before_boxes_and_boxes_before_phrases():
    text = "The answer is 1.\n\\boxed{2}\n#### 3"
    assert [(s.marker, s.line) for s in statements(text)] == [
        ("hashes", "3"),
        ("boxed", "2"),
        ("answer", "1."),
    ]


def test_of_one_marker_the_last_counts_first():
    assert lines("The answer is 1. No, the answer is 2.") == ["2.", "1. No, the answer is 2."]
    assert lines("#### 1\n#### 2") == ["2", "1"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("The answer is 72.", "72."),
        ("The best option would be B", "B"),
        ("The answer to the question of how many is: 72", "72"),
        ("The answer is not 72", "not 72"),
        ("The answer cannot be 72", "not 72"),
        ("Answer: 72", "72"),
        ("### The final answer\n\n72", "72"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
    ],
)
def test_every_marker_points_at_its_line(text, line):
    assert lines(text) == [line]


@pytest.mark.parametrize(
    "text",
    ["#### Step 1: add", "#### 1. Add them", "\\boxed{72", "####", "We answer\n72", "Answer:"],
)
def test_headings_open_boxes_and_empty_markers_state_nothing(text):
    assert lines(text) == []


def test_an_answer_with_more_text_after_its_line_is_not_firm():
    first, *_ = statements("Answer: 24 clips\nThat is all.")
    assert not first.firm
    first, *_ = statements("Answer: 24 clips\n")
    assert first.firm


def test_clean_gives_signs_quotes_fractions_and_latex_one_spelling():
    assert clean("−5 “x” 2½ `y`") == '-5 "x" 2 1/2 y'
    assert clean("**\\text{3}** \\dfrac12 12{,}000 \\$5 25\\%") == "3 \\frac12 12,000 $5 25%"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("72. She has 3.", "72"),
        ("It is 72. She has 3.", "It is 72"),
        ("B. library. More", "B. library"),
        ("St. Louis. More", "St. Louis"),
        ("no end", "no end"),
        ("3.5 apples", "3.5 apples"),
    ],
)
def test_a_label_or_an_abbreviation_ends_no_sentence(line, sentence):
    assert first_sentence(line) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One. Two.", "Two."),
        ("One.\nTwo. Three!\n---\n", "Three!"),
        ("B. library", "B. library"),
        ("...", ""),
    ],
)
def test_the_last_sentence_is_on_the_last_line_with_a_word(text, sentence):
    assert last_sentence(text) == sentence
