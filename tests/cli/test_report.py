"""`localfair report --html`: one page, whole or not at all."""

import json

from tests.cli.conftest import review


def test_a_page_is_written_and_its_path_said(desk):
    run = json.loads(desk.says(*review("--json")).out)["run"]
    said = desk.says("report", run[:5], "--html", "report.html")
    assert (said.code, said.out, said.err) == (0, "report.html\n", "")
    page = (desk.folder / "report.html").read_text()
    assert f"run <code>{run}</code>" in page
    assert "feedback by teacher#" in page


def test_a_file_that_cannot_be_is_one_line_and_leaves_nothing(desk):
    desk.says(*review())
    (desk.folder / "taken").write_text("mine")
    (desk.folder / "folder").mkdir()
    before = desk.files()
    for target in ("taken", "folder", "taken/report.html", "/proc/none/report.html", ""):
        said = desk.says("report", "--html", target)
        assert said.code == 2, target
        assert said.error
    for run in ("0000none", ""):
        assert desk.says("report", run, "--html", "new.html").code == 2
    assert desk.says("report", "--db", "none.db", "--html", "new.html").code == 2
    assert desk.files() == before


def test_the_newest_run_that_did_anything_is_told_and_that_it_is_said(desk):
    first = json.loads(desk.says(*review("--json")).out)["run"]
    (desk.folder / "student.script.toml").write_text('[[rule]]\nwhen = "never"\nreplies = ["x"]\n')
    assert desk.says(*review("--seed", 5)).code != 0
    said = desk.says("report")
    assert said.out.startswith(f"run {first}: ")
    assert f"run {first} is the newest that ended a step; 1 newer did not" in said.err
