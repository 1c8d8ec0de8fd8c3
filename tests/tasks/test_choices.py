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


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("It can't be A, C, D or E; it must be B.", "B"),
        ("(A), (C), (D) and (E) can be ruled out, so (B).", "B"),
        ("Options A and C are incorrect. D or E is wrong, B stays.", "B"),
        ("I eliminate A, C and D. Neither A nor E, so B.", "B"),
        ("The mall rather than the bank.", "D"),
        ("Not the bank but the mall", "D"),
        ("The answer is the mall, not the bank or the library.", "D"),
        ("It is neither the bank nor the mall.", None),
        ("All but B are wrong.", None),
        ("I doubt it is B.", None),
        ("B, A is wrong.", "B"),
        ("They go to the bank or the library", None),
        ("They go not only to the bank but to the library", None),
    ],
)
def test_what_is_left_after_elimination_is_read(text, read):
    assert read_choice(text, PLACES) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("It costs $40.00", "B"),
        ("The answer is $ 40.", "B"),
        ("40 dollars", "B"),
        ("The answer is 4 %.", "C"),
        ("four, that is 4 percent", "C"),
        ("The answer is .40", "D"),
        ("The answer is $1,400.", "E"),
        ("The answer is 40.", None),
    ],
)
def test_numbers_in_choices_are_compared_by_value(text, read):
    assert read_choice(text, ("$4", "$40", "4%", "0.4", "$1400")) == read


def test_choices_that_only_their_zeros_keep_apart_are_compared_as_written():
    assert read_choice("The answer is 2.50", ("2.5", "2.50")) == "B"


@pytest.mark.parametrize(
    "text",
    [
        "答案是B，因为有书。",
        "故选B。",
        "正解はBです。",
        "정답은 B입니다.",
        "La bonne réponse est (B).",
    ],
)
def test_the_choice_of_a_statement_in_another_language_is_read(text):
    assert read_choice(text, PLACES) == "B"


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
