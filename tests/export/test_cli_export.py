"""`localfair export` on the command line: what it prints, and one line with a hint for what cannot be."""

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Desk, review
from tests.lab import Lab

WEIGHTS = ("adapter", "merged", "gguf")
EVERY = (*WEIGHTS, "lessons", "card")


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A laboratory after one run, in the folder it was made in."""
    from tests import tiny

    folder = tmp_path_factory.mktemp("taught")
    made = Lab(folder, tiny.build(folder / "student"))
    made.run()
    return made


@pytest.fixture
def desk(taught, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(taught.folder))
    shutil.copy(taught.db, tmp_path / "lab.db")
    shutil.copytree(taught.folder / "lab-adapters", tmp_path / "lab-adapters")
    return Desk(tmp_path, capsys)


def lines(said):
    assert said.code == 0, said.err
    return said.out.strip().splitlines()


@pytest.mark.parametrize("kind", ["f16", "lora"])
def test_gguf_says_where_it_is_and_that_the_second_time_it_was_there(desk, kind):
    command = ("export", "gguf", "--type", kind, "--no-parity", "--db", "lab.db")
    first, again = lines(desk.says(*command))[0], lines(desk.says(*command))[0]
    assert again == f"{first}, as before" and f"-{kind}.gguf  sha256:" in first


def test_merged_is_examined_unless_told_otherwise(desk):
    _, parity = lines(desk.says("export", "merged", "--db", "lab.db"))
    assert parity.startswith("parity on 1 dev questions: same grade 1, same text 1")
    assert len(lines(desk.says("export", "merged", "--no-parity", "--db", "lab.db"))) == 1


def test_lessons_are_chats_that_end_with_what_is_taught(desk):
    (path,) = lines(desk.says("export", "lessons", "--db", "lab.db"))
    found = [json.loads(line) for line in Path(path).read_text().splitlines()]
    assert len(found) == 16 and {c["kind"] for c in found} == {"feedback", "rationale"}
    for chat in found:
        assert [m["role"] for m in chat["messages"]] == ["user", "assistant"]
        assert (
            chat["teacher"] in ("t0", "t1", "t2")
            and chat["weight"] == 1.0
            and chat["lesson"].startswith("b2:")
        )


def test_the_card_names_base_teachers_lessons_and_results(desk):
    desk.says("export", "gguf", "--type", "f16", "--db", "lab.db")
    (path,) = lines(desk.says("export", "card", "--db", "lab.db"))
    _, front, text = Path(path).read_text().split("---\n", 2)
    said = yaml.safe_load(front)
    assert said["base_model"] == "student" and said["license"] == "unknown"
    assert said["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.0
    for part in ("| teacher | t1 | 1 | unverified | unverified |", "16 (8 feedback, 8 rationale)", "exact McNemar p",
                 "| before | 0 of 4 |", "| gguf/f16 |", "1 of 1 (dev)"):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize("form", EVERY)
def test_an_unknown_run_is_one_line(desk, form):
    said = desk.says("export", form, "--run", "nobody", "--db", "lab.db")
    assert (
        (said.code, said.out) == (2, "")
        and "there is no run 'nobody'" in said.error
        and "--list" in said.hint
    )


@pytest.mark.parametrize("form", EVERY)
def test_no_database_is_one_line_and_makes_none(desk, form):
    said = desk.says("export", form, "--db", "none.db")
    assert said.code == 2 and "no database" in said.error
    assert not (desk.folder / "none.db").exists()


@pytest.mark.parametrize("form", [*WEIGHTS, "card"])
def test_a_run_without_an_adapter_is_one_line(desk, form):
    assert desk.says(*review("--db", "untrained.db")).code == 0
    said = desk.says("export", form, "--db", "untrained.db")
    assert said.code == 2 and "trained no student" in said.error and "--run" in said.hint


def test_a_run_without_lessons_is_one_line(desk):
    assert desk.says(*review("--db", "untrained.db")).code == 0
    said = desk.says("export", "lessons", "--db", "untrained.db")
    assert said.code == 2 and "made no lessons" in said.error


@pytest.mark.parametrize("form", EVERY)
def test_a_place_that_cannot_be_written_to_is_one_line(desk, form):
    (desk.folder / "file").write_text("in the way")
    said = desk.says("export", form, "--out", "file/deeper", "--db", "lab.db")
    assert said.code == 2 and "cannot write" in said.error and "--out" in said.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_one_line(desk):
    (desk.folder / "shut").mkdir(mode=0o500)
    said = desk.says("export", "adapter", "--out", "shut", "--db", "lab.db")
    assert said.code == 2 and "cannot write" in said.error


def test_a_base_that_is_no_longer_what_it_was_is_one_line(desk):
    with sqlite3.connect("lab.db") as db:
        db.execute("UPDATE adapters SET base = 'sha256:another'")
    said = desk.says("export", "gguf", "--db", "lab.db")
    assert said.code == 2 and "was trained on sha256:another" in said.error


def test_an_architecture_llama_cpp_is_not_written_for_is_one_line(desk, taught, tmp_path):
    other = shutil.copytree(taught.student, tmp_path / "other")
    config = json.loads((other / "config.json").read_text()) | {"model_type": "gemma3"}
    (other / "config.json").write_text(json.dumps(config))
    with sqlite3.connect("lab.db") as db:
        from localfair.models import resolve

        db.execute("UPDATE adapters SET base = ?", [resolve(str(other), tmp_path).fingerprint])
        db.execute("UPDATE runs SET settings = json_set(settings, '$.student', ?)", [str(other)])
    said = desk.says("export", "gguf", "--db", "lab.db")
    assert said.code == 2 and "not gemma3" in said.error and "export merged" in said.hint
    assert not (desk.folder / "exports").exists()
