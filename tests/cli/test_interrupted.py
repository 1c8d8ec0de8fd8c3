"""Killed, interrupted, out of disk, run twice, run two at once: the same command goes on."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from localfair.record.store import Store
from tests.cli.conftest import Desk, review

SLOW = 0.08  # seconds a teacher's reply takes
ANSWERS = 6  # of the student, before the teachers' first reply


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run with slow teachers: the empty record, the same when done, the calls."""
    desk = Desk(tmp_path_factory.mktemp("whole"))
    desk.teachers(delay=SLOW)
    with Store.open(desk.folder / "empty.db", create=True):
        pass
    shutil.copy(desk.folder / "empty.db", desk.folder / "whole.db")
    done = desk.waits(desk.start(*review("--db", "whole.db", "--json")))
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["backend_calls"] > 20
    assert report["reused"] == 0
    return desk.folder, report["backend_calls"]


@pytest.fixture
def slow(desk, whole):
    """Slow teachers, an uninterrupted run in whole.db, and part.db for a run that is interrupted.

    Both began as the same file, so they have the same fence key and ask the same prompts.
    """
    folder, calls = whole
    desk.teachers(delay=SLOW)
    shutil.copy(folder / "empty.db", desk.folder / "part.db")
    shutil.copy(folder / "whole.db", desk.folder)
    desk.calls = calls
    return desk


def run_json(desk, *options) -> dict:
    """The report of `review()` with more options."""
    return json.loads(desk.says(*review(*options, "--json")).out)


def assert_goes_on(desk, answered: int) -> None:
    """The record is sound, holds all that was answered, and the same command asks for the rest."""
    assert desk.says("db", "verify", "--db", "part.db").err == "sound\n"
    assert desk.generations("part.db") == answered
    assert answered < desk.calls
    rest = run_json(desk, "--db", "part.db")
    assert rest["backend_calls"] == desk.calls - answered
    assert rest["backend_calls"] + rest["reused"] == desk.calls
    assert desk.ids("part.db") == desk.ids("whole.db")
    assert desk.says("db", "verify", "--db", "part.db").code == 0


def statuses(desk) -> list[str]:
    with Store.open(desk.folder / "part.db") as store:
        return [row["status"] for row in store.rows("SELECT status FROM runs ORDER BY started")]


@pytest.mark.parametrize("replies", [ANSWERS + 4, ANSWERS + 16], ids=["inquire", "later"])
def test_a_killed_run_goes_on_where_it_stopped(slow, replies):
    process = slow.start(*review("--db", "part.db"))
    before_the_kill = slow.until("part.db", replies, process)
    process.kill()
    assert slow.waits(process).code == -signal.SIGKILL
    assert slow.generations("part.db") >= before_the_kill
    assert (
        json.loads(slow.says("report", "--db", "part.db", "--json").out)["status"] == "interrupted"
    )
    assert "interrupted" in slow.says("report", "--db", "part.db", "--list").out
    assert statuses(slow) == ["running"]  # reading writes nothing
    assert_goes_on(slow, slow.generations("part.db"))
    assert statuses(slow) == ["interrupted", "done"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_a_good_record_and_a_line_that_says_how_to_go_on(slow, sent, code):
    process = slow.start(*review("--db", "part.db"))
    slow.until("part.db", ANSWERS + 4, process)
    process.send_signal(sent)
    said = slow.waits(process)
    assert (said.code, said.out) == (code, "")
    assert "Traceback" not in said.err
    *_, error, hint = said.err.splitlines()
    assert error == "error: interrupted; every finished answer is in the record"
    assert hint == "hint: run the same command again to go on"
    assert statuses(slow) == ["interrupted"]
    assert_goes_on(slow, slow.generations("part.db"))
    assert statuses(slow) == ["interrupted", "done"]


def test_the_same_command_again_asks_nobody_and_loads_nothing(desk):
    first = run_json(desk)
    second = run_json(desk)
    assert (second["backend_calls"], second["loads"]) == (0, 0)
    assert first["backend_calls"] > 0
    assert second["reused"] == first["backend_calls"]
    for count in ("mistakes", "explanations", "reviews", "accepted", "acceptance", "before"):
        assert second[count] == first[count]


def test_a_longer_run_asks_only_for_what_is_new(desk):
    desk.says(*review())
    longer, same, shorter = (
        run_json(desk, "--train-limit", limit)["backend_calls"] for limit in (6, 6, 4)
    )
    assert longer > 0
    assert (same, shorter) == (0, 0)


def test_of_two_writers_the_second_is_turned_away(slow):
    first = slow.start(*review("--db", "part.db"))
    slow.until("part.db", 1, first)
    second = slow.says(*review("--db", "part.db"))
    assert (second.code, second.out) == (2, "")
    assert second.error == f"part.db is being written by another localfair (process {first.pid})"
    assert "--db" in second.hint
    assert slow.says("report", "--db", "part.db").code == 0  # reading is allowed
    assert slow.waits(first).code == 0
    assert slow.ids("part.db") == slow.ids("whole.db")


# -- a full disk ----------------------------------------------------------------------------------


def test_a_full_disk_ends_with_1_and_the_same_command_goes_on(desk, monkeypatch):
    """SQLite's own limit on pages stands for the disk: it fails with the very error of a full one."""
    desk.says("tasks", "import", "arithmetic-1", "--db", "part.db")
    pages = (desk.folder / "part.db").stat().st_size // 4096
    connect = sqlite3.connect

    def connect_small(*args, **options):
        connection = connect(*args, **options)
        connection.execute(f"PRAGMA max_page_count = {pages + 6}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect_small)
        said = desk.says(*review("--db", "part.db"))
    assert (said.code, said.out) == (1, "")
    assert "Traceback" not in said.err
    assert said.err.splitlines()[-2] == "error: no space left on the disk"
    assert "run the same command again" in said.hint
    assert_all_answers_are_kept(desk)


def assert_all_answers_are_kept(desk):
    """Some answers are in a sound record, and the same command finds them all there."""
    answered = desk.generations("part.db")
    assert answered > 0
    assert desk.says("db", "verify", "--db", "part.db").code == 0
    assert run_json(desk, "--db", "part.db")["reused"] == answered


def test_a_disk_that_refuses_a_write_is_reported_the_same_way(desk):
    """A limit on file size stands for a quota: SQLite sees a write that fails."""
    desk.says("tasks", "import", "arithmetic-1", "--db", "part.db")

    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    said = desk.waits(desk.start(*review("--db", "part.db"), before=limit_files))
    assert (said.code, said.out) == (1, "")
    assert "Traceback" not in said.err
    assert said.err.splitlines()[-2].startswith("error: the disk refuses the database")
    assert_all_answers_are_kept(desk)


def test_a_full_disk_under_stdout_ends_with_1(desk):
    command = [sys.executable, "-m", "localfair", "recipes", "list"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=desk.folder
        )
    error, hint = done.stderr.splitlines()
    assert done.returncode == 1
    assert error == "error: no space left on the disk"
    assert hint.startswith("hint: ")
