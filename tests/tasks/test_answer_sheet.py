"""A sheet of answers is graded line by line; a bad line is named."""

from __future__ import annotations

import json

import pytest

from localfair.errors import BadDataset
from localfair.tasks import get_task
from localfair.tasks.answer_sheet import grade_lines


def graded(task, *lines):
    sheet = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(grade_lines(get_task(task), sheet, "sheet"))


def test_each_line_gets_its_grade_and_the_bare_gold():
    line = {"id": 1, "text": "The answer is 72.", "gold": "48+24 = 72\n#### 72"}
    assert graded("gsm8k", line) == [{"id": 1, "grade": "right", "read": "72", "gold": "72"}]


def test_blank_lines_and_a_byte_order_mark_are_passed_over():
    line = b'\xef\xbb\xbf{"id": 1, "text": "5", "gold": 5}\n'
    assert [grade["grade"] for grade in graded("gsm8k", b" \n", line)] == ["right"]


def test_a_table_takes_the_kind_of_answer_from_each_gold():
    answers = [
        ({"text": "7 of them", "gold": "3+4\n#### 7"}, "right"),
        ({"text": "Yes.", "gold": True}, "right"),
        ({"text": "The answer is Rome.", "gold": "Paris"}, "wrong"),
        ({"text": "(B)", "gold": "blue", "choices": ["red", "blue"]}, "right"),
    ]
    lines = [{"id": number} | line for number, (line, _) in enumerate(answers)]
    grades = [grade["grade"] for grade in graded("table", *lines)]
    assert grades == [expected for _, expected in answers]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{oops", "sheet line 1: is not JSON"),
        (b"\xff", "sheet line 1: is not UTF-8 text"),
        (b"\x1f\x8b\x08", "sheet: is packed with gzip"),
        ([1], "sheet line 1: is not a JSON object"),
        ({"text": "5", "gold": "5"}, "has no 'id'"),
        ({"id": 1, "text": "5", "gold": "many"}, "'many' is not a number answer"),
        ({"id": 1, "text": "5", "gold": "5", "choices": ["a"]}, "a list of 2 to 26 texts"),
    ],
)
def test_a_bad_line_is_named(line, problem):
    with pytest.raises(BadDataset, match=problem):
        graded("gsm8k", line)


@pytest.mark.parametrize("text", [{"text": None}, {"text": 5}, {"text": ["The answer is 5."]}, {}])
def test_a_reply_that_is_no_text_is_unreadable_and_the_others_are_graded(text):
    right = {"text": "The answer is 5.", "gold": 5}
    lines = [{"id": 1, **right}, {"id": 2, "gold": 5, **text}, {"id": 3, **right}]
    grades = [(grade["id"], grade["grade"]) for grade in graded("gsm8k", *lines)]
    assert grades == [(1, "right"), (2, "unreadable"), (3, "right")]


@pytest.mark.parametrize(
    ("gold", "reply", "expected"),
    [
        ("0,75", "The answer is 3/4.", "right"),
        ("0,75", "The answer is 75.", "wrong"),
        (2.5e-06, "The answer is 0.0000025.", "right"),
        ("9-11", "The answer is 9–11.", "right"),
        ("9-11", "The answer is 9/11.", "wrong"),
        ("a - b", "The answer is a + b.", "wrong"),
        ("nai\u0308ve", "The answer is na\u00efve.", "right"),
        ("No, they do not", "The answer is no.", "right"),
    ],
)
def test_a_gold_says_what_was_written(gold, reply, expected):
    (grade,) = graded("table", {"id": 1, "text": reply, "gold": gold})
    assert grade["grade"] == expected
