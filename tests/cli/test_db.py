"""`localfair db`, and what may be read where nothing may be written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from localfair.record.runs import newest_run
from localfair.record.store import Store
from tests.cli.conftest import Desk, review, seats

SMALL = ("--task", "arithmetic-1", "--train-limit", "4", "--test-limit", "2")
READING = [
    ("report",),
    ("report", "--list"),
    ("report", "--json"),
    ("reviewers",),
    ("db", "path"),
    ("db", "tables"),
    ("db", "verify"),
    ("db", "gc", "--dry-run"),
    ("plan", "fair", *seats("anna", "bert"), *SMALL, "--set", "train.enabled=false"),
]
read_only_mounts = pytest.mark.skipif(
    sys.platform != "linux"
    or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="needs a mount namespace of its own",
)


@pytest.fixture(scope="module")
def finished_record(tmp_path_factory):
    """A record that a run of the desk's scripts ended well; to be copied."""
    desk = Desk(tmp_path_factory.mktemp("finished"))
    process = desk.start(*review("--db", "record.db"))
    assert desk.waits(process).code == 0
    return desk.folder / "record.db"


@pytest.fixture(scope="module")
def killed_record(tmp_path_factory):
    """The folder of a record whose run was killed, with the log beside it; to be copied."""
    desk = Desk(tmp_path_factory.mktemp("killed"))
    desk.teachers(delay=0.05)
    process = desk.start(*review("--db", "record.db"))
    desk.until("record.db", 8, process)
    process.kill()
    desk.waits(process)
    kept = desk.folder / "kept"
    kept.mkdir()
    for file in desk.folder.glob("record.db*"):
        shutil.copy2(file, kept)
    assert (kept / "record.db-wal").stat().st_size > 0
    return kept


@pytest.fixture
def finished(desk, finished_record):
    """A folder with a finished record alone in it, beside the scripts."""
    folder = desk.folder / "archive"
    folder.mkdir()
    shutil.copy2(finished_record, folder)
    return desk


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its content and the time of its last change."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.mark.parametrize("command", READING, ids=lambda command: "-".join(command[:2]))
def test_reading_changes_nothing(finished, command):
    folder = finished.folder / "archive"
    before = state(folder)
    assert list(before) == ["record.db"]  # the log was copied into it
    assert finished.says(*command, "--db", folder / "record.db").code == 0
    assert state(folder) == before


@pytest.mark.parametrize("command", READING, ids=lambda command: "-".join(command[:2]))
def test_reading_what_a_killed_run_left_changes_nothing(desk, killed_record, command):
    kept = shutil.copytree(killed_record, desk.folder / "kept")
    before = state(kept)
    said = desk.says(*command, "--db", kept / "record.db")
    assert "Traceback" not in said.err
    after = state(kept)
    for name in ("record.db", "record.db-wal"):
        assert after[name] == before[name]
    assert sorted(after) == sorted(before)


@read_only_mounts
@pytest.mark.parametrize("command", READING, ids=lambda command: "-".join(command[:2]))
def test_a_finished_record_is_read_where_nothing_can_be_written(finished, command):
    said = on_a_read_only_mount(finished, "archive", *command, "--db", "archive/record.db")
    assert said.returncode == 0, said.stderr
    assert said.stdout or said.stderr == "sound\n"


@read_only_mounts
def test_lessons_leave_a_record_that_cannot_be_written(finished):
    command = ("export", "lessons", "--db", "archive/record.db", "--out", "lessons")
    said = on_a_read_only_mount(finished, "archive", *command)
    assert "Traceback" not in said.stderr
    assert "made no lessons" in said.stderr  # the run ended before it made any


@read_only_mounts
def test_a_run_on_a_read_only_mount_ends_with_a_line(finished):
    command = [str(part) for part in review("--db", "archive/record.db")]
    said = on_a_read_only_mount(finished, "archive", *command)
    assert said.returncode == 2
    assert "Traceback" not in said.stderr
    assert "error: cannot open archive/record.db" in said.stderr


