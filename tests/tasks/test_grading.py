"""An answer is right or wrong by what it finally states, and unreadable only when nothing is there."""

from __future__ import annotations

import pytest

from localfair.record.nouns import Grade, Graded
from localfair.tasks.grading import (
    grade,
    grade_choice,
    grade_number,
    grade_text,
    grade_yes_no,
)
from tests.tasks.hostile import seconds

PLACES = ("bank", "library", "department store", "mall", "new york")
R, W, U = "right", "wrong", "unreadable"


@pytest.mark.parametrize(
    ("answer_kind", "gold", "text", "graded"),
    [
        ("number", "72", "The answer is 72.0.", Graded(Grade.RIGHT, "72")),
        ("choice", "B", "The answer is a bank.", Graded(Grade.WRONG, "A")),
        ("yes-no", "no", "That is not true.", Graded(Grade.RIGHT, "no")),
        ("text", "yajo", "...", Graded(Grade.UNREADABLE, None)),
    ],
)
def test_every_kind_of_answer_has_its_grade_and_what_was_read(answer_kind, gold, text, graded):
    choices = PLACES if answer_kind == "choice" else ()
    assert grade(answer_kind, gold, text, choices) == graded


@pytest.mark.parametrize(
    ("gold", "text", "expected"),
    [
        ("72", "The answer would be 72 euros", R),
        ("72", "#### 72.0", R),
        ("72", "The answer is 7", W),
        ("72", "The answer is 720", W),
        ("72", "The answer is -72", W),
        ("72", "So 48 and 24", W),
        ("1234", "The answer is $1,234.", R),
        ("1,234", "1234 dollars", R),
        ("1234.5", "$ 1,234.50", R),
        ("1000000", "The answer is 1 million.", R),
        ("1234567", "The answer is 1234568.", W),
        ("-5", "The answer is −5.", R),
        ("0.5", "The answer is 1/2.", R),
        ("1/2", "\\boxed{\\dfrac{2}{4}}", R),
        ("2/3", "0.6666667", R),
        ("2/3", "0.67", W),
        ("5", "1e999999999999", U),
        ("5", "9" * 5000, U),
        ("5", "5/0", U),
        ("5", "I do not know.", U),
        ("5", "", U),
    ],
)
def test_numbers_are_compared_by_value(gold, text, expected):
    assert grade_number(gold, text).grade == expected


def test_an_unclear_choice_is_unreadable_and_another_choice_is_wrong():
    assert grade_choice("B", "The answer is A or B.", PLACES).grade == U
    assert grade_choice("B", "The answer is A.", PLACES).grade == W


def test_either_letter_of_two_equal_choices_is_right():
    assert grade_choice("A", "The answer is C.", ("sky", "roots", "sky")).grade == R
    assert grade_choice("sky", "The answer is sky.", ("sky", "roots", "sky")).grade == R


def test_without_the_choices_letters_or_texts_are_compared():
    assert grade_choice("B", "The answer is (B) library").grade == R
    assert grade_choice("library", "The answer is a library.").grade == R
    assert grade_choice("library", "The answer is a bank.").grade == W


def test_true_and_yes_are_the_same_gold():
    assert grade_yes_no("true", "Yes.").grade == R
    assert grade_yes_no("yes", "True.").grade == R
    assert grade_yes_no("no", "The word true proves nothing. The answer is false.").grade == R


@pytest.mark.parametrize(
    ("gold", "text", "expected"),
    [
        ("yajo", "YAJO.", R),
        ("yajo", "The answer is y, a, j, o.", R),
        ("yajo", "The answer is yaj.", W),
        ("yajo", "I cannot tell", W),
        ("yajo", "The answer is ___.", W),
        ("yajo", "...", U),
        ("yajo", "___", U),
        ("yajo", "", U),
        ("New York", "The answer is New York.", R),
        ("St. Louis", "The answer is St. Louis.", R),
        ("New York", "The answer is York.", W),
    ],
)
def test_case_punctuation_and_spelling_out_do_not_count_in_a_text(gold, text, expected):
    assert grade_text(gold, text).grade == expected


@pytest.mark.parametrize(
    ("gold", "text", "expected"),
    [
        ("a + b", "The answer is a + b.", R),
        ("a + b", "The answer is a - b.", W),
        ("7-9", "The answer is 7 – 9.", R),
        ("7-9", "The answer is 7/9.", W),
        ("-5 °C", "The answer is 5 °C.", W),
        ("U.K.", 'The answer is "U.K."', R),
        ("U.K.", "The answer is UK.", R),
        ("B, D", "The answer is B, D.", R),
        ("B, D", "The answer is B.", W),
        ("Dr. No. 1962", "The answer is Dr. No. 1962.", R),
        ("+", "The answer is +.", R),
        ("jalape\u00f1o", "The answer is jalapen\u0303o.", R),
        ("x", "<think>The answer is x.", U),
        ("$p + q$", "The answer is $q + p$.", W),
        ("p + q", "The answer is $p + q$.", R),
        ("F", "The answer is F#.", W),
        ("F", "The answer is *F*.", R),
        ("15 km", "The answer is 15km.", R),
        ("15 km", "The answer is 15 m.", W),
        ("7-9", "So it takes 7-9 days.", R),
        ("14:05", "The train leaves at 14:05.", R),
        ("14:05", "The answer is not 14:05.", W),
        ("14:05", "The answer is 14:05 or 15:05.", W),
        ("2/14/1950", "So the date is 2/14/1950.", R),
        ("2/14/1950", "The answer is 2/14/1951.", W),
        ("2.0.1", "The answer is 2.0.", W),
    ],
)
def test_signs_that_change_a_text_count_and_its_letters_may_stand_apart(gold, text, expected):
    assert grade_text(gold, text).grade == expected


def test_a_denied_number_is_wrong_where_it_is_the_gold_and_else_unreadable():
    for text in ("The answer is not 15.", "The answer isn't 15.", "The answer cannot be 15."):
        assert grade_number("15", text) == Graded(Grade.WRONG, "not 15")
        assert grade_number("16", text).grade is Grade.UNREADABLE


def test_an_answer_that_is_taken_back_is_not_read():
    assert (
        grade_number("15", "The answer is 15. No, the answer is not 15.").grade is not Grade.RIGHT
    )
    text = "The answer is B. No, the answer is not B."
    assert grade_choice("B", text, PLACES).grade is not Grade.RIGHT


READERS = {
    "number": lambda text: grade_number("15", text),
    "choice": lambda text: grade_choice("B", text, PLACES),
    "yes-no": lambda text: grade_yes_no("yes", text),
    "text": lambda text: grade_text("yajo", text),
}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    "piece",
    [
        "7",
        "7 ",
        " ",
        "(",
        "{",
        ",",
        "= 7 ",
        "not ",
        "not 7 or ",
        "<think>",
        "the answer is ",
        "The answer is 7. ",
        "one hundred and ",
        "\\frac{",
        "\\boxed{7} ",
        "10^",
        "A, B or ",
        "I doubt it is true ",
        '{"answer": ',
        "y-",
    ],
)
def test_no_reader_takes_longer_over_a_hostile_text_than_its_length_says(kind, piece):
    read = READERS[kind]
    # ten times the text: about ten times the work, where a quadratic reader does a hundred times
    assert seconds(read, piece * 5_000) < 40 * seconds(read, piece * 500)


def test_a_phrase_that_is_said_twenty_thousand_times_is_read_in_seconds():
    for phrase in ("The answer is 15. ", "The answer is not 15 but A or B, yes or no. "):
        for read in READERS.values():
            assert seconds(read, phrase * 20_000) < 15
