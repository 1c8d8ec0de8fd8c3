"""`localfair export`: what it prints, and one line with a hint for what cannot be."""

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from localfair.models import resolve
from tests.cli.conftest import Desk, review
from tests.lab import Lab

WEIGHTS = ("adapter", "merged", "gguf")
COMMANDS = (*WEIGHTS, "lessons", "task", "card")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_student) -> Lab:
    """A laboratory after one run, in the folder it was made in."""
    lab = Lab(tmp_path_factory.mktemp("trained"), tiny_student)
    lab.run()
    return lab


@pytest.fixture
def desk(trained, tmp_path, monkeypatch, capsys) -> Desk:
    """A folder with a copy of the laboratory's record and adapter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(trained.folder))
    shutil.copy(trained.db, tmp_path / "lab.db")
    shutil.copytree(trained.folder / "lab-adapters", tmp_path / "lab-adapters")
    return Desk(tmp_path, capsys)


def lines(said):
    assert said.code == 0, said.err
    return said.out.strip().splitlines()


@pytest.mark.parametrize("format", ["f16", "lora"])
def test_gguf_says_where_it_is_and_that_the_second_time_it_was_there(desk, format):
    command = ("export", "gguf", "--type", format, "--no-parity", "--db", "lab.db")
    (first,) = lines(desk.says(*command))
    (again,) = lines(desk.says(*command))
    assert f"-{format}.gguf  sha256:" in first
    assert again == f"{first}, as before"


def test_the_adapter_is_one_line_with_its_folder(desk):
    (line,) = lines(desk.says("export", "adapter", "--db", "lab.db", "--out", "mine"))
    path = Path(line.split("  ")[0])
    assert path.parent == desk.folder / "mine"
    assert (path / "adapter_model.safetensors").is_file()


def test_merged_is_examined_unless_told_otherwise(desk):
    _, parity = lines(desk.says("export", "merged", "--db", "lab.db"))
    assert parity.startswith("parity on 1 dev questions: same grade 1, same text 1")
    assert len(lines(desk.says("export", "merged", "--no-parity", "--db", "lab.db"))) == 1


def test_lessons_and_card_print_the_path_of_what_they_wrote(desk):
    (lessons,) = lines(desk.says("export", "lessons", "--db", "lab.db"))
    (card,) = lines(desk.says("export", "card", "--db", "lab.db"))
    chats = [json.loads(line) for line in Path(lessons).read_text().splitlines()]
    assert len(chats) == 16
    assert Path(card).read_text().startswith("---\nbase_model: ")


def test_the_lessons_of_a_trainer_are_its_own_folder(desk):
    paths = []
    for form in ("messages", "prompt-completion"):
        (path,) = lines(desk.says("export", "lessons", "--as", form, "--db", "lab.db"))
        paths.append(Path(path))
    assert paths[0] != paths[1]
    assert [
        set(json.loads(path.read_text().splitlines()[0])) & {"messages", "prompt", "completion"}
        for path in paths
    ] == [{"messages"}, {"prompt", "completion"}]


@pytest.mark.parametrize("command", ["lessons", "card", "task", "adapter"])
def test_what_stands_there_is_replaced_only_by_force(desk, command):
    (line,) = lines(desk.says("export", command, "--db", "lab.db"))
    path = Path(line.split("  ")[0])
    file = (
        next(file for file in sorted(path.rglob("*")) if file.is_file()) if path.is_dir() else path
    )
    before = file.read_bytes()
    file.write_text("changed")
    said = desk.says("export", command, "--db", "lab.db")
    assert (said.code, said.out) == (2, "")
    assert "is there already" in said.error
    assert "--force" in said.hint
    assert file.read_text() == "changed"
    assert desk.says("export", command, "--force", "--db", "lab.db").code == 0
    assert file.read_bytes() == before


def test_a_split_without_questions_and_a_limit_of_none_are_one_line(desk):
    with sqlite3.connect("lab.db") as connection:
        connection.execute("DELETE FROM questions WHERE split = 'dev'")
    said = desk.says("export", "task", "--split", "dev", "--db", "lab.db")
    assert said.code == 2
    assert "has no dev questions" in said.error
    assert desk.says("export", "task", "--limit", "0", "--db", "lab.db").code == 2
    assert not (desk.folder / "exports").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_run_is_one_line(desk, command):
    said = desk.says("export", command, "--run", "nobody", "--db", "lab.db")
    assert (said.code, said.out) == (2, "")
    assert "there is no run 'nobody'" in said.error
    assert "--list" in said.hint


@pytest.mark.parametrize("command", COMMANDS)
def test_no_database_is_one_line_and_makes_none(desk, command):
    said = desk.says("export", command, "--db", "none.db")
    assert said.code == 2
    assert "no database" in said.error
    assert not (desk.folder / "none.db").exists()


@pytest.mark.parametrize("command", [*WEIGHTS, "task", "card"])
def test_a_run_without_an_adapter_is_one_line(desk, command):
    assert desk.says(*review("--db", "untrained.db")).code == 0
    said = desk.says("export", command, "--db", "untrained.db")
    assert said.code == 2
    assert "trained no student" in said.error
    assert "--run" in said.hint


def test_the_newest_run_that_trained_is_taken_and_said(desk):
    (trained,) = [
        line.split()[0] for line in lines(desk.says("report", "--list", "--db", "lab.db"))
    ]
    assert desk.says(*review("--db", "lab.db")).code == 0
    said = desk.says("export", "adapter", "--db", "lab.db")
    assert said.code == 0
    assert f"run {trained} is the newest that trained a student; 1 newer did not" in said.err
    named = desk.says("export", "adapter", "--run", trained[:5], "--db", "lab.db")
    assert (named.code, named.err) == (0, "")


def test_a_run_without_lessons_is_one_line(desk):
    assert desk.says(*review("--db", "untrained.db")).code == 0
    said = desk.says("export", "lessons", "--db", "untrained.db")
    assert said.code == 2
    assert "made no lessons" in said.error


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_is_one_line(desk, command):
    (desk.folder / "file").write_text("in the way")
    said = desk.says("export", command, "--out", "file/deeper", "--db", "lab.db")
    assert said.code == 2
    assert "cannot write" in said.error
    assert "--out" in said.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_one_line(desk):
    (desk.folder / "shut").mkdir(mode=0o500)
    said = desk.says("export", "adapter", "--out", "shut", "--db", "lab.db")
    assert said.code == 2
    assert "cannot write" in said.error


def test_a_base_that_is_no_longer_what_it_was_is_one_line(desk):
    with sqlite3.connect("lab.db") as connection:
        connection.execute("UPDATE adapters SET base = 'sha256:another'")
    said = desk.says("export", "gguf", "--db", "lab.db")
    assert said.code == 2
    assert "was trained on sha256:another" in said.error


def test_an_architecture_llama_cpp_is_not_written_for_is_one_line(desk, trained, tmp_path):
    other = shutil.copytree(trained.student, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["model_type"] = "gemma3"
    (other / "config.json").write_text(json.dumps(config))
    base = resolve(str(other), tmp_path).fingerprint
    with sqlite3.connect("lab.db") as connection:
        connection.execute("UPDATE adapters SET base = ?", [base])
        connection.execute(
            "UPDATE runs SET settings = json_set(settings, '$.student', ?)", [str(other)]
        )
    said = desk.says("export", "gguf", "--db", "lab.db")
    assert said.code == 2
    assert "not gemma3" in said.error
    assert "export merged" in said.hint
    assert not (desk.folder / "exports").exists()
