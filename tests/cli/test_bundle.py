"""`localfair bundle`: a laboratory is carried elsewhere and runs there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import localfair
from tests.cli.conftest import Desk, review
from tests.models.weights import gguf

QUESTIONS = (
    "question,answer,split\nWhat is 1 + 1?,2,train\nWhat is 2 + 2?,4,train\nAnd 3 + 3?,6,test\n"
)
has_namespaces = pytest.mark.skipif(
    sys.platform != "linux"
    or subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode != 0,
    reason="needs a network namespace of its own",
)


@pytest.fixture
def lab(desk: Desk) -> Desk:
    """A folder with a recipe of its own, a table and a record."""
    assert desk.says("recipes", "copy", "fair", "ours").code == 0
    (desk.folder / "mine.csv").write_text(QUESTIONS)
    assert desk.says(*review("--db", "mine.db")).code == 0
    return desk


def bundled(lab: Desk, *more: object) -> list[str]:
    """A bundle of a recipe, a table and a record, without models."""
    lab.script("x", "")
    said = lab.says(
        *("bundle", "create", "lab.tar.gz", "--data", "table=mine.csv", "--db", "mine.db"),
        *("--allow-unverified", *more),
    )
    assert said.code == 0, said.err
    return said.out.splitlines()


def test_what_create_says_verify_says_and_unpack_makes(lab: Desk) -> None:
    *_, created = bundled(lab)
    verified = lab.says("bundle", "verify", "lab.tar.gz")
    assert created.startswith("id b2:")
    assert verified.out.splitlines()[-1] == created
    said = lab.says("bundle", "unpack", "lab.tar.gz", "--to", "there", "--id", created[3:])
    assert said.out == "2 files written, 0 stood there already\n"
    there = lab.folder / "there"
    assert (there / "data/mine.csv").read_text() == QUESTIONS
    assert lab.says("db", "verify", "--db", there / "mine.db").code == 0


@has_namespaces
def test_a_bundle_runs_elsewhere_without_a_network(lab: Desk) -> None:
    """The scripted models are no part of a bundle: they are carried beside it."""
    bundled(lab)
    there = lab.folder / "there"
    assert lab.says("bundle", "unpack", "lab.tar.gz", "--to", "there").code == 0
    for script in lab.folder.glob("*.script.toml"):
        (there / script.name).write_text(script.read_text())
    environment = dict(os.environ, PYTHONPATH=str(Path(localfair.__file__).parents[1]))
    environment["LOCALFAIR_WORKSPACE"] = str(there)
    command = [sys.executable, "-m", "localfair", *map(str, review("--db", "mine.db"))]
    done = subprocess.run(
        ["unshare", "-rn", *command], cwd=there, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "(0 calls" in done.stderr  # the record came along: nothing is asked again


def test_a_model_goes_with_its_card_and_is_found_there(desk: Desk, monkeypatch) -> None:
    gguf(desk.folder / "Odd Name.gguf")
    assert desk.says("models", "add", "Odd Name.gguf", "--name", "odd").code == 0
    assert desk.says("bundle", "create", "lab.tar.gz", "--model", "odd").code == 0
    assert desk.says("bundle", "unpack", "lab.tar.gz", "--to", "there").code == 0
    (desk.folder / "Odd Name.gguf").unlink()
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(desk.folder / "there"))
    assert desk.says("models", "check", "odd").code == 0


def test_a_model_whose_licence_nobody_read_stays(desk: Desk) -> None:
    gguf(desk.folder / "odd.gguf", general__license=None)
    assert desk.says("models", "add", "odd.gguf").code == 0
    said = desk.says("bundle", "create", "lab.tar.gz", "--model", "odd")
    assert (said.code, said.error) == (2, "nobody has read the licence of the model odd")
    assert "--allow-unverified" in said.hint
    assert not (desk.folder / "lab.tar.gz").exists()
    assert (
        desk.says("bundle", "create", "lab.tar.gz", "--model", "odd", "--allow-unverified").code
        == 0
    )


def test_a_recipe_goes_with_its_prompts(lab: Desk, monkeypatch) -> None:
    """It names no models of its own: a laboratory's recipe says who they are on the command line."""
    bundled(lab, "--recipe", "ours")
    said = lab.says("bundle", "unpack", "lab.tar.gz", "--to", "there")
    assert "then: cd there && localfair run ours" in said.err
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(lab.folder / "there"))
    assert lab.says("recipes", "check", "ours").code == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("create", "lab.tar.gz"), "there is nothing to bundle"),
        (
            ("create", "lab.zip", "--data", "table=mine.csv", "--allow-unverified"),
            "lab.zip does not",
        ),
        (("create", "lab.tar.gz", "--data", "mine.csv"), "'mine.csv' is not TASK=PATH"),
        (("create", "lab.tar.gz", "--data", "tabel=mine.csv"), "there is no task 'tabel'"),
        (("create", "lab.tar.gz", "--data", "table=mine.csv"), "nobody has read the licence"),
        (("create", "lab.tar.gz", "--data", "table=none.csv"), "none.csv: No such file"),
        (("create", "lab.tar.gz", "--data", "table=nothing"), "nothing holds no file"),
        (("create", "lab.tar.gz", "--data", "table=pipe"), "pipe: it is no regular file"),
        (("create", "lab.tar.gz", "--data", "table=/dev/zero"), "/dev/zero: it is no regular"),
        (("create", ".tar.gz", "--db", "mine.csv"), "mine.csv is not a localfair database"),
        (
            ("create", "lab.tar.gz", "--model", "qwen2.5-coder-1.5b-instruct"),
            "the weights of qwen2.5",
        ),
        (("create", "lab.tar.gz", "--recipe", "far"), "unknown recipe 'far'"),
        (("create", "lab.tar.gz", "--db", "none.db"), "there is no database"),
        (("create", "lab.tar.gz", "--volume", "4T"), "Invalid value for '--volume'"),
        (("create", "lab.tar.gz", "--wheels", "tran"), "localfair has no extra 'tran'"),
        (("create", "lab.tar.gz", "--wheels", "none", "--python", "2.7"), "'2.7' is not a Python"),
        (("create", "lab.tar.gz", "--python", "3.12"), "--python and --platform are of --wheels"),
        (("verify", "lab.tar.gz"), "there is no bundle at lab.tar.gz"),
        (("verify", "mine.csv"), "the bundle is damaged or no bundle"),
        (("unpack", "mine.csv", "--to", "there"), "the bundle is damaged or no bundle"),
    ],
)
def test_bad_input_is_one_line_and_a_hint(
    desk: Desk, arguments: tuple[str, ...], error: str
) -> None:
    (desk.folder / "mine.csv").write_text(QUESTIONS)
    (desk.folder / "nothing").mkdir()
    os.mkfifo(desk.folder / "pipe")
    before = sorted(desk.folder.iterdir())
    said = desk.says("bundle", *arguments)
    assert said.code == 2
    assert said.error.startswith(error), said.err
    assert sorted(desk.folder.iterdir()) == before


