"""The write lock: one writer of a file, by whatever name, and who it is."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from localfair.errors import DatabaseBusy, StoreError
from localfair.record.lock import WriterLock, identity, is_held, lock_paths, name_in_use
from localfair.record.store import Store

HOLDER = """
import sys
from pathlib import Path
from localfair.record.lock import WriterLock
with WriterLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


class Holder:
    """Another process that holds the lock of a database until it is told to let go."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "held\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "record.db"
    with Store.open(path, create=True):
        pass
    return path


def refused(path: Path, holder: Holder) -> None:
    with pytest.raises(DatabaseBusy, match=f"process {holder.process.pid}"):
        Store.open(path, create=True)


def test_there_is_one_writer_and_its_process_is_named(store):
    with pytest.raises(DatabaseBusy, match=f"process {os.getpid()}"):
        Store.open(store.path, create=True)


def test_the_lock_is_free_when_its_holder_is_done_and_leaves_no_file(database, state_folder):
    state_folder.mkdir(parents=True, exist_ok=True)
    left_by_others = set(state_folder.iterdir())  # whoever was killed leaves his
    for _ in range(2):
        with WriterLock(database):
            assert is_held(database)
        assert not is_held(database)
    assert set(state_folder.iterdir()) == left_by_others


def test_a_symlink_a_hard_link_and_another_path_meet_at_one_lock(database):
    symlink = database.with_name("symlink.db")
    symlink.symlink_to(database)
    other = database.with_name("hard.db")
    other.hardlink_to(database)
    roundabout = database.parent / ".." / database.parent.name / database.name
    with Holder(database) as holder:
        for path in (symlink, other, roundabout):
            refused(path, holder)
    with Store.open(symlink, create=True):
        pass


def test_a_lock_of_which_one_file_was_removed_is_still_held(database, state_folder):
    with Holder(database) as holder:
        for lock in state_folder.iterdir():
            lock.unlink()
        refused(database, holder)
        refused(database, holder)
        assert is_held(database)
    with WriterLock(database):
        pass


def test_two_lasting_folders_are_no_way_round(database, tmp_path, monkeypatch):
    with Holder(database) as holder:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
        refused(database, holder)


def test_a_writer_takes_its_lock_again_when_all_its_files_were_removed(database):
    with Store.open(database, create=True) as store:
        remove_all(database)
        assert not is_held(database)
        store.ensure("seats", [seat_row()])
        assert is_held(database)


def test_a_writer_whose_lock_was_taken_commits_nothing(database):
    with Store.open(database, create=True) as store:
        remove_all(database)
        with Holder(database) as holder:
            with pytest.raises(DatabaseBusy, match=f"process {holder.process.pid}"):
                store.ensure("seats", [seat_row()])
            assert store.counts()["seats"] == 0


def test_a_writer_whose_database_was_replaced_commits_nothing(database):
    with Store.open(database, create=True) as store:
        database.rename(database.with_name("moved.db"))
        with pytest.raises(StoreError, match="moved, removed or replaced"):
            store.ensure("seats", [seat_row()])


def remove_all(database):
    """Remove every file of the lock of a database."""
    for lock in lock_paths(identity(database)):
        lock.unlink()


def test_a_killed_holder_holds_nothing(database):
    with Holder(database) as holder:
        holder.process.kill()
        holder.process.wait()
        with WriterLock(database):
            pass


def test_a_link_in_the_place_of_the_lock_is_refused_and_what_it_names_is_kept(
    database, state_folder
):
    precious = database.with_name("precious.txt")
    precious.write_text("keep")
    device, inode = identity(database)
    lock = state_folder / f"{device:x}-{inode:x}.lock"
    lock.symlink_to(precious)
    with pytest.raises(StoreError, match="is a link"), WriterLock(database):
        pass
    assert precious.read_text() == "keep"
    lock.unlink()


def test_a_link_beside_the_database_is_never_opened(tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("keep")
    path = tmp_path / "record.db"
    for suffix in ("-writer", "-writer.lock"):
        Path(f"{path}{suffix}").symlink_to(precious)
    with Store.open(path, create=True):
        pass
    assert precious.read_text() == "keep"


def test_locks_lie_in_a_private_folder_of_the_user(database, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with WriterLock(database):
        (lock,) = (tmp_path / "state" / "localfair" / "locks").iterdir()
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600
        assert stat.S_IMODE(lock.parent.stat().st_mode) == 0o700


def test_a_folder_that_others_may_write_to_is_passed_over(database, tmp_path, monkeypatch):
    open_to_all = tmp_path / "state" / "localfair" / "locks"
    open_to_all.mkdir(parents=True)
    open_to_all.chmod(0o777)
    runtime = tmp_path / "runtime"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", "/proc/none")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with WriterLock(database):
        assert list(open_to_all.iterdir()) == []
        assert len(list((runtime / "localfair" / "locks").iterdir())) == 1


def test_without_any_home_the_temporary_folder_serves(database, tmp_path, monkeypatch):
    for variable in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/proc/none")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with WriterLock(database):
        (folder,) = tmp_path.glob("localfair-*-locks")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)  # as one that somebody else made first
    with pytest.raises(StoreError, match="no folder for the lock"), WriterLock(database):
        pass


def test_under_another_hard_link_the_log_is_found_by_the_name_that_is_written(database):
    other = database.with_name("hard.db")
    other.hardlink_to(database)
    with Store.open(database, create=True) as store:
        store.ensure("seats", [seat_row()])
        assert name_in_use(other) == database.resolve()
        with Store.open(other) as reader:
            assert reader.counts()["seats"] == 1


def seat_row():
    return {
        "id": "b2:00",
        "role": "teacher",
        "index": 0,
        "model": "m",
        "fingerprint": "f",
        "adapter": "",
        "run_seed": 0,
        "seed": 0,
    }
