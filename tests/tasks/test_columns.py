"""Columns by name: exact, in any case, inside objects and lists."""

import pytest

from localfair.errors import BadDataset
from localfair.tasks import columns
from localfair.tasks.files import Row

NESTED = {
    "Question": "Flat?",
    "a.b": "a name with a point",
    "a": {"B": "inside", "c": ["first", {"d": 5}]},
    "empty": None,
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("question", "Flat?"),
        ("QUESTION", "Flat?"),
        ("a.b", "a name with a point"),
        ("a.B", "a name with a point"),
        ("a.c.0", "first"),
        ("A.C.1.D", 5),
        ("a.c.2", None),
        ("a.x", None),
        ("question.x", None),
    ],
)
def test_a_column_is_found_by_its_name(name, value):
    assert columns.optional(Row("t", NESTED, ""), name) == value


def test_two_columns_that_differ_in_case_alone_must_be_named_exactly():
    row = Row("t", {"Answer": 1, "ANSWER": 2}, "")
    assert columns.scalar(row, "ANSWER") == "2"
    with pytest.raises(BadDataset, match="'answer' may be 'Answer' and 'ANSWER'"):
        columns.scalar(row, "answer")


def test_what_is_missing_is_told_with_what_there_is():
    with pytest.raises(BadDataset, match="has no 'x'; its columns are 'Question'"):
        columns.text(Row("t", {"Question": "a", "b": 1}, ""), "x")
    with pytest.raises(BadDataset, match="has no 'answer': the cell is empty"):
        columns.text(Row("t", {"q": "a"}, "", columns=("q", "Answer")), "answer")