ON_SMALL_DISKS = """
import contextlib, io, json, subprocess, sys
from pathlib import Path
from localfair.cli import main

COMMANDS = {
    "create": ("bundle", "create", "small/b.tar.gz", "--db", "mine.db"),
    "unpack": ("bundle", "unpack", "lab.tar.gz", "--to", "small/there"),
    "reproduce": ("reproduce", "--db", "mine.db", "--out", "small/again.db"),
}

def said(command):
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(COMMANDS[command])
        except SystemExit as ended:
            return [ended.code, err.getvalue().strip().splitlines()]

found = {}
for options in ("size=100k", "nr_inodes=2"):
    for command in COMMANDS:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", "small"], check=True)
        code, lines = said(command)
        files = [path.name for path in Path("small").rglob("*") if path.is_file()]
        found[f"{command}, {options}"] = [code, lines, files]
        subprocess.run(["mount", "-o", "remount,size=50m,nr_inodes=500", "small"], check=True)
        found[f"{command}, {options}"].append(said(command)[0])
        subprocess.run(["umount", "--lazy", "small"], check=True)
print(json.dumps(found))
"""


@has_namespaces
def test_a_disk_without_room_gets_nothing_and_with_room_it_goes_on(lab: Desk) -> None:
    bundled(lab)
    (lab.folder / "small").mkdir()
    environment = dict(os.environ, PYTHONPATH=str(Path(localfair.__file__).parents[1]))
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", ON_SMALL_DISKS],
        cwd=lab.folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for case, (code, lines, files, later) in json.loads(done.stdout).items():
        error, hint = lines[-2:]
        assert code in (1, 2), case
        assert "do not fit" in error or "no space left" in error, case
        assert hint.startswith("hint: free some space"), case
        assert files == [] or case.startswith("reproduce"), case
        assert later == 0, case


def test_a_wheel_for_another_python_is_refused_before_anything_is_written(desk: Desk) -> None:
    from localfair.export.bundle import create
    from localfair.export.bundle_contents import Content

    wheel = desk.folder / "numpy-2.0.0-cp39-cp39-win_amd64.whl"
    wheel.write_bytes(b"")
    packed = [Content(wheel, f"wheels/{wheel.name}", "wheel")]
    create(desk.folder / "lab.tar.gz", packed, made_for=("3.9", "win_amd64"))
    said = desk.says("bundle", "unpack", "lab.tar.gz", "--to", "there")
    assert said.code == 2
    assert said.error.startswith(f"{wheel.name} is for cp39 on win_amd64")
    assert not (desk.folder / "there").exists()
    said = desk.says("bundle", "unpack", "lab.tar.gz", "--to", "there", "--without-wheels")
    assert said.code == 0
