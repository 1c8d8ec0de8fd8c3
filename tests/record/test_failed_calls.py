"""Calls that failed, as the record keeps them."""

from localfair.record.failed_calls import Failure, add_failed_call, failed_calls, failed_count
from localfair.record.verify import verify
from tests.record.samples import ENGINE, a_run, request

BROKEN = Failure(reason="half a JSON", hint="look at its log", raw=b"{\xff")


def runs(store, *ids):
    store.ensure("runs", [a_run(run) for run in ids])


def test_a_failed_call_says_which_request_it_was_and_why(store):
    runs(store, "r")
    asked = request(about="question 3 of t", seed=5)
    added = add_failed_call(store, "r", ENGINE, asked, BROKEN)
    assert failed_calls(store, "r") == [added]
    assert added.generation == asked.id(ENGINE)
    assert (added.about, added.reason, added.raw) == ("question 3 of t", "half a JSON", b"{\xff")
    assert (added.engine, added.tries) == ("scripted", 1)
    assert store.counts()["generations"] == 0


def test_the_same_call_in_a_later_run_is_another_row_that_counts_the_tries(store):
    runs(store, "r", "s")
    for run in ("r", "r", "s"):
        last = add_failed_call(store, run, ENGINE, request(), BROKEN)
    assert (failed_count(store, "r"), failed_count(store, "s")) == (1, 1)
    assert last.tries == 2


def test_a_call_outside_a_run_belongs_to_none(store):
    add_failed_call(store, None, ENGINE, request(), BROKEN)
    assert store.one("SELECT run FROM failed_calls")["run"] is None


def test_what_a_server_said_is_bounded_and_always_storable(store):
    runs(store, "r")
    long = Failure(reason="half \ud83d" + "x" * 10_000, raw=b"\x00" * 2**20)
    add_failed_call(store, "r", ENGINE, request(about="\udcff"), long)
    (call,) = failed_calls(store, "r")
    assert (len(call.reason), len(call.raw), call.about) == (2000, 2**16, "?")


def test_a_record_with_failed_calls_is_sound_and_a_changed_one_is_named(store):
    runs(store, "r")
    add_failed_call(store, "r", ENGINE, request(), BROKEN)
    assert verify(store) == []
    store.db.execute("UPDATE failed_calls SET reason = 'nothing'")
    (problem,) = verify(store)
    assert problem.startswith("failed call b2:")
    assert "seal is broken" in problem
