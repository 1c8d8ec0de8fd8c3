"""The number that a text finally states is read by value, in every form of writing it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from localfair.tasks.numbers import read_number, same_number, show_number


def shown(text):
    """The number of a text in its one spelling, or None."""
    value = read_number(text)
    return None if value is None else show_number(value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("72", "72"),
        ("She sold 48/2 = 24, then 48+24 = 72 clips.\n#### 72", "72"),
        ("#### 72.0", "72"),
        ("The answer is 72.", "72"),
        ("The answer is **72**.", "72"),
        ("**Answer:** 72 clips", "72"),
        ("### Final Answer\n\n72", "72"),
        ("The final answer is: $\\boxed{72}$", "72"),
        ("Therefore, the answer is:\n\n72", "72"),
        ("So we get 24 + 48 = 72", "72"),
        ("The answer is 24 + 48 = 72.", "72"),
        ("The answer is 72, because 2 * 36 is 72 and 36 = 30 + 6.", "72"),
        ("The answer is 72 (24 in May, 48 in April).", "72"),
        ("The answer is 72. She also has 3 friends.", "72"),
        ("The answer is 70. Wait, that is off. The answer is 72.", "72"),
        ("The answer is not 70. It is 72", "72"),
        ("The answer to the question of how many clips is 72.", "72"),
        (
            "First we find 24. The answer is 24 clips? No: 72 in all, so the answer is 72 clips",
            "72",
        ),
        ("#### 1. Find the clips\nThere are 72.", "72"),
        ("#### Step 3: add\n24 + 48 = 72", "72"),
        ("Answer: She sold 48/2 = 24 in May.\nThat is 48 + 24 = 72.", "72"),
        ("Answer: 72\nShe had 48 and then 24.", "72"),
        ("72%", "72"),
        ("answer = 72", "72"),
        ("The answer would be 72 euros", "72"),
        ("The answer is 7", "7"),
        ("The answer is 720", "720"),
        ("The answer is -72", "-72"),
        ("So 48 and 24", "24"),
        ("The answer is $1,234.", "1234"),
        ("1234 dollars", "1234"),
        ("$ 1,234.50", "1234.5"),
        ("The answer is 1 million.", "1000000"),
        ("The answer is 1234568.", "1234568"),
        ("1, 2", "2"),
        ("The answer is −5.", "-5"),
        ("It is -$5", "-5"),
        ("20 - 15 = 5", "5"),
        ("- 5 apples", "5"),
        ("between 5-10", None),
        ("The answer is 1/2.", "0.5"),
        ("The answer is ½.", "0.5"),
        ("\\boxed{\\frac{1}{2}}", "0.5"),
        ("\\boxed{\\dfrac{2}{4}}", "0.5"),
        ("The answer is 2 1/2 cups.", "2.5"),
        ("The answer is 2½ cups.", "2.5"),
        ("0.6666667", "0.6666667"),
        ("0.67", "0.67"),
        ("The answer is 25\\%.", "25"),
        ("\\boxed{12{,}000}", "12000"),
        ("\\boxed{3 \\text{ apples}}", "3"),
        ("The answer is seven.", "7"),
        ("The answer is twenty-five apples.", "25"),
        ("The answer is 0", "0"),
        ("5/0", None),
        ("9" * 5000, None),
        ("", None),
        ("   \n", None),
        ("I do not know.", None),
        ("\\boxed{", None),
        ("####", None),
    ],
)
def test_the_number_a_text_ends_on_is_read(text, number):
    assert shown(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1/3", "1/3"),
        ("2 and 1/4", "2.25"),
        ("3\\frac{1}{2}", "3.5"),
        (".5", "0.5"),
        ("2.5e-3", "0.0025"),
        ("3 x 10^4", "30000"),
        ("1.5 million", "1500000"),
        ("€ 5", "5"),
        ("$-5", "-5"),
    ],
)
def test_every_form_of_a_number_is_read(text, number):
    assert shown(text) == number


@pytest.mark.parametrize("text", ["1e999999999999", "10^999999999", "9^9^9^9", "2^{99999}"])
def test_a_huge_power_cannot_be_read_and_takes_no_time(text):
    assert shown(text) is None
    assert shown(f"The answer is {text}.") is None


def test_an_answer_line_that_begins_a_solution_is_passed_over():
    assert shown("Answer: She sold 48 / 2 in May.\nThat is 72.") == "72"
    assert shown("Answer: 48 + 24\nThat is 72.") == "72"


def test_the_result_of_an_equation_is_its_value():
    assert shown("The answer is 24 + 48 = 72, as 70 < 72.") == "72"
    assert shown("The answer is 24 + 48, which is 72.") == "72"


def test_a_sum_that_is_not_worked_out_states_no_number():
    assert shown("The answer is 24 + 48.") is None
    assert shown("\\boxed{24 + 48}") is None


def test_numbers_in_words_are_read_at_the_start_of_a_statement_only():
    assert shown("The answer is ninety nine.") == "99"
    assert shown("The answer is one of them.") is None
    assert shown("There are seven.") is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (Fraction(72), "72"),
        (Fraction(-5, 2), "-2.5"),
        (Fraction(2, 3), "2/3"),
        (Fraction(1, 10**5), "0.00001"),
    ],
)
def test_a_number_is_shown_exactly(value, number):
    assert show_number(value) == number


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("0.6666667", "2/3"),
        ("0.666666", "2/3"),
        ("0.333333", "1/3"),
        ("-0.142857", "-1/7"),
        ("3333333.33", "10000000/3"),
        ("1234567.89", "1234567.891"),
        ("0.30000000000000004", "0.3"),
        ("12", "11.999999999999998"),
        ("1.4142136", "1.414213562373"),
    ],
)
def test_a_decimal_is_the_number_that_it_rounds(a, b):
    assert same_number(Fraction(a), Fraction(b))
    assert same_number(Fraction(b), Fraction(a))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1234567", "1234568"),
        ("0.67", "2/3"),
        ("0.14285", "1/7"),
        ("3000000.000003", "3000001.000003"),
        ("3000000.000003", "3000000.000004"),
        ("3000000", "3000000.4"),
        ("333333", "1000000/3"),
        ("654321.7", "654321.8"),
        ("0.333333", "-1/3"),
        ("0", "0.0000001"),
        ("7", "7.000001"),
    ],
)
def test_numbers_that_differ_in_a_place_that_is_written_are_two(a, b):
    assert not same_number(Fraction(a), Fraction(b))
    assert not same_number(Fraction(b), Fraction(a))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is 6 to the power of 2 = 36.", "36"),
        ("The answer is 2 raised to the power of five, which is 32.", "32"),
        ("The answer is 4 cubed.", "64"),
        ("The answer is 10 to the 4th power.", "10000"),
        ("The answer is 4! = 24.", "24"),
        ("The answer is 6 choose 2 = 15.", "15"),
        ("The answer is 17 mod 5 = 2.", "2"),
        ("The answer is 40 increased by 5 = 45.", "45"),
        ("$900 / 3/4 = $1200", "1200"),
        ("The answer is 1200 = 900 / 3/4.", "1200"),
        ("The answer is 90 / 2/3/5 = 9", "9"),
        ("The answer is three 20 dollar bills, 60 in total.", "60"),
        ("The answer is three 20 dollar bills = 60 dollars.", "60"),
        ("The answer is 4 cats and 9 dogs, 13 pets in all.", "13"),
        ("The answer is 4 of the 9 in total.", "4"),
    ],
)
def test_a_stated_result_is_read_whatever_its_sum_is_written_with(text, number):
    assert shown(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "The answer is three 20 dollar bills.",
        "The answer is 4 each, 8 in total.",
        "The answer is 48 hours, 2 days in total.",
        "The answer is 8/9/2001 or 5.",
        "The answer is 90 / 2/3/5.",
    ],
)
def test_parts_without_their_result_state_no_number(text):
    assert shown(text) is None


def test_a_solution_with_calculator_marks_that_ends_in_a_bare_answer_line_is_read():
    solution = "Half of 9 is 9*1/2 = <<9*1/2=4.5>>4.5.0 m.\nTwo such are 9 = $<<4.5*2=9.0>>9\n"
    assert shown(f"{solution}A: 9.0") == "9"
    assert shown(f"{solution}A: $9,000") == "9000"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 30 or 35.",
        "The answer is either 30 or 35.",
        "The answer is between 30 and 35.",
        "The answer is from 30 to 35.",
        "The answer is 30–35.",
        "The answer is 30 and 35.",
        "The answer is 30, 35.",
        "The answer is ± 30.",
        "The answer is less than 30.",
        "The answer is no more than 30.",
        "The answer is 30+.",
        "The answer is 30 or fewer.",
        "The answer is neither 30 nor 35.",
        "The answer is 30 feet 6 inches.",
        "The answer is one or two.",
        "She has 30 or 35.",
        "It takes 30-35 days",
        "It is between 30 and 35.",
    ],
)
def test_alternatives_ranges_and_bounds_state_no_number(text):
    assert shown(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "The answer is that each of the 5 jars holds 30 figs.",
        "So each of 5 jars holds 30 figs.",
        "So there are 6 x 5 = 30 figs in 5 jars.",
        "5 jars of 6 figs make 30 figs.",
        "All the jars sum up to 10 + 14 + 6 = 30.",
        "6 * 5 = <<6*5=30>>30 figs",
        "The answer is thirty, since 6 x 5 = 30.",
        "The answer is 30, which is 6 more than 24.",
        "The answer is 30 out of 35.",
        "The answer is 24? No: it is 30",
    ],
)
def test_a_number_that_the_question_gives_is_not_picked_over_the_result(text):
    assert shown(text) == "30"


def test_two_ways_to_say_one_number_are_one_answer():
    assert shown("The answer is 3/4 or 0.75.") == "0.75"
    assert shown("The answer is twelve (12).") == "12"
