"""`localfair coverage` prints each teacher, all together, and what that means for a committee."""

from __future__ import annotations

import json

import pytest

KNOWS = r"""
[[rule]]
when = '.*code of item ({known})\?'
replies = ['The answer is \1.']
[[rule]]
when = ''
replies = ['The answer is 0.']
"""


@pytest.fixture
def arguments(desk):
    """A task of 30 questions and two teachers, of whom one knows more than the other."""
    rows = [
        {"question": f"What is the code of item {n}?", "answer": str(n), "split": "train"}
        for n in range(1, 31)
    ]
    rows.append({**rows[0], "question": "What is the code of box 1?", "split": "dev"})
    (desk.folder / "q.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    desk.script("few", KNOWS.format(known="1|2|3"))
    desk.script("many", KNOWS.format(known=r"1?\d"))
    desk.script("other", KNOWS.format(known=r"2\d|30"))
    return ("coverage", "--task", "table", "--data", "q.jsonl", "--db", "c.db")


def test_it_says_in_a_line_that_a_committee_cannot_win(desk, arguments):
    said = desk.says(*arguments, "--teacher", "few.script.toml", "--teacher", "many.script.toml")
    assert said.code == 0, said.err
    assert "30 train questions of table, all there are" in said.out
    assert "union less best (many): 0 questions" in said.out
    assert "cannot win by coverage here; ask many alone" in said.out


def test_it_says_that_specialists_can(desk, arguments):
    seats = ("--teacher", "many.script.toml", "--teacher", "other.script.toml")
    said = desk.says(*arguments, *seats)
    assert "union less best (many): 11 questions, 36.7%" in said.out
    assert "the others solve what many does not" in said.out
    as_json = desk.says(*arguments, *seats, "--json")
    data = json.loads(as_json.out)
    assert data["can_win"] is True
    assert data["together"]["right"] == 30
    assert [teacher["who"] for teacher in data["teachers"]] == ["many", "other"]


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--teacher", "few.script.toml"),
        ("--teacher", "few.script.toml", "--teacher", "nobody"),
        ("--teacher", "few.script.toml", "--teacher", "many.script.toml", "--questions", "0"),
    ],
)
def test_bad_input_is_a_line_and_a_hint(desk, arguments, more):
    said = desk.says(*arguments, *more)
    assert said.code == 2
    assert said.error
    assert said.hint


def test_what_it_recorded_is_no_student_and_no_recipe_to_run(desk, arguments):
    seats = ("--teacher", "many.script.toml", "--teacher", "other.script.toml")
    assert desk.says(*arguments, *seats).code == 0
    for command in (["ask", "7"], *(["export", name] for name in ("gguf", "card", "task"))):
        said = desk.says(*command, "--db", "c.db")
        assert said.code == 2 and "trained no student" in said.error
        assert "localfair run coverage" not in said.hint
        assert "localfair recipes list" in said.hint
