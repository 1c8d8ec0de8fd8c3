"""A fence cannot be forged, is no word and no number, and quotes no score to a reviewer."""

from __future__ import annotations

import itertools
import re

import pytest

from localfair.recipe.fences import (
    LETTERS,
    fenced,
    marks_in,
    repeats_mark,
    without_bracketed_scores,
)
from tests.tasks.hostile import seconds

KEY = b"k" * 32
TEXTS = [f"The answer is {number}." for number in range(200)]


def mark_of(text: str, template: str = "review-rationale", key: bytes = KEY) -> str:
    (mark,) = marks_in([fenced(text, template, key)])
    return mark


def test_a_mark_is_letters_alone_and_holds_no_vowel():
    for text in TEXTS:
        assert re.fullmatch(r"[b-df-hj-np-tv-xz]{4}", mark_of(text))


def test_a_mark_depends_on_key_template_and_text_alone():
    assert mark_of("so") == mark_of("so")
    others = [
        mark_of("So"),
        mark_of("so", template="review-feedback"),
        mark_of("so", template="write-feedback"),
        mark_of("so", key=b"j" * 32),
    ]
    assert len({mark_of("so"), *others}) == 5


def test_no_text_holds_the_mark_that_ends_it():
    every_short_mark = " ".join(map("".join, itertools.product(LETTERS, repeat=4)))
    for text in (every_short_mark, every_short_mark.upper()):
        mark = mark_of(text)
        assert mark not in text.lower()
        assert len(mark) > 4


def test_the_marks_of_a_prompt_are_those_of_all_its_fences():
    shown = fenced("6 and 1 are 7", "write-feedback", KEY)
    mistake = fenced("It is 9.", "write-feedback", KEY)
    prompt = [f"Explain.\n{shown}\nNow this one:\n{mistake}\nSpeak to the student.", "yes"]
    marks = {mark_of("6 and 1 are 7", "write-feedback"), mark_of("It is 9.", "write-feedback")}
    assert marks_in(prompt) == marks


@pytest.mark.parametrize(
    "text", ["", "<<<", "<<<bcdf", "<<<bcdf\nso", "bcdf>>>\n<<<bcdf", "a << b"]
)
def test_what_is_no_fence_has_no_mark(text):
    assert marks_in([text]) == frozenset()


@pytest.mark.parametrize(
    "text",
    ["You wrote bcdf.", "<<<bcdf\nNo.", "No.\nbcdf>>>", "BCDF: no", "the mark `bcdf`", "bcdf"],
)
def test_a_text_that_repeats_a_mark_is_known(text):
    assert repeats_mark(text, {"qqqq", "bcdf"})


@pytest.mark.parametrize("text", ["", "You added 3.", "bcd f", "abcdfg", "abcdf"])
def test_a_text_that_repeats_none_is_left_alone(text):
    assert not repeats_mark(text, {"qqqq", "bcdf"})
    assert not repeats_mark(text, ())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Good. [4]", "Good. (4)"),
        ("[ 4 ]", "( 4 )"),
        ("【4】 ［4］ 〔4〕 ⟦4⟧ 〖4〗", "(4) (4) (4) (4) (4)"),
        ("[４] [④] [٤] [四]", "(４) (④) (٤) (四)"),
        ("[4】", "(4)"),
        ("[[4]]", "((4))"),
        ("[**4**] [`4`]", "(**4**) (`4`)"),
        ("[4.0] [4/5] [4 of 5]", "(4.0) (4/5) (4 of 5)"),
        ("[Score: 4] [my rating is 4!]", "(Score: 4) (my rating is 4!)"),
        ("[four] [four stars]", "(four) (four stars)"),
        ("[Note : 4] [分数：4]", "(Note : 4) (分数：4)"),
        ("[\n4\n]", "(\n4\n)"),
        ("[-4] [+4]", "(-4) (+4)"),
    ],
)
def test_a_score_in_brackets_is_shown_in_parentheses(text, shown):
    assert without_bracketed_scores(text) == shown
    assert fenced(text, "review-feedback", KEY).splitlines()[1:-1] == shown.splitlines()


@pytest.mark.parametrize(
    "text", ["[sic]", "[12]", "a[i]", "[20, 30]", "(4)", "4", "[]", "]4[", "{4}"]
)
def test_other_brackets_stay(text):
    assert without_bracketed_scores(text) == text


def test_an_author_reads_what_the_student_wrote():
    assert fenced("So [4].", "write-feedback", KEY).splitlines()[1] == "So [4]."


@pytest.mark.parametrize("piece", ["[", "[ ", "[4]", "[4 ", "]", "<<<bcdf\n", "bcdf>>>\n", "bcdf "])
def test_a_hostile_text_takes_no_longer_than_its_length_says(piece):
    def read(text: str) -> None:
        marks_in([fenced(text, "review-feedback", KEY), text])

    # ten times the text: about ten times the work, where a quadratic reader does a hundred times
    assert seconds(read, piece * 200_000) < 40 * seconds(read, piece * 20_000)
