"""Grading reads what a text finally states, by value, and says unreadable only when nothing is there."""

from __future__ import annotations

import pytest

from localfair.tasks.grading import (
    answer_kind,
    bare_gold,
    grade_choice,
    grade_number,
    grade_text,
    grade_yes_no,
)

PLACES = ("bank", "library", "department store", "mall", "new york")
R, W, U = "right", "wrong", "unreadable"


@pytest.mark.parametrize(
    ("gold", "text", "expected"),
    [
        ("72", "72", R),
        ("72", "She sold 48/2 = 24, then 48+24 = 72 clips.\n#### 72", R),
        ("72", "#### 72.0", R),
        ("72", "The answer is 72.", R),
        ("72", "The answer is **72**.", R),
        ("72", "**Answer:** 72 clips", R),
        ("72", "### Final Answer\n\n72", R),
        ("72", "The final answer is: $\\boxed{72}$", R),
        ("72", "Therefore, the answer is:\n\n72", R),
        ("72", "So we get 24 + 48 = 72", R),
        ("72", "The answer is 24 + 48 = 72.", R),
        ("72", "The answer is 72, because 2 * 36 is 72 and 36 = 30 + 6.", R),
        ("72", "The answer is 72 (24 in May, 48 in April).", R),
        ("72", "The answer is 72. She also has 3 friends.", R),
        ("72", "The answer is 70. Wait, that is off. The answer is 72.", R),
        ("72", "The answer is not 70. It is 72", R),
        ("72", "The answer to the question of how many clips is 72.", R),
        (
            "72",
            "First we find 24. The answer is 24 clips? No: 72 in all, so the answer is 72 clips",
            R,
        ),
        ("72", "#### 1. Find the clips\nThere are 72.", R),
        ("72", "#### Step 3: add\n24 + 48 = 72", R),
        ("72", "Answer: She sold 48/2 = 24 in May.\nThat is 48 + 24 = 72.", R),
        ("72", "Answer: 72\nShe had 48 and then 24.", R),
        ("72", "72%", R),
        ("72", "answer = 72", R),
        ("72", "The answer would be 72 euros", R),
        ("72", "The answer is 7", W),
        ("72", "The answer is 720", W),
        ("72", "The answer is -72", W),
        ("72", "So 48 and 24", W),
        ("1234", "The answer is $1,234.", R),
        ("1,234", "1234 dollars", R),
        ("1234.5", "$ 1,234.50", R),
        ("1000000", "The answer is 1 million.", R),
        ("1234567", "The answer is 1234568.", W),
        ("2", "1, 2", R),
        ("-5", "The answer is −5.", R),
        ("-5", "It is -$5", R),
        ("5", "20 - 15 = 5", R),
        ("5", "- 5 apples", R),
        ("10", "between 5-10", R),
        ("0.5", "The answer is 1/2.", R),
        ("0.5", "The answer is ½.", R),
        ("1/2", "\\boxed{\\frac{1}{2}}", R),
        ("1/2", "\\boxed{\\dfrac{2}{4}}", R),
        ("2.5", "The answer is 2 1/2 cups.", R),
        ("2.5", "The answer is 2½ cups.", R),
        ("2/3", "0.6666667", R),
        ("2/3", "0.67", W),
        ("25", "The answer is 25\\%.", R),
        ("12000", "\\boxed{12{,}000}", R),
        ("3", "\\boxed{3 \\text{ apples}}", R),
        ("7", "The answer is seven.", R),
        ("25", "The answer is twenty-five apples.", R),
        ("0", "The answer is 0", R),
        ("5", "5/0", U),
        ("5", "9" * 5000, U),
        ("5", "1e999999999999", W),
        ("5", "", U),
        ("5", "   \n", U),
        ("5", "I do not know.", U),
        ("5", "\\boxed{", U),
        ("5", "####", U),
    ],
)
def test_numbers_are_read_by_value(gold, text, expected):
    assert grade_number(gold, text).grade == expected


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
    assert grade_choice("B", text, PLACES).read == read


def test_an_unclear_choice_is_unreadable_and_another_choice_is_wrong():
    assert grade_choice("B", "The answer is A or B.", PLACES).grade == U
    assert grade_choice("B", "The answer is A.", PLACES).grade == W


def test_two_letters_with_the_same_text_are_the_same_choice():
    assert grade_choice("A", "The answer is C.", ("sky", "roots", "sky")).grade == R
    assert grade_choice("sky", "The answer is sky.", ("sky", "roots", "sky")).grade == R


