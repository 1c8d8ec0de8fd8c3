"""Lines of `localfair doctor` that fail for the real reason: a full disk, one that nobody may write to,
a machine that cannot talk to itself, a Python that somebody changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from localfair.pipeline.doctor_check import Examination, Interpreter
from localfair.pipeline.doctor_machine import offline

EXAMINE = """
import json, os, subprocess, sys, tempfile
from pathlib import Path
from localfair.pipeline.doctor import CHECKS, Examination, examine

place = Path(sys.argv[1])
examination = Examination(workspace=place, db=place / "localfair.db")

def tried(*names):
    checks = examine(examination, {name: CHECKS[name] for name in names})
    return {check.name: [check.status, check.finding, check.hint] for check in checks}

found = {"port": tried("port")}
(place / "fill").write_bytes(bytes(700_000))
os.environ["TMPDIR"] = str(place / "none")
found["little"] = tried("disk")
try:
    (place / "more").write_bytes(bytes(700_000))
except OSError:
    pass
found["full"] = tried("disk", "record: WAL")
for name in ("fill", "more"):
    (place / name).unlink()
subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
found["read-only"] = tried("disk", "record: WAL", "record: locks")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict[str, list[str]]]:
    """What is found on a disk of one megabyte of which little is left, in a network without even loopback."""
    place = tmp_path_factory.mktemp("small")
    shell = 'mount -t tmpfs -o size=1m none "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "-rnm", "sh", "-c", shell, "sh", str(place), sys.executable, EXAMINE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare (util-linux) is not here")
    if done.returncode and done.stderr.startswith(("unshare", "mount")):
        pytest.skip(f"no namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_full_disk_says_to_free_some_space(found) -> None:
    for when in ("little", "full"):
        status, finding, hint = found[when]["disk of the workspace"]
        assert status == "fail"
        assert finding.endswith("cannot be written (No space left on device)")
        assert hint == "free at least 0.25 GiB there"
    status, finding, hint = found["full"]["record: WAL"]
    assert (status, finding) == ("fail", "SQLite cannot work here (database or disk is full)")
    assert hint == "free some space there"


def test_a_folder_for_temporary_files_that_is_not_taken_is_told(found) -> None:
    status, finding, _ = found["little"]["disk of temporary files"]
    assert status == "fail"
    assert "/none, which cannot be written; " in finding


def test_a_disk_that_nobody_may_write_to_says_to_choose_another(found) -> None:
    for name in ("disk of the workspace", "record: WAL", "record: locks"):
        status, finding, hint = found["read-only"][name]
        assert status == "fail"
        assert finding.endswith("cannot be written (Read-only file system)")
        assert hint.startswith("choose a ")


def test_a_machine_without_loopback_cannot_serve(found) -> None:
    status, finding, hint = found["port"]["port"]
    assert (status, finding) == (
        "fail",
        "no port of 127.0.0.1 can be served and reached (Network is unreachable)",
    )
    assert hint.startswith("let this machine talk to itself")


def test_a_python_that_unsets_the_switches_is_told(tmp_path: Path, monkeypatch) -> None:
    code = "import os\nos.environ['HF_HUB_OFFLINE'] = '0'\n"
    (tmp_path / "sitecustomize.py").write_text(code)
    changed = Interpreter(environment={"PYTHONPATH": str(tmp_path)})
    examination = Examination(workspace=tmp_path, db=tmp_path / "a.db", interpreter=changed)
    (check,) = offline(examination)
    assert (check.status, check.finding) == ("fail", "not as they must be: HF_HUB_OFFLINE")
    assert "sitecustomize" in check.hint
