"""A choice is read by its letter or its text; two different ones, or none, cannot be told."""

from __future__ import annotations

import pytest

from localfair.tasks.choices import letter_of, plain, read_choice, same_choice

PLACES = ("bank", "library", "department store", "mall", "new york")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("B", "B"),
        ("(B)", "B"),
        ("b)", "B"),
        ("B. library", "B"),
        ("B) library\nbecause there are books", "B"),
        ("The answer is B.", "B"),
        ("The answer is B because a bank has no books.", "B"),
        ("The answer is (B) library, not (A) bank.", "B"),
        ("The answer is library.", "B"),
        ("The answer is a library.", "B"),
        ("The answer is the library", "B"),
        ("The answer is: **B. library**", "B"),
        ("The correct option is B", "B"),
        ("Answer: B", "B"),
        ("Answer: option B", "B"),
        ("### Answer\nB", "B"),
        ("\\boxed{B}", "B"),
        ("\\boxed{\\text{(B)}}", "B"),
        ("#### B", "B"),
        ("A bank has money, so the answer is B.", "B"),
        ("A person reads books in a library", "B"),
        ("A person reads there. So: library.", "B"),
        ("(A) is wrong, there are no books. So it must be (B).", "B"),
        ("Library is the best choice.", "B"),
        ("(B) is correct.", "B"),
        ("The answer is A", "A"),
        ("The answer is A because of the money.", "A"),
        ("The answer is a.", "A"),
        ("The answer is a bank.", "A"),
        ("The answer is New York.", "E"),
        ("The answer is department store", "C"),
        ("A", "A"),
        ("The answer is A or B.", None),
        ("The answer is A. library", None),
        ("The answer is bank or library.", None),
        ("The answer is F.", None),
        ("A person can go there to read.", None),
        ("It is not a library.", None),
        ("I am not sure.", None),
        ("", None),
    ],
)
def test_choices_are_read_by_letter_or_text(text, read):
    assert read_choice(text, PLACES) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("The answer is surely (B), not (A).", "B"),
        ("The answer is C rather than D.", "C"),
        ("The answer is (A) and (B).", None),
        ("The answer is not A.", None),
        ("(B) or (C), who knows", None),
        ("I go to the mall", "D"),
        ("I never go to the mall", None),
    ],
)
def test_rejected_choices_are_not_read_and_two_cannot_be_told(text, read):
    assert read_choice(text, PLACES) == read


def test_a_choice_inside_a_longer_one_is_not_a_second_choice():
    text = "You would surely say the answer is in north west, I think."
    assert read_choice(text, ("west", "north west")) == "B"


def test_the_longest_choice_that_ends_a_sentence_is_read():
    assert read_choice("They walk north west", ("west", "north west")) == "B"


def test_without_the_choices_only_letters_are_read():
    assert read_choice("The answer is (B) library") == "B"
    assert read_choice("The answer is a library.") is None


def test_a_bare_answer_is_a_letter_or_exactly_one_choices_text():
    assert letter_of(" (b). ", PLACES) == "B"
    assert letter_of("The Library", PLACES) == "B"
    assert letter_of("F", PLACES) is None
    assert letter_of("library card", PLACES) is None
    assert letter_of("F", ()) == "F"


def test_two_letters_with_the_same_text_are_the_same_choice():
    assert same_choice("A", "C", ("sky", "roots", "The sky."))
    assert not same_choice("A", "B", ("sky", "roots", "sky"))
    assert not same_choice("A", "C", ())


def test_articles_case_and_punctuation_do_not_count_in_a_choices_text():
    assert plain("The  New-York!") == "new-york"
    assert plain("'An apple'") == "apple"
    assert plain("$5.00") == "$5.00"
