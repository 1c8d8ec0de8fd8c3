"""Two runs at once of one record, by any of its names: no committed answer is asked for twice."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from localfair.record.store import Store
from tests.reliability.campaign import bound
from tests.reliability.ledger import Ledger
from tests.reliability.scene import Scene
from tests.reliability.server import keys_in, serving

AT_ONCE = 4


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """A record and a server that counts; the folders of locks are this test's alone."""
    for name in ("state", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)  # asked for anew
    ledger = Ledger(tmp_path / "ledger")
    with serving(ledger) as url:
        scene = Scene(engine="http", at_once=AT_ONCE, folder=tmp_path / "scene", questions=24)
        scene.prepare(url)
        with Store.open(scene.db, create=True):
            pass
        monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(scene.folder))
        yield scene, ledger


def started(desk, scene, name="record.db"):
    command = scene.command()
    command[command.index("--db") + 1] = str(scene.folder / name)
    command[command.index("--data") + 1] = str(scene.folder / "items.jsonl")
    return desk.start(*command)


def requests_in(db: Path) -> set[str]:
    with Store.open(db) as store:
        return keys_in(store.first_column("SELECT text FROM generations"))


def asked_twice(ledger: Ledger) -> int:
    asked = ledger.since(0).asked
    return len(asked) - len(set(asked))


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symlink", "hard link"])
def test_through_a_link_nothing_is_asked_twice(desk, scene, link):
    scene, ledger = scene
    link(scene.db, scene.folder / "other.db")
    both = [started(desk, scene), started(desk, scene, "other.db")]
    ends = [desk.waits(process) for process in both]
    assert sorted(end.code for end in ends) in ([0, 0], [0, 2])  # 0, 0: one after the other
    assert not any("Traceback" in end.err for end in ends)
    assert asked_twice(ledger) == 0
    assert requests_in(scene.db) == set(ledger.since(0).asked)


def test_with_every_lock_removed_what_was_committed_is_asked_once(desk, scene, tmp_path):
    scene, ledger = scene
    first = started(desk, scene)
    desk.until(str(scene.db), 5, first)
    for lock in tmp_path.glob("*/**/*.lock"):
        lock.unlink()
    second = started(desk, scene)
    ends = [desk.waits(first), desk.waits(second)]
    assert 0 in [end.code for end in ends]
    assert {end.code for end in ends} <= {0, 2}
    assert not any("Traceback" in end.err for end in ends)
    assert asked_twice(ledger) <= bound(AT_ONCE)
    assert requests_in(scene.db) == set(ledger.since(0).asked)
    assert desk.says("db", "verify", "--db", scene.db).err == "sound\n"
