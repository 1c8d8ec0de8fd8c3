"""Every id that a stage gave a row can be made again from the row."""

from pathlib import Path

import pytest

from localfair.record.failed_calls import Failure, add_failed_call
from localfair.record.fits import FITS
from localfair.record.identities import IDS, lesson_id
from localfair.record.store import Store
from localfair.record.tables import TURNS
from tests.lab import Lab, scripted_student
from tests.record.samples import A_TURNS, ENGINE, a_fit, request


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    lab = Lab(folder, Path(scripted_student(folder)))
    lab.run(until="select")
    with Store.open(lab.db, create=True) as store:
        run = store.first_column("SELECT id FROM runs")[0]
        store.add(TURNS, [A_TURNS])
        add_failed_call(store, run, ENGINE, request(), Failure(reason="broken"))
        store.add(FITS, [a_fit()])
        yield store


@pytest.mark.parametrize("table", sorted(set(IDS) - {"soft_labels"}))
def test_the_id_of_a_row_follows_from_its_columns(record, table):
    rows = record.rows(f"SELECT * FROM {table}")
    assert rows
    assert [IDS[table](row) for row in rows] == [row["id"] for row in rows]


def test_the_id_of_a_lesson_follows_from_its_columns_and_its_sources(record):
    lessons = record.rows("SELECT * FROM lessons")
    assert len(lessons) == 14
    assert [lesson_id(record, row) for row in lessons] == [row["id"] for row in lessons]
    assert lesson_id(record, lessons[0] | {"weight": 2.0}) != lessons[0]["id"]


def test_a_grade_a_score_and_what_a_verdict_says_are_in_no_id(record):
    changes = {
        "answers": {"grade": "right", "read": "x"},
        "explanations": {"grade": "wrong", "read": "x"},
        "reviews": {"score": 1.0},
        "verdicts": {"accepted": 0, "mean": 1.0, "reason": "x"},
    }
    for table, change in changes.items():
        row = record.one(f"SELECT * FROM {table}")
        assert IDS[table](row | change | {"reader": 9}) == row["id"]
