"""What every command promises: help that is cheap, data on stdout alone, and the small commands' output."""

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
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *args], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("args", [("--help",), ("run", "--help")])
def test_help_costs_at_most_twelve_times_an_empty_python(args):
    pairs = [(cpu("-c", "pass"), cpu("-m", "localfair", *args)) for _ in range(ROUNDS)]
    empty, helped = (median(seconds) for seconds in zip(*pairs, strict=True))
    assert helped <= CEILING * empty


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_every_command_has_help_of_its_own(desk, command):
    said = desk.says(*([command] if command else []), "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: localfair {command or ''}")


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_the_help_shows_examples(desk, command):
    said = desk.says(*([command] if command else []), "-h")
    assert "Examples:\n    localfair" in said.out


def test_the_help_lists_every_command(desk):
    out = desk.says("--help").out
    assert len(COMMANDS) >= 12
    assert [name for name in COMMANDS if f"\n  {name} " not in out] == []


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["recipes", "list"], ["nope"]])
def test_python_m_localfair_is_localfair(desk, args):
    here, there = desk.says(*args), desk.waits(desk.start(*args))
    assert (there.code, there.out, there.err) == (here.code, here.out, here.err)


def test_a_runs_json_is_all_there_is_on_stdout(desk):
    said = desk.says(*review("--json"))
    found = json.loads(said.out)
    assert said.code == 0 and found["status"] == "done"
    assert [line.split(":")[0] for line in said.err.splitlines()] == [
        "before",
        "exam",
        "inquire",
        "review",
    ]


def test_a_report_says_the_same_again(desk):
    ran = desk.says(*review("--json"))
    assert desk.says("report", "--json").out == ran.out
    assert desk.says("report", json.loads(ran.out)["run"], "--json").out == ran.out
    assert desk.says("report").out.startswith(
        f"run {json.loads(ran.out)['run']}: fair on arithmetic-1"
    )


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
    found = json.loads(desk.says("reviewers", "--json").out)
    assert {row["reviewer"] for row in found["differences"]} == {
        row["reviewer"] for row in found["modes"]
    }
    assert [row["mode"] for row in found["committee"]] == ["direct", "reasoned"]


def test_a_renamed_command_says_its_new_name(desk):
    said = desk.says("committee")
    assert said.code == 2 and said.out == ""
    assert said.err.splitlines()[-1] == "hint: it is called `localfair reviewers` now"


def test_runs_are_listed_newest_first(desk):
    runs = [json.loads(desk.says(*review("--json")).out)["run"] for _ in range(2)]
    assert [line.split()[0] for line in desk.says("report", "--list").out.splitlines()] == runs[
        ::-1
    ]


def test_db_says_where_it_is_what_it_holds_and_that_it_is_sound(desk):
    desk.says(*review("--db", "mine.db"))
    assert desk.says("db", "path", "--db", "mine.db").out == f"{desk.folder / 'mine.db'}\n"
    counts = [
        line.split() for line in desk.says("db", "tables", "--db", "mine.db").out.splitlines()
    ]
    assert {("6", "answers"), ("1", "runs"), ("2600", "questions")} <= {
        tuple(count) for count in counts
    }
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
    assert said.code == 1 and problem in said.out and said.err.endswith("problems\n")


def test_recipes_are_listed_shown_checked_and_copied(desk):
    listed = [line.split()[0] for line in desk.says("recipes", "list").out.splitlines()]
    assert {"fair", "quickstart", "tinyllm"} <= set(listed)
    shown = desk.says("recipes", "show", "fair").out
    assert "# FAIR" in shown and "[paper]" in shown
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
