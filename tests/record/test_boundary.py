"""A test hears of every commit, before and after it; nobody else does."""

import pytest

from localfair.record import boundary
from localfair.record.nouns import Seat
from localfair.record.store import Store


@pytest.fixture
def heard():
    """The moments, in their order, until the test ends."""
    moments = []
    boundary.listen(moments.append)
    yield moments
    boundary.listen(boundary.nobody)


def test_every_commit_has_a_moment_before_and_one_after_it(tmp_path, heard):
    with Store.open(tmp_path / "record.db", create=True) as store:
        migrations = len(store.rows("SELECT * FROM migrations"))
        assert heard == ["before", "after"] * migrations
        heard.clear()
        store.ensure_seat(Seat(role="teacher", index=0, model="m", fingerprint="f", run_seed=0))
        assert heard == ["before", "after"]


def test_what_is_not_committed_has_no_moment_after_it(store, heard):
    with pytest.raises(ZeroDivisionError), store.transaction():
        _ = 1 / 0
    assert heard == []


def test_a_commit_that_is_stopped_just_before_writes_nothing(store, heard):
    def stop(moment):
        raise KeyboardInterrupt(moment)

    seat = Seat(role="teacher", index=0, model="m", fingerprint="f", run_seed=0)
    boundary.listen(stop)
    with pytest.raises(KeyboardInterrupt):
        store.ensure_seat(seat)
    assert store.counts()["seats"] == 0
