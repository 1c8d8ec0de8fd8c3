"""Two runs of one record, by whatever names: one writes, the other is told who does."""

import os

import pytest

from localfair.record.store import Store
from tests.cli.conftest import review

SLOW = 0.08  # seconds a teacher's reply takes


@pytest.fixture
def running(desk):
    """A run that goes on for a while in record.db."""
    desk.teachers(delay=SLOW)
    with Store.open(desk.folder / "record.db", create=True):
        pass
    process = desk.start(*review("--db", "record.db"))
    desk.until("record.db", 1, process)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symlink", "hard link"])
def test_a_link_to_the_record_is_the_record(desk, running, link):
    link(desk.folder / "record.db", desk.folder / "other.db")
    second = desk.says(*review("--db", "other.db"))
    assert (second.code, second.out) == (2, "")
    assert f"other.db is being written by another localfair (process {running.pid})" == second.error
    assert "generations" in desk.says("db", "tables", "--db", "other.db").out
    assert desk.waits(running).code == 0
    asked = desk.generations("record.db")
    assert desk.says(*review("--db", "other.db")).code == 0
    assert desk.generations("other.db") == asked


def test_a_lock_file_that_was_removed_lets_nobody_in(desk, running, state_folder):
    for lock in state_folder.iterdir():
        lock.unlink()
    second = desk.says(*review("--db", "record.db"))
    assert second.code == 2
    assert f"process {running.pid}" in second.error


def test_a_run_whose_record_was_replaced_ends_with_a_line(desk, running):
    with Store.open(desk.folder / "fresh.db", create=True):
        pass
    (desk.folder / "fresh.db").rename(desk.folder / "record.db")
    said = desk.waits(running)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert "error: record.db was moved, removed or replaced while it was written" in said.err
    assert desk.says("db", "verify", "--db", "record.db").err == "sound\n"


def test_a_record_that_is_gone_is_missed(desk, running):
    (desk.folder / "record.db").unlink()
    said = desk.waits(running)
    assert said.code == 2
    assert "error: record.db was moved, removed or replaced" in said.err
