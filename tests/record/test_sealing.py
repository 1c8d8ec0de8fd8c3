"""A seal covers every cell of a row and of its children, whatever type SQLite gives back."""

import pytest

from localfair.record.sealing import TABLES, seal_of
from localfair.record.store import Store
from tests.record.samples import a_run, a_step, an_adapter, generation


def seal(store, table, condition="1"):
    return store.one(f"SELECT seal FROM {table} WHERE {condition}")["seal"]


def test_a_row_is_sealed_when_it_is_written(store):
    store.ensure("adapters", [an_adapter("a")])
    row = store.one("SELECT * FROM adapters")
    assert row["seal"] == seal_of(row)
    assert len(row["seal"]) == 32


def test_the_seal_is_the_same_for_what_sqlite_holds_as_the_same():
    assert seal_of({"a": 5, "b": True}) == seal_of({"b": 1, "a": 5.0, "seal": "x"})
    assert seal_of({"a": 5}) != seal_of({"a": "5"})
    assert seal_of({"a": b"5"}) != seal_of({"a": "5"})
    assert seal_of({"a": None}) != seal_of({"a": ""})


def test_children_are_under_the_seal_in_their_order():
    row = {"id": "a"}
    assert seal_of(row) != seal_of(row, [(1, 2)])
    assert seal_of(row, [(1,), (2,)]) != seal_of(row, [(2,), (1,)])


def test_a_step_is_sealed_with_its_links_when_it_has_ended(store):
    store.ensure("runs", [a_run()])
    store.ensure("run_steps", [a_step(0)])
    assert seal(store, "run_steps") is None
    store.link("r", 0, "answer", ["x"])
    store.update("run_steps", {"run": "r", "position": 0}, {"ended": "now"})
    first = seal(store, "run_steps")
    store.link("r", 0, "answer", ["y"])
    store.update("run_steps", {"run": "r", "position": 0}, {"ended": "now"})
    assert first != seal(store, "run_steps")


def test_a_run_that_goes_on_after_its_end_has_no_seal(store):
    store.ensure("runs", [a_run()])
    store.update("runs", {"id": "r"}, {"ended": "now", "status": "done"})
    assert seal(store, "runs")
    store.update("runs", {"id": "r"}, {"ended": None, "status": "running"})
    assert seal(store, "runs") is None


def test_every_table_with_a_seal_is_known_and_no_other(store):
    for table in store.db.table_names():
        columns = store.db.table(table).columns_dict
        assert ("seal" in columns) == (table in TABLES), table


@pytest.mark.parametrize("text", ["hello", "ünïcödé \U0001f600", "\x00", "a\nb"])
def test_a_reply_is_sealed_as_it_is_read_back(tmp_path, text):
    from tests.record.samples import ENGINE

    path = tmp_path / "record.db"
    with Store.open(path, create=True) as store:
        store.add_generation(ENGINE, generation(text=text))
    with Store.open(path) as store:
        row = store.one("SELECT * FROM generations")
    assert row["seal"] == seal_of(row)
