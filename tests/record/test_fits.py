"""A fit is one row, whatever becomes of it on the way, and what it names must be there."""

import json
from dataclasses import replace

import pytest

from localfair.record.fits import FITS, fit_of, fit_row
from localfair.record.gc import collect
from localfair.record.verify import verify
from tests.record.samples import ENGINE, a_fit, generation


def test_a_fit_comes_back_as_it_was_written(store):
    fit = a_fit()
    store.add(FITS, [fit])
    assert store.get(FITS, [fit.id]) == {fit.id: fit}


@pytest.mark.parametrize("value", [None, -0.0, 0.0, 3.0, 0.1 + 0.2, -1e-12])
def test_a_number_keeps_its_id_through_the_database(store, value):
    fit = a_fit(intercept=value)
    store.add(FITS, [fit])
    (row,) = store.rows("SELECT * FROM fits")
    assert fit_of(row).id == row["id"] == fit.id


def test_another_coefficient_is_another_fit():
    changes = ({"threshold": 0.6}, {"dropped": {}}, {"labels": ()}, {"plants": ()})
    ids = {a_fit(**change).id for change in changes}
    assert len(ids | {a_fit().id}) == len(changes) + 1


def test_only_seats_that_were_not_dropped_have_a_vote():
    assert a_fit().voters == ["s"]
    assert a_fit(dropped={"s": "fell for 2 of 4 plants"}).voters == []
    assert a_fit(decides="checks").voters == []


def test_the_lists_of_a_row_are_json():
    row = fit_row(a_fit())
    assert json.loads(row["labels"]) == [["e", True], ["f", False]]
    assert json.loads(row["plants"]) == [["p", "e", "s", "g", 4.0]]


def test_what_a_fit_names_and_is_not_there_is_named(store):
    fit = a_fit()
    store.add(FITS, [fit])
    problems = verify(store)
    for missing in ("review r", "explanation e", "explanation f", "generation g"):
        assert f"fit {fit.id} names a missing {missing}" in problems


def test_a_plants_reply_is_needed(store):
    reply = store.add_generation(ENGINE, generation())
    (plant,) = a_fit().plants
    plants = (replace(plant, generation=reply.id),)
    assert collect(store, dry_run=True).generations == 1
    store.add(FITS, [a_fit(plants=plants)])
    assert collect(store, dry_run=True).generations == 0
