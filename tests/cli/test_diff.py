"""`localfair diff`, and the rows and the table of a report."""

import csv
import io
import json

import pytest

from tests.cli.conftest import review


@pytest.fixture
def two_runs(desk):
    """A desk after two runs whose students know different things; the ids of the runs."""
    first = json.loads(desk.says(*review("--json")).out)["run"]
    desk.script("student", '[[rule]]\nwhen = ""\nreplies = ["The answer is 2."]\n')
    second = json.loads(desk.says(*review("--json", "--seed", 4)).out)["run"]
    return desk, first, second


def test_two_runs_differ_in_settings_accuracy_and_questions(two_runs):
    desk, first, second = two_runs
    out = desk.says("diff", first[:6], second[:6]).out
    assert out.startswith(f"first   run {first}: fair on arithmetic-1, seed 0; before ")
    assert "\n  change  " in out and "exact McNemar p = " in out
    assert "\n  seed  0 -> 4\n" in f"{out}\n"
    found = json.loads(desk.says("diff", first, second, "--json").out)
    change = found["change"]
    assert len(found["flips"]) == change["gained"] + change["lost"]
    for flip in found["flips"]:
        right = flip["second"] if flip["gained"] else flip["first"]
        assert right == flip["gold"]


def test_a_run_does_not_differ_from_itself(two_runs):
    desk, first, _ = two_runs
    out = desk.says("diff", first, first).out
    assert "+0.0%" in out and out.endswith("\nno setting differs\n")


def test_runs_of_other_tasks_share_no_question(two_runs):
    desk, first, _ = two_runs
    other = review("--task", "arithmetic-2", "--json")
    second = json.loads(desk.says(*other).out)["run"]
    out = desk.says("diff", first, second).out
    assert "no question of test was answered in both runs" in out
    assert "arithmetic-1" in out and "arithmetic-2" in out


def test_an_unknown_run_is_one_line(two_runs):
    desk, first, _ = two_runs
    said = desk.says("diff", first, "0000nobody")
    assert said.code == 2
    assert "there is no run '0000nobody'" in said.error


def test_every_answer_of_a_run_is_a_row(two_runs):
    desk, first, _ = two_runs
    rows = list(csv.DictReader(io.StringIO(desk.says("report", first, "--rows", "csv").out)))
    objects = [
        json.loads(line) for line in desk.says("report", first, "--rows", "json").out.splitlines()
    ]
    assert len(rows) == len(objects) == 6
    assert {row["grade"] for row in rows} <= {"right", "wrong", "unreadable"}
    assert [row["answer"] for row in rows] == [each["answer"] for each in objects]
    for each in objects:
        assert desk.says("show", each["answer"]).code == 0


def test_a_table_for_a_paper_holds_both_numbers_and_their_interval(two_runs):
    desk, first, _ = two_runs
    report = json.loads(desk.says("report", first, "--json").out)
    out = desk.says("report", first, "--latex").out
    assert f"before & {report['before']['right']}/2 & " in out
    assert out.rstrip().endswith(r"\end{tabular}")


def test_two_forms_at_once_and_an_empty_record_are_one_line(two_runs):
    desk, *_ = two_runs
    assert "two reports" in desk.says("report", "--latex", "--rows", "csv").error
    for form in (("--latex",), ("--rows", "json"), ()):
        said = desk.says("report", *form, "--db", "none.db")
        assert said.code == 2 and "there is no database" in said.error
