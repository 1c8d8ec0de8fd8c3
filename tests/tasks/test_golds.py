"""What a gold becomes says the same as what was written, or it is refused."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

import localfair.tasks
from localfair.record.nouns import Question
from localfair.tasks.golds import (
    BadGold,
    Gold,
    Written,
    key_with_kind,
    question_kind,
    read_column,
    read_gold,
    split_solution,
)
from tests.tasks.hostile import seconds

PLACES = ("bank", "library", "department store", "mall", "new york")
README = Path(localfair.tasks.__file__).parent / "README.md"


def column(*answers, answer_kind=None):
    """The golds of a table's answers, a problem as its text."""
    golds = read_column([Written(answer) for answer in answers], answer_kind)
    return [gold.text if isinstance(gold, Gold) else str(gold) for gold in golds]


def kinds(*answers):
    return [gold.answer_kind for gold in read_column([Written(answer) for answer in answers])]


@pytest.mark.parametrize(
    ("answer_kind", "answer", "choices", "gold"),
    [
        ("number", "48+24 = 72\n#### 72", (), "72"),
        ("number", "51.0", (), "51"),
        ("number", "2,125", (), "2125"),
        ("number", "1/3", (), "1/3"),
        ("number", "0.25", (), "0.25"),
        ("choice", "library", PLACES, "B"),
        ("choice", "b", PLACES, "B"),
        ("choice", "(D)", PLACES, "D"),
        ("choice", "B. library", PLACES, "B"),
        ("choice", "New  York", PLACES, "E"),
        ("choice", "option C", (), "C"),
        ("yes-no", "True", (), "yes"),
        ("yes-no", "n", (), "no"),
        ("yes-no", "It was late. The answer is no.", (), "no"),
        ("text", "The answer is yajo.", (), "yajo"),
        ("text", "St. Louis", (), "St. Louis"),
        ("text", "72", (), "72"),
    ],
)
def test_gold_is_taken_out_of_a_bare_answer_or_a_solution(answer_kind, answer, choices, gold):
    assert read_gold(answer, choices, answer_kind) == Gold(gold, answer_kind)


@pytest.mark.parametrize(
    ("answer_kind", "answer", "choices", "problem"),
    [
        ("number", "many", (), "'many' is not a number answer"),
        ("number", "72 figs or 73", (), "not a number answer"),
        ("number", "12/24/2023", (), "not a number answer"),
        ("choice", "museum", PLACES, "'museum' is not one of the choices"),
        ("choice", "F", PLACES, "not one of the choices"),
        ("choice", "A. library", PLACES, "not one of the choices"),
        ("choice", "A", ("B", "A"), "letter of one choice and the text of another"),
        ("choice", "it", ("It", "IT"), "may be 'It' or 'IT'"),
        ("yes-no", "perhaps", (), "not a yes-no answer"),
        (None, "?", (), "holds no letter or digit"),
        (None, " ", (), "is empty"),
        (None, "so\n####", (), "is empty"),
        (None, "one\ntwo", (), "no reply could be graded right"),
        (None, "<think>", (), "no reply could be graded right"),
        (None, "1e400", (), "too long a number"),
    ],
)
def test_what_is_no_gold_is_refused(answer_kind, answer, choices, problem):
    with pytest.raises(BadGold, match=problem):
        read_gold(answer, choices, answer_kind)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("3+4\n#### 7", "3+4", "7"),
        ("So it is $\\boxed{\\frac{3}{4}}$.", "So it is $\\frac{3}{4}$.", "\\frac{3}{4}"),
        ("$\\boxed{8}$", "", "8"),
        ("3+4 = 7. So the answer is 7.", "3+4 = 7.", "7"),
        ("3+4 = 7. The answer is 7.", "3+4 = 7.", "7"),
        (" 7 ", "", "7"),
        ("The answer is blowing. In the wind", "", "The answer is blowing. In the wind"),
    ],
)
def test_a_solution_ends_in_its_answer(text, reasoning, answer):
    assert split_solution(text) == (reasoning, answer)


