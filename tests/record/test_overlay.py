"""A record read under what is written over it."""

import pytest

from localfair.errors import StoreError
from localfair.record.nouns import Seat
from localfair.record.overlay import Overlay
from localfair.record.store import Store
from tests.record.samples import a_run


def seat(index):
    return Seat(role="teacher", index=index, model="m", fingerprint="f")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "record.db"
    with Store.open(path, create=True) as store:
        store.ensure_seat(seat(0))
        store.ensure("runs", [a_run("old")])
    return path


def test_rows_of_both_stand_in_one_table(path):
    with Overlay.open(path) as overlay:
        overlay.ensure_seat(seat(1))
        ids = [seat(0).id, seat(1).id]
        assert sorted(overlay.by_ids("seats", ids)) == sorted(ids)
        assert overlay.counts()["seats"] == 2


def test_what_the_record_holds_is_not_written_twice(path):
    with Overlay.open(path) as overlay:
        overlay.ensure_seat(seat(0))
        assert len(overlay.rows("SELECT * FROM seats")) == 1


def test_nothing_reaches_the_record(path):
    before = path.read_bytes()
    with Overlay.open(path) as overlay:
        overlay.ensure("runs", [a_run("new")])
        overlay.update("runs", {"id": "new"}, {"status": "done"})
        overlay.update("runs", {"id": "old"}, {"status": "done"})
        assert overlay.one("SELECT status FROM runs WHERE id = 'new'") == {"status": "done"}
        assert overlay.one("SELECT status FROM runs WHERE id = 'old'") == {"status": "running"}
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_key_and_the_views_are_the_records(path):
    with Store.open(path) as store:
        key = store.fence_key()
    with Overlay.open(path) as overlay:
        assert overlay.fence_key() == key
        assert overlay.rows("SELECT * FROM mistakes") == []


def test_rows_are_found_by_the_index_of_each_table(path):
    with Overlay.open(path) as overlay:
        plan = overlay.rows("EXPLAIN QUERY PLAN SELECT * FROM generations WHERE id IN ('a', 'b')")
        details = [row["detail"] for row in plan]
        assert sum("generations USING INDEX" in detail for detail in details) == 2
        assert not any(detail.startswith("SCAN") for detail in details)


def test_it_is_laid_beside_a_writer(path):
    with Store.open(path, create=True) as store, Overlay.open(path) as overlay:
        store.ensure_seat(seat(2))
        assert seat(2).id in overlay.by_ids("seats", [seat(2).id])


def test_without_a_record_it_stands_alone(tmp_path):
    with Overlay.open(tmp_path / "none.db") as overlay:
        overlay.ensure_seat(seat(1))
        assert len(overlay.rows("SELECT * FROM seats")) == 1
        assert len(overlay.fence_key()) == 32
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(StoreError):
        Overlay.open(":memory:")
