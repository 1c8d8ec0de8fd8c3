"""An adapter's folder lies beside the record, by its id."""

from pathlib import Path

from localfair.record.adapters import folder_of, relative_folder


def test_the_folder_is_named_after_the_database_and_the_adapter(store):
    assert relative_folder(store, "b2:00ff") == Path("record-adapters/00ff")


def test_the_folder_lies_beside_the_database(store):
    assert folder_of(store, "b2:00ff") == store.path.parent / "record-adapters" / "00ff"