def rows_of_the_table():
    """(written, becomes) of each row of the README's section on golds."""
    section = README.read_text().partition("## Gold answers")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(.+?)` \| (.+?) \|", section, re.MULTILINE)


def test_the_readme_shows_many_forms():
    assert len(rows_of_the_table()) >= 25


@pytest.mark.parametrize(("written", "becomes"), rows_of_the_table())
def test_each_row_of_the_readme_is_so(written, becomes):
    answer_kind, _, gold = becomes.partition(" ")
    if answer_kind == "refused":
        with pytest.raises(BadGold):
            read_gold(written)
        return
    assert gold == f"`{read_gold(written).text}`"
    assert read_gold(written).answer_kind == answer_kind


def test_number_words_are_texts_where_most_answers_are_texts():
    assert kinds("seven", "12", "5", "x") == ["number", "number", "number", "text"]
    assert kinds("seven", "Snow White", "Grumpy") == ["text", "text", "text"]
    assert kinds("Yes, it is", "no", "no") == ["yes-no", "yes-no", "yes-no"]
    assert kinds("No, it is late", "Snow White", "Grumpy") == ["text", "text", "text"]
    assert kinds("7", "Snow White", "Grumpy") == ["number", "text", "text"]


def test_one_group_of_three_can_be_read_in_two_ways_beside_a_decimal_comma():
    assert column("1.234", "1,234", "3.5") == ["1.234", "1234", "3.5"]
    golds = column("1.234", "1,234", "3,5", "12.345,5", "0,125")
    assert golds[0].startswith("the answer '1.234' may be 1234 or 1.234, since another row has")
    assert golds[1].startswith("the answer '1,234' may be 1234 or 1.234")
    assert golds[2:] == ["3.5", "12345.5", "0.125"]


def test_the_kind_that_the_user_gives_holds_for_every_answer():
    assert column("007", "1.20", "seven", answer_kind="text") == ["007", "1.20", "seven"]
    assert column("seven", "12 km", answer_kind="number")[0] == "7"
    assert "not a number answer" in column("seven", "12 to 14", answer_kind="number")[1]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("12 km", "12"),
        ("9 (apples)", "9"),
        ("2 1/2 cups", "2.5"),
        ("1,250 m²", "1250"),
        ("30 m/s", "30"),
        ("$12 per hour", "12"),
        ("3 + 4 = 7 #### 7 red balls", "7"),
    ],
)
def test_a_number_keeps_its_unit_only_where_numbers_are_not_asked_for(written, number):
    assert column(written, answer_kind="number") == [number]
    assert read_column([Written(written)])[0].answer_kind == "text"


@pytest.mark.parametrize(
    "written",
    [
        "12 or more",
        "about 12",
        "2 hours and 30 minutes",
        "12 dozen",
        "12 (or 13)",
        "9:30 am",
        "1st",
    ],
)
def test_words_that_say_another_number_are_no_unit(written):
    (read,) = column(written, answer_kind="number")
    assert read != "12"
    assert "not a number answer" in read or written == "12 dozen"


@pytest.mark.parametrize(
    ("answer", "answer_kind", "key"),
    [
        ("7", None, "3"),
        ("seven", "text", "3"),
        ("7", "text", "3:text"),
        ("yes", "text", "3:text"),
        ("B", "choice", "3:choice"),
        ("1", "yes-no", "3"),
    ],
)
def test_a_key_holds_the_kind_that_the_gold_does_not_show(answer, answer_kind, key):
    gold = read_gold(answer, (), answer_kind)
    assert key_with_kind("3", gold) == key
    question = Question(task="t", key=key, split="test", text="?", gold=gold.text)
    assert question_kind(question) == gold.answer_kind


@pytest.mark.parametrize("piece", ["the answer is . ", "\\boxed{", "a - ", "12.3/", "U."])
def test_a_hostile_answer_takes_no_longer_than_its_length_says(piece):
    def read(text):
        with contextlib.suppress(BadGold):
            read_gold(text)

    short = seconds(read, piece * (20_000 // len(piece)))
    assert seconds(read, piece * (200_000 // len(piece))) < 20 * short


@pytest.mark.parametrize(
    ("answer", "choices", "answer_kind"),
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
def test_an_answer_shows_its_kind(answer, choices, answer_kind):
    assert read_gold(answer, choices).answer_kind == answer_kind
