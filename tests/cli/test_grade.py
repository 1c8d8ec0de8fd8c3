"""`localfair grade`: one grade for each line, in order; a bad line is named."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from localfair.cli.grade import grade
from localfair.errors import BadDataset, UnknownTask, UsageError


def as_line(value):
    """A line of a sheet: text as it is, the rest as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{text}\n"


def graded(task, *lines, file="-"):
    """What `localfair grade` writes for a sheet on stdin, or for a file."""
    sheet = "".join(map(as_line, lines))
    result = CliRunner().invoke(grade, [task, file], input=sheet)
    if result.exception:
        raise result.exception
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_line_gets_its_grade_in_order():
    lines = (
        {"id": 1, "text": "48+24 = 72. The answer is 72.", "gold": "48+24 = 72\n#### 72"},
        "",
        {"id": "b", "text": "The answer is 5.", "gold": 72},
        {"id": "c", "text": "", "gold": "72"},
    )
    assert graded("gsm8k", *lines) == [
        {"id": 1, "grade": "right", "read": "72", "gold": "72"},
        {"id": "b", "grade": "wrong", "read": "5", "gold": "72"},
        {"id": "c", "grade": "unreadable", "read": None, "gold": "72"},
    ]


def test_choices_in_a_line_let_texts_count():
    line = {
        "id": 1,
        "text": "The answer is a library.",
        "gold": "B",
        "choices": ["bank", "library"],
    }
    assert graded("commonsenseqa", line)[0]["grade"] == "right"


@pytest.mark.parametrize("task", ["strategyqa", "table"])
def test_yes_no_and_table_golds_may_be_booleans(task):
    line = {"id": 1, "text": "That is not true.", "gold": False}
    assert graded(task, line)[0]["grade"] == "right"


def test_a_file_is_graded_like_stdin(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text(as_line({"id": 1, "text": "72", "gold": "72"}))
    assert graded("gsm8k", file=str(path))[0]["grade"] == "right"


def test_a_reply_that_never_came_ends_nothing():
    came = {"text": "The answer is 5.", "gold": 5}
    lines = ({"id": 1, **came}, {"id": 2, "text": None, "gold": 5}, {"id": 3, **came})
    grades = [line["grade"] for line in graded("svamp", *lines)]
    assert grades == ["right", "unreadable", "right"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{oops", "stdin line 2: is not JSON"),
        ({"id": 1, "text": "5"}, "stdin line 2: has no 'gold'"),
        ({"id": 1, "text": "5", "gold": "many"}, "stdin line 2: .*not a number"),
        ([1], "stdin line 2: is not a JSON object"),
    ],
)
def test_a_bad_line_is_named(line, problem):
    with pytest.raises(BadDataset, match=problem):
        graded("gsm8k", {"id": 1, "text": "5", "gold": "5"}, line)


def test_an_unknown_task_or_file_is_an_error_for_people(tmp_path):
    with pytest.raises(UnknownTask):
        graded("gsm9k")
    with pytest.raises(UsageError, match="No such file"):
        graded("gsm8k", file=str(tmp_path / "none.jsonl"))
