"""What every command promises: cheap help, data on stdout alone; and what the small ones print."""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
from statistics import median

import pytest

from localfair.cli import COMMANDS
from tests.cli.conftest import review

CEILING = 12  # times the CPU of `python -c pass`
ROUNDS = 7


def cpu(*args: str) -> float:
    """User and system seconds of one child."""
    before = cpu_of_children()
    subprocess.run([sys.executable, *args], stdout=subprocess.DEVNULL, check=True)
    return cpu_of_children() - before


def cpu_of_children() -> float:
    """User and system seconds of all children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("args", [("--help",), ("run", "--help")])
def test_help_costs_at_most_twelve_times_an_empty_python(args):
    empty = []
    helped = []
    for _ in range(ROUNDS):
        empty.append(cpu("-c", "pass"))
        helped.append(cpu("-m", "localfair", *args))
    assert median(helped) <= CEILING * median(empty)


COMMAND_LINES = [(), *((name,) for name in COMMANDS)]


@pytest.mark.parametrize("command", COMMAND_LINES, ids=" ".join)
def test_every_command_has_help_of_its_own(desk, command):
    said = desk.says(*command, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(" ".join(["Usage: localfair", *command]))


@pytest.mark.parametrize("command", COMMAND_LINES, ids=" ".join)
def test_the_help_shows_examples(desk, command):
    said = desk.says(*command, "-h")
    assert "Examples:\n    localfair" in said.out


def test_the_help_lists_every_command(desk):
    out = desk.says("--help").out
    assert len(COMMANDS) >= 12
    for name in COMMANDS:
        assert f"\n  {name} " in out


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["recipes", "list"], ["nope"]])
def test_python_m_localfair_is_localfair(desk, args):
    here = desk.says(*args)
    there = desk.waits(desk.start(*args))
    assert there == here


def test_a_runs_json_is_all_there_is_on_stdout(desk):
    said = desk.says(*review("--json"))
    assert said.code == 0
    assert json.loads(said.out)["status"] == "done"
    events = [json.loads(line) for line in said.err.splitlines()]
    steps = [event["step"] for event in events if event["event"] == "step_ended"]
    assert steps == ["before", "exam", "inquire", "review"]


def test_a_report_says_the_same_again(desk):
    ran = desk.says(*review("--json"))
    run = json.loads(ran.out)["run"]
    assert desk.says("report", "--json").out == ran.out
    assert desk.says("report", run, "--json").out == ran.out
    assert desk.says("report").out.startswith(f"run {run}: fair on arithmetic-1")


def test_the_committee_is_told_by_reviewer_by_mode_and_as_a_whole(desk):
    both = ("--set", "review.exhaustive=true", "--set", 'review.of=["rationale"]')
    for mode in ("direct", "reasoned"):
        assert desk.says(*review(*both, "--set", f"review.mode={mode}")).code == 0
    out = desk.says("reviewers").out
    for title in (
        "reviewers",
        "direct and reasoned, on the same",
        "AUC with reasons less",
        "AUC of the mean over",
    ):
        assert f"\n{title}" in out
    shown = json.loads(desk.says("reviewers", "--json").out)
    compared = {reviewer["reviewer"] for reviewer in shown["differences"]}
    assert compared == {reviewer["reviewer"] for reviewer in shown["modes"]}
    assert [committee["mode"] for committee in shown["committee"]] == ["direct", "reasoned"]


def test_a_renamed_command_says_its_new_name(desk):
    said = desk.says("committee")
    assert said.code == 2 and said.out == ""
    assert said.err.splitlines()[-1] == "hint: it is called `localfair reviewers` now"


def test_runs_are_listed_newest_first(desk):
    older = json.loads(desk.says(*review("--json")).out)["run"]
    newer = json.loads(desk.says(*review("--json")).out)["run"]
    listed = desk.says("report", "--list").out.splitlines()
    assert [line.split()[0] for line in listed] == [newer, older]


def test_db_says_where_it_is_what_it_holds_and_that_it_is_sound(desk):
    desk.says(*review("--db", "mine.db"))
    assert desk.says("db", "path", "--db", "mine.db").out == f"{desk.folder / 'mine.db'}\n"
    tables = desk.says("db", "tables", "--db", "mine.db").out.splitlines()
    counts = {tuple(line.split()) for line in tables}
    assert {("6", "answers"), ("1", "runs"), ("2600", "questions")} <= counts
    sound = desk.says("db", "verify", "--db", "mine.db")
    assert (sound.code, sound.out, sound.err) == (0, "", "sound\n")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (
            "UPDATE generations SET text = 'x', seed = seed + 1 WHERE rowid = 3",
            "does not hash to its id",
        ),
        ("UPDATE questions SET gold = '0' WHERE rowid = 3", "does not hash to its id"),
        ("DELETE FROM reviews WHERE rowid = 1", "run_rows names a missing review"),
    ],
)
def test_db_verify_names_what_was_tampered_with(desk, damage, problem):
    desk.says(*review())
    with sqlite3.connect(desk.folder / "localfair.db") as connection:
        connection.execute(damage)
    connection.close()
    said = desk.says("db", "verify")
    assert said.code == 1
    assert problem in said.out
    assert said.err.endswith("problems\n")


def test_recipes_are_listed_shown_checked_and_copied(desk):
    listed = [line.split()[0] for line in desk.says("recipes", "list").out.splitlines()]
    assert {"fair", "quickstart", "tinyllm"} <= set(listed)
    shown = desk.says("recipes", "show", "fair").out
    assert "# FAIR" in shown
    assert "[paper]" in shown
    checked = desk.says("recipes", "check").out.splitlines()
    assert [line.split(":")[0] for line in checked] == listed
    assert desk.says("recipes", "copy", "fair", "mine").out == f"{desk.folder / 'recipes/mine'}\n"
    assert desk.says("recipes", "show", "mine").out == shown.replace('"fair"', '"mine"', 1)


def test_a_copied_recipe_is_the_users_own(desk):
    desk.says("recipes", "copy", "fair")
    path = desk.folder / "recipes/fair/recipe.toml"
    path.write_text(path.read_text().replace('id       = "before"', 'id = "first"'))
    assert desk.says("recipes", "check", "fair").out.startswith("fair: first -> exam")


def test_a_recipe_runs_from_a_path_outside_the_workspace(desk, monkeypatch):
    desk.says("recipes", "copy", "fair", "mine")
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(desk.folder / "elsewhere"))
    assert desk.says("recipes", "check", "recipes/mine").code == 0
    assert desk.says("recipes", "check", "recipes/mine/recipe.toml").code == 0
    assert desk.says("recipes", "check", "mine").code == 2


def test_a_reader_that_stops_early_gets_no_complaint(desk):
    with desk.start("recipes", "show", "fair") as process:
        process.stdout.close()
        process.wait(timeout=30)
        assert process.stderr.read() == ""
