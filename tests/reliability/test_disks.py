"""A disk that fills, a record that is renamed while it is written, a plan that is killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localfair.record.store import Store
from tests.cli.conftest import review
from tests.slow.parts import no_namespace

ROOT = Path(__file__).parents[2]
SLOW = 0.05  # seconds a teacher's reply takes


@pytest.mark.skipif(no_namespace() != "", reason="no namespace to mount a small disk in")
def test_a_disk_that_fills_ends_in_a_line_and_the_same_command_goes_on(tmp_path):
    command = [sys.executable, "-m", "tests.reliability.full_disk", tmp_path, tmp_path / "ledger"]
    done = subprocess.run(
        ["unshare", "-rm", *map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit 1; as promised" in done.stdout
    assert "exit 0; as promised" in done.stdout


def test_a_record_that_is_renamed_keeps_what_was_committed_under_its_new_name(desk):
    desk.teachers(delay=SLOW)
    with Store.open(desk.folder / "record.db", create=True):
        pass
    process = desk.start(*review("--db", "record.db"))
    committed = desk.until("record.db", 12, process)
    (desk.folder / "record.db").rename(desk.folder / "renamed.db")
    said = desk.waits(process)
    assert said.code == 2
    assert "error: record.db was moved, removed or replaced while it was written" in said.err
    for log in desk.folder.glob("record.db-*"):
        log.unlink()  # the file alone holds everything
    kept = desk.generations("renamed.db")
    assert kept >= committed
    assert desk.says("db", "verify", "--db", "renamed.db").err == "sound\n"
    again = desk.says(*review("--db", "renamed.db"))
    assert again.code == 0
    assert not (desk.folder / "record.db").exists()


def has_opened(process: subprocess.Popen[str], name: str) -> bool:
    """Whether a process holds a file of this name open; False once it has ended."""
    folder = Path(f"/proc/{process.pid}/fd")
    try:
        links = list(folder.iterdir())
    except OSError:
        return False
    for link in links:
        try:
            if str(link.readlink()).endswith(name):
                return True
        except OSError:
            continue  # closed meanwhile
    return False


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at open files in /proc")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_killed_plan_leaves_nothing_behind(desk, tmp_path, monkeypatch, seed):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(temporary))
    desk.says(*review("--db", "record.db"))
    before = desk.files()
    _, *command = review("--db", "record.db", "--seed", 3, "--set", "train.enabled=false")
    process = desk.start("plan", *command, "--set", "after.enabled=false")
    while process.poll() is None and not has_opened(process, "record.db"):
        time.sleep(0.001)
    time.sleep(random.Random(seed).uniform(0, 0.1))
    process.kill()
    assert desk.waits(process).code in (-9, 0)
    assert list(temporary.iterdir()) == []
    # the log and its index are SQLite's: whoever is killed while reading leaves them
    left = {
        name: data for name, data in desk.files().items() if not name.endswith(("-wal", "-shm"))
    }
    assert left == before
