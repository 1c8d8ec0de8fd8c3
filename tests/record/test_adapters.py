"""An adapter's folder lies beside the record, by its id."""

from pathlib import Path

import pytest

from localfair.errors import StoreError
from localfair.record.adapters import folder_of, recorded_folder, relative_folder


def test_the_folder_is_named_after_the_database_and_the_adapter(store):
    assert relative_folder(store, "b2:00ff") == Path("record-adapters/00ff")


def test_the_folder_lies_beside_the_database(store):
    assert folder_of(store, "b2:00ff") == store.path.parent / "record-adapters" / "00ff"


@pytest.mark.parametrize("name", ["../precious", "/precious", "..", "", "a/b", "a\0b", "."])
def test_an_id_that_leads_to_another_folder_is_refused(store, name):
    with pytest.raises(StoreError, match="an id that localfair never makes"):
        relative_folder(store, f"b2:{name}")


def test_a_path_in_a_row_is_below_the_records_folder_or_refused(store):
    assert recorded_folder(store, "old-adapters/00ff") == store.path.parent / "old-adapters/00ff"
    for path in ("/etc", "../weights", "a/../../b", "a\0b"):
        with pytest.raises(StoreError, match="lies outside its folder"):
            recorded_folder(store, path)