def test_a_choice_inside_a_longer_one_is_not_a_second_choice():
    assert (
        grade_choice(
            "B",
            "You would surely say the answer is in north west, I think.",
            ("west", "north west"),
        ).read
        == "B"
    )


def test_without_the_choices_letters_or_texts_are_compared():
    assert grade_choice("B", "The answer is (B) library").grade == R
    assert grade_choice("library", "The answer is a library.").grade == R
    assert grade_choice("library", "The answer is a bank.").grade == W


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Yes", "yes"),
        ("no.", "no"),
        ("True", "yes"),
        ("False", "no"),
        ("The answer is yes.", "yes"),
        ("The answer is **no**.", "no"),
        ("The answer is not yes.", "no"),
        ("The answer isn't yes.", "no"),
        ("The answer cannot be true.", "no"),
        ("\\boxed{\\text{No}}", "no"),
        ("#### True", "yes"),
        ("It is true that he was born late. So the answer is no.", "no"),
        ("Yes, he could have. It is true.", "yes"),
        ("No, that is not true.", "no"),
        ("No it does not.", "no"),
        ("Some say it is true that cats fly. That is not true.", "no"),
        ("So this is not correct.", "no"),
        ("This isn't correct.", "no"),
        ("This is not false.", "yes"),
        ("I do not think that this is true.", "no"),
        ("Therefore, yes.", "yes"),
        ("The statement is untrue.", "no"),
        ("Thus the claim is incorrect.", "no"),
        ("He won, so it is true", "yes"),
        ("No one knows who did this.", None),
        ("True love is rare, and cats cannot fly.", None),
        ("The answer is yes and no.", None),
        ("Yes or no?", None),
        ("Perhaps.", None),
        ("", None),
    ],
)
def test_yes_and_no_are_read_with_their_negations(text, read):
    assert grade_yes_no("yes", text).read == read


def test_true_and_yes_are_the_same_gold():
    assert grade_yes_no("true", "Yes.").grade == grade_yes_no("yes", "True.").grade == R
    assert grade_yes_no("no", "The word true proves nothing. The answer is false.").grade == R


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yajo", R),
        ("YAJO.", R),
        ('The answer is "yajo".', R),
        ("The answer is yajo.", R),
        ("The answer is y-a-j-o.", R),
        ("The answer is y a j o", R),
        ("The answer is y, a, j, o.", R),
        ("The answer is the word yajo, which has four letters.", R),
        ("Whitney ends in y. Putting them together gives yajo.", R),
        ('The letters are "y", "a", "j", "o". Together: "yajo"', R),
        ("\\boxed{yajo}", R),
        ("So we get y-a-j-o", R),
        ("The answer is yaj.", W),
        ("I cannot tell", W),
        ("", U),
        ("...", U),
    ],
)
def test_words_are_read_without_case_or_punctuation(text, expected):
    assert grade_text("yajo", text).grade == expected


def test_phrases_are_compared_whole():
    assert grade_text("New York", "The answer is New York.").grade == R
    assert grade_text("St. Louis", "The answer is St. Louis.").grade == R
    assert grade_text("New York", "The answer is York.").grade == W


@pytest.mark.parametrize(
    ("kind", "answer", "choices", "gold"),
    [
        ("number", "48+24 = 72\n#### 72", (), "72"),
        ("number", "51.0", (), "51"),
        ("number", "2,125", (), "2125"),
        ("number", "1/3", (), "1/3"),
        ("number", "0.25", (), "0.25"),
        ("number", "many", (), None),
        ("choice", "library", PLACES, "B"),
        ("choice", "b", PLACES, "B"),
        ("choice", "museum", PLACES, None),
        ("yes-no", "True", (), "yes"),
        ("yes-no", "It was late. The answer is no.", (), "no"),
        ("text", "The answer is yajo.", (), "yajo"),
        ("text", "St. Louis", (), "St. Louis"),
        ("text", "?", (), None),
    ],
)
def test_gold_is_taken_out_of_a_bare_answer_or_a_solution(kind, answer, choices, gold):
    assert bare_gold(kind, answer, choices) == gold


@pytest.mark.parametrize(
    ("gold", "choices", "kind"),
    [
        ("72", (), "number"),
        ("$1,080", (), "number"),
        ("yes", (), "yes-no"),
        ("False", (), "yes-no"),
        ("7 dwarfs", (), "text"),
        ("Paris", (), "text"),
        ("B", ("x", "y"), "choice"),
    ],
)
def test_the_kind_of_an_answer_is_inferred(gold, choices, kind):
    assert answer_kind(gold, choices) == kind