@read_only_mounts
def test_an_older_schema_on_a_read_only_mount_is_said_to_be_one(finished):
    connection = sqlite3.connect(finished.folder / "archive" / "record.db")
    connection.execute("PRAGMA user_version=1")
    connection.close()
    said = on_a_read_only_mount(finished, "archive", "report", "--db", "archive/record.db")
    assert said.returncode == 2
    assert "has an older schema and cannot be written here" in said.stderr


def on_a_read_only_mount(desk, folder, *command):
    """Run a command line while a folder of the desk is mounted read-only."""
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    localfair = [sys.executable, "-m", "localfair", *map(str, command)]
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, folder, *localfair],
        cwd=desk.folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_finished_record_is_read_in_a_folder_without_permission_to_write(finished):
    folder = finished.folder / "archive"
    folder.chmod(0o500)
    try:
        assert finished.says("report", "--db", folder / "record.db").code == 0
    finally:
        folder.chmod(0o700)


def test_a_record_in_memory_is_refused(desk):
    for command in (review("--db", ":memory:"), ("report", "--db", ":memory:")):
        said = desk.says(*command)
        assert said.code == 2
        assert ":memory: keeps nothing of what is asked" in said.err
    assert not list(desk.folder.glob("*memory*"))


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_new_record_is_its_users_alone(desk, umask):
    desk.teachers(delay=0.05)
    process = desk.start(*review("--db", "record.db"), before=lambda: os.umask(umask))
    desk.until("record.db", 8, process)
    files = list(desk.folder.glob("record.db*"))
    assert len(files) == 3  # with the log and its index
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    process.kill()
    desk.waits(process)


def test_a_copy_of_the_file_alone_holds_everything_after_a_run(desk):
    with Store.open(desk.folder / "record.db", create=True):
        pass
    # a reader that keeps the log open
    reader = sqlite3.connect(desk.folder / "record.db")
    reader.execute("SELECT * FROM migrations").fetchall()
    assert desk.says(*review("--db", "record.db")).code == 0
    shutil.copy(desk.folder / "record.db", desk.folder / "copy.db")
    reader.close()
    assert desk.ids("copy.db") == desk.ids("record.db")


def test_a_backup_prints_where_it_is_and_its_hash(desk):
    assert desk.says(*review("--db", "record.db")).code == 0
    said = desk.says("db", "backup", "copy.db", "--db", "record.db")
    data = (desk.folder / "copy.db").read_bytes()
    assert said.out == f"copy.db  sha256:{hashlib.sha256(data).hexdigest()}  {len(data)} bytes\n"
    again = desk.says("db", "backup", "copy.db", "--db", "record.db")
    assert (again.code, again.error) == (2, "there is something at copy.db already")
    same = json.loads(desk.says(*review("--db", "copy.db", "--json")).out)
    assert same["calls"] == 0


def test_gc_says_what_it_deletes_and_a_finished_run_asks_nothing_afterwards(desk):
    assert desk.says(*review("--db", "record.db")).code == 0
    asked = desk.generations("record.db")
    dry = desk.says("db", "gc", "--dry-run", "--db", "record.db")
    assert dry.out.splitlines() == [
        "0 generations, 0 bytes: would be deleted",
        "0 adapters, 0 bytes: would be deleted",
    ]
    assert "0 generations, 0 bytes: deleted" in desk.says("db", "gc", "--db", "record.db").out
    assert desk.generations("record.db") == asked
    assert json.loads(desk.says(*review("--db", "record.db", "--json")).out)["calls"] == 0
    assert desk.says("db", "gc", "--db", "none.db").code == 2
    assert not (desk.folder / "none.db").exists()


def test_the_newest_run_is_the_one_begun_last_whatever_the_clock_said(desk):
    desk.says(*review("--db", "record.db"))
    desk.says(*review("--db", "record.db", "--seed", 7))
    with Store.open(desk.folder / "record.db", create=True) as store:
        run = {"id": newest_run(store)}
        store.update("runs", run, {"started": "1999-01-01T00:00:00.000+00:00"})
    shown = json.loads(desk.says("report", "--db", "record.db", "--json").out)
    assert (shown["run"], shown["seed"]) == (run["id"], 7)
    assert desk.says("report", "--list", "--db", "record.db").out.startswith(run["id"])
