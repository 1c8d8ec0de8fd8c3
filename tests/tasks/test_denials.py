"""An answer that a text denies, leaves open or goes on from is none; what it says instead is."""

from __future__ import annotations

import pytest

from localfair.tasks.denials import is_denied, is_open
from localfair.tasks.grading import grade

SHELVES = ("attic", "cellar", "garage")


def verdict(answer_kind, gold, text, choices=()):
    return grade(answer_kind, gold, text, choices).grade.value


@pytest.mark.parametrize(
    "text",
    [
        "The answer is no longer 31.",
        "The answer is anything but 31.",
        "The answer is definitely not going to be 31.",
        "I do not believe it is 31.",
        r"The answer is $\neq 31$.",
        "31 is not the answer.",
        "31 plums is clearly wrong.",
        "The answer 31 is incorrect.",
        "Many people say the answer is 31, but that is wrong.",
        "It would be a mistake to say the answer is 31.",
        "You might think the answer is 31, but it is 35.",
        "My friend said the answer is 31. It is 35.",
    ],
)
def test_a_denied_number_is_never_right(text):
    assert verdict("number", "31", text) != "right"


@pytest.mark.parametrize(
    "text",
    [
        "You might think the answer is 31, but it is 35.",
        "One could guess that the answer is 31. But actually it is 35.",
        "The answer is no longer 31 but 35.",
        "The answer is 31. Wait, actually it's 35.",
        "Some claim the answer is 31; however, it is 35.",
    ],
)
def test_what_is_said_instead_is_read(text):
    assert verdict("number", "35", text) == "right"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 31 (or 35).",
        "The answer is 31, possibly 35.",
        "The answer is 31, although it could be 35.",
        "The answer is 31; or 35.",
        "The answer is 31 | 35",
        "The answer is two possible values: 31 and 35.",
        "The answer is $31 per crate, so $62.",
        "Die Antwort ist 31 oder 35.",
        "La réponse est 31 ou 35.",
        "答案是31或者35。",
        "정답은 31 또는 35입니다.",
        "Ответ: 31 или 35",
        "Die Antwort liegt zwischen 31 und 35.",
        "The answer is less than or equal to 31.",
        "The answer is unknown. 31 is what was given.",
        "There is not enough information. Ida has 31 plums.",
        '{"answer": null, "plums": 31}',
        '{"answer": [31, 35], "plums": 31}',
        "Could the answer be 31?",
        "The answer is 31. Hmm, let me recheck. 5 * 7 = 35. So 35.",
    ],
)
def test_what_does_not_settle_is_unreadable(text):
    assert verdict("number", "31", text) == "unreadable"


@pytest.mark.parametrize(
    "text",
    [
        "It is anything but A.",
        "The answer is not (A) attic.",
        "I don't think it's A.",
        "It could be A.",
        "Die Antwort ist A oder B.",
        "答案不是A",
        "La réponse n'est pas A.",
        "Die Antwort ist nicht A.",
        "정답은 A가 아닙니다.",
        "答えはAではありません。",
    ],
)
def test_a_denied_choice_is_never_right(text):
    assert verdict("choice", "A", text, SHELVES) != "right"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is no longer yes.",
        "The answer is anything but yes.",
        "You might think the answer is yes, but it is no.",
        "It would be wrong to say yes.",
        "Is the answer yes?",
        "The answer could be yes.",
    ],
)
def test_a_denied_yes_is_never_right(text):
    assert verdict("yes-no", "yes", text) != "right"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is not pear.",
        "The answer is pear or plum.",
        "The answer is pear. Wait, it is plum.",
        "I think the answer isn't pear",
    ],
)
def test_a_denied_word_is_never_right(text):
    assert verdict("text", "pear", text) != "right"


def test_a_word_is_read_without_the_one_it_is_not():
    assert verdict("text", "pear", 'The answer is "pear", not "plum".') == "right"


def test_a_denial_stands_before_its_answer_or_after_it():
    assert is_denied("it is never 31", 12, 14)
    assert is_denied("31 would be too high", 0, 2)
    assert not is_denied("it is 31 and not 35", 6, 8)
    assert is_open("cannot be determined")
    assert not is_open("31 in all")
