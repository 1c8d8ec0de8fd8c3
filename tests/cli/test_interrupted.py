"""Killed, interrupted, out of disk, run twice, run two at once: the record is good and the same command goes on."""

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
from tests.cli.conftest import review

SLOW = 0.08  # seconds a teacher's reply takes
ANSWERS = 6  # of the student, before the teachers' first reply


@pytest.fixture
def slow(desk):
    """Slow teachers, an uninterrupted run in whole.db, and part.db that began as the same file (and fence key)."""
    desk.teachers(delay=SLOW)
    Store.open(desk.folder / "part.db", create=True).__exit__()
    shutil.copy(desk.folder / "part.db", desk.folder / "whole.db")
    whole = json.loads(desk.says(*review("--db", "whole.db", "--json")).out)
    assert whole["backend_calls"] > 20 and whole["reused"] == 0
    desk.calls = whole["backend_calls"]
    return desk


def goes_on(desk, answered: int) -> None:
    """The record is sound, holds all that was answered, and the same command asks only for the rest."""
    assert desk.says("db", "verify", "--db", "part.db").err == "sound\n"
    assert desk.generations("part.db") == answered < desk.calls
    rest = json.loads(desk.says(*review("--db", "part.db", "--json")).out)
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
    seen = slow.until("part.db", replies, process)
    process.kill()
    assert slow.waits(process).code == -signal.SIGKILL
    assert slow.generations("part.db") >= seen
    goes_on(slow, slow.generations("part.db"))
    assert statuses(slow) == ["interrupted", "done"]


def test_ctrl_c_ends_with_130_a_good_record_and_a_line_that_says_how_to_go_on(slow):
    process = slow.start(*review("--db", "part.db"))
    slow.until("part.db", ANSWERS + 4, process)
    process.send_signal(signal.SIGINT)
    said = slow.waits(process)
    assert (said.code, said.out) == (130, "") and "Traceback" not in said.err
    *_, error, hint = said.err.splitlines()
    assert error == "error: interrupted; every finished answer is in the record"
    assert hint == "hint: run the same command again to go on"
    assert statuses(slow) == ["interrupted"]
    goes_on(slow, slow.generations("part.db"))
    assert statuses(slow) == ["interrupted", "done"]


def test_the_same_command_again_asks_nobody_and_loads_nothing(desk):
    first, second = (json.loads(desk.says(*review("--json")).out) for _ in range(2))
    assert (second["backend_calls"], second["loads"]) == (0, 0)
    assert second["reused"] == first["backend_calls"] > 0
    same = ("mistakes", "explanations", "reviews", "accepted", "acceptance", "before")
    assert {k: second[k] for k in same} == {k: first[k] for k in same}


def test_a_longer_run_asks_only_for_what_is_new(desk):
    desk.says(*review())
    calls = [
        json.loads(desk.says(*review("--train-limit", n, "--json")).out)["backend_calls"]
        for n in (6, 6, 4)
    ]
    assert calls[0] > 0 and calls[1:] == [0, 0]


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
    real = sqlite3.connect

    def small(*args, **options):
        connection = real(*args, **options)
        connection.execute(f"PRAGMA max_page_count = {pages + 6}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", small)
        said = desk.says(*review("--db", "part.db"))
    assert (said.code, said.out) == (1, "") and "Traceback" not in said.err
    assert said.err.splitlines()[-2] == "error: no space left on the disk"
    assert "run the same command again" in said.hint
    answered = desk.generations("part.db")
    assert answered > 0 and desk.says("db", "verify", "--db", "part.db").code == 0
    assert json.loads(desk.says(*review("--db", "part.db", "--json")).out)["reused"] == answered


def test_a_disk_that_refuses_a_write_is_reported_the_same_way(desk):
    """A limit on file size stands for a quota: SQLite sees a write that fails."""
    desk.says("tasks", "import", "arithmetic-1", "--db", "part.db")
    limit = (150_000, 150_000)
    said = desk.waits(
        desk.start(
            *review("--db", "part.db"),
            before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        )
    )
    assert (said.code, said.out) == (1, "") and "Traceback" not in said.err
    assert said.err.splitlines()[-2].startswith("error: the disk refuses the database")
    answered = desk.generations("part.db")
    assert answered > 0 and desk.says("db", "verify", "--db", "part.db").code == 0
    assert json.loads(desk.says(*review("--db", "part.db", "--json")).out)["reused"] == answered


def test_a_full_disk_under_stdout_ends_with_1(desk):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "localfair", "recipes", "list"]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=desk.folder
        )
    error, hint = done.stderr.splitlines()
    assert (done.returncode, error) == (1, "error: no space left on the disk") and hint.startswith(
        "hint: "
    )
