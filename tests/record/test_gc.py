"""Clearing the record: what no run needs goes, and what a run will ask for stays."""

import shutil
from dataclasses import replace

import pytest

from localfair.record.adapters import relative_folder
from localfair.record.gc import collect
from localfair.record.nouns import EngineIdentity, Generation, Message, Request
from localfair.record.runs import newest_run
from localfair.record.store import Store
from localfair.record.verify import verify
from tests.lab import scripted_student

ENGINE = EngineIdentity(
    model="stray", fingerprint="sha256:stray", chat_template="none", engine="scripted"
)


def stray(store, text="nobody asked for this", engine=ENGINE):
    """A reply that becomes no row."""
    request = Request(messages=(Message("user", text),))
    reply = Generation(
        request=request,
        text="a reply",
        finish="stop",
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.1,
    )
    store.add_generation(engine, reply)


def adapter(store, name, parent=None):
    """An adapter that no run names, with its files."""
    folder = store.path.parent / relative_folder(store, name)
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    row = {
        "id": name,
        "role": "student",
        "base": "sha256:b",
        "parent": parent,
        "settings": "{}",
        "path": str(relative_folder(store, name)),
        "sha256": "s",
        "steps": 1,
        "seconds": 1.0,
        "tokens": 1,
        "peak_memory": 1,
        "created": "now",
    }
    store.ensure("adapters", [row])
    return folder


def test_a_dry_run_counts_and_deletes_nothing(store):
    stray(store)
    folder = adapter(store, "b2:alone")
    with Store.open(store.path) as reader:
        garbage = collect(reader, dry_run=True)
    assert (garbage.generations, garbage.adapters) == (1, ("b2:alone",))
    assert garbage.generation_bytes > len("nobody asked for this")
    assert garbage.adapter_bytes == len(b"weights")
    assert store.counts()["generations"] == 1
    assert folder.is_dir()


def test_what_nobody_needs_is_deleted_with_its_files(store):
    stray(store)
    adapter(store, "b2:parent")
    folder = adapter(store, "b2:child", parent="b2:parent")
    assert len(collect(store, dry_run=False).adapters) == 2
    assert store.counts()["generations"] == 0
    assert store.counts()["adapters"] == 0
    assert not folder.exists()
    assert verify(store) == []


@pytest.mark.parametrize("link", ["folder", "parent"])
def test_files_behind_a_link_are_left_alone(store, tmp_path, link):
    folder = adapter(store, "b2:alone")
    elsewhere = tmp_path / "elsewhere"
    linked = folder if link == "folder" else folder.parent
    shutil.move(linked, elsewhere)
    linked.symlink_to(elsewhere)
    collect(store, dry_run=False)
    assert list(elsewhere.rglob("*.safetensors"))


def test_a_path_in_a_row_leads_nowhere_else(store, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    shutil.rmtree(adapter(store, "b2:alone"))
    store.db.execute("UPDATE adapters SET path = 'precious'")
    store.db.conn.commit()
    collect(store, dry_run=False)
    assert precious.is_dir()


def test_a_finished_run_asks_nothing_afterwards(lab):
    first = lab.run(train_limit=2)
    with Store.open(lab.db, create=True) as store:
        stray(store)
        garbage = collect(store, dry_run=False)
        assert (garbage.generations, garbage.adapters) == (1, ())
    again = lab.run(train_limit=2)
    assert first["calls"] > 0
    assert (again["calls"], again["loads"]) == (0, 0)


def test_replies_of_a_run_that_did_not_end_wait_for_it(lab):
    student = scripted_student(lab.folder)
    lab.run(until="exam", student=student)
    with Store.open(lab.db, create=True) as store:
        run = {"id": newest_run(store)}
        fingerprint = store.first_column("SELECT fingerprint FROM generations")[0]
        stray(store, engine=replace(ENGINE, fingerprint=fingerprint))
        stray(store)
        store.update("runs", run, {"status": "interrupted"})
        garbage = collect(store, dry_run=True)
        assert (garbage.generations, garbage.waiting) == (1, 1)
    lab.run(until="exam", student=student)
    with Store.open(lab.db) as store:
        garbage = collect(store, dry_run=True)
        assert (garbage.generations, garbage.waiting) == (2, 0)
