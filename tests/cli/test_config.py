"""`localfair config`, and that every command takes what it shows."""

import json

import pytest

from tests.cli.conftest import review


@pytest.fixture
def written(desk):
    """A localfair.toml that names the record and the student and teachers of the desk."""
    (desk.folder / "localfair.toml").write_text(
        'db = "mine.db"\nstudent = "student.script.toml"\nthreads = 1\n'
        'teachers = ["anna.script.toml", "bert.script.toml"]\n'
    )
    return desk


def test_config_says_what_is_set_and_by_whom(written, monkeypatch):
    monkeypatch.setenv("LOCALFAIR_DB", "other.db")
    lines = written.says("config").out.splitlines()
    assert lines[1] == "db         other.db  (LOCALFAIR_DB)"
    assert lines[2] == "student    student.script.toml  (localfair.toml)"
    assert lines[3] == "teachers   anna.script.toml, bert.script.toml  (localfair.toml)"
    assert lines[4] == "engine     the usual one of each model  (default)"
    said = json.loads(written.says("config", "--json").out)
    assert said["threads"] == {"value": 1, "source": "localfair.toml"}


def test_every_command_takes_what_is_set_and_an_option_goes_before_it(written):
    small = ("--task", "arithmetic-1", "--train-limit", 4, "--test-limit", 2)
    assert written.says("review", "fair", *small).code == 0
    assert (written.folder / "mine.db").exists()
    assert written.says("report").out.startswith("run ")
    assert "imported" in written.says("tasks", "list").out
    assert written.says("report", "--db", "none.db").code == 2


def test_the_engine_that_is_set_is_the_teachers_alone(written, monkeypatch):
    monkeypatch.setenv("LOCALFAIR_ENGINE", "nothing")
    assert (
        "unknown engine 'nothing'" in written.says("plan", "fair", "--task", "arithmetic-1").error
    )
    assert written.says("ask", "hm", "--model", "anna.script.toml").code == 0


@pytest.mark.parametrize("text", ["dbb = 1", "db = ", "threads = 0"])
def test_a_setting_that_cannot_be_is_one_line(desk, text):
    (desk.folder / "localfair.toml").write_text(text)
    for command in (("config",), ("report",), review("--db", "some.db")):
        said = desk.says(*command)
        assert (said.code, said.out) == (2, "")
        assert "localfair.toml" in said.error
    assert not (desk.folder / "some.db").exists()
    assert desk.says("--help").code == 0
