"""`localfair run`: the option that was renamed is still taken, with a word about its new name."""

import json

import pytest

from tests.cli.conftest import seats

# everything up to the last exam; a script cannot be trained
SMALL = ("--task", "arithmetic-1", "--test-limit", 2, "--set", "train.enabled=false")
RENAMED = "warning: --limit is now --train-limit"


def run(desk, *more):
    return desk.says("run", "fair", *seats("anna", "bert"), *SMALL, *more)


@pytest.mark.parametrize(("option", "warnings"), [("--limit", 1), ("--train-limit", 0)])
def test_a_limit_of_train_questions_is_taken_under_both_names(desk, option, warnings):
    said = run(desk, option, 2, "--json")
    assert said.code == 0, said.err
    assert said.err.splitlines().count(RENAMED) == warnings
    assert ("--limit" in said.err) == bool(warnings)
    assert json.loads(said.out)["settings"]["train_limit"] == 2


def test_the_old_name_is_not_shown_in_the_help(desk):
    said = desk.says("run", "--help")
    assert "--train-limit" in said.out
    assert " --limit" not in said.out


def test_an_old_limit_that_is_no_number_is_refused_as_ever(desk):
    said = run(desk, "--limit", 0)
    assert said.code == 2
    assert "Invalid value for '--limit'" in said.error


def test_how_the_answers_of_a_file_were_read_is_said_the_first_time(desk):
    rows = ["How many?,35%,test", "How many more?,8,test", "Where?,Oslo,train"]
    (desk.folder / "mine.csv").write_text("\n".join(["question,answer,split", *rows]))
    data = ("--task", "table", "--data", "mine.csv", "--set", "train.enabled=false")
    first = desk.says("exam", "answers-only", *seats(), *data)
    assert first.code == 0, first.err
    assert "answers: 2 numbers, 1 text: line 4" in first.err
    assert "35% is the number 35" in first.err
    again = desk.says("exam", "answers-only", *seats(), *data)
    assert again.code == 0, again.err
    assert "answers:" not in again.err
