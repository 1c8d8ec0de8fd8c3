"""A run's student is exported only as the run trained it, and a run without one says what to do."""

import sqlite3

import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError, UsageError
from localfair.export.student import trained_student
from localfair.record.lessons import lessons_learned
from localfair.record.store import Store
from localfair.report.findings import find_run
from tests.export.exporting import TrainedLab


@pytest.fixture
def copied(taught, tmp_path) -> TrainedLab:
    """A copy of the laboratory that a test may change."""
    return taught.copy(tmp_path)


def student(lab, run=None):
    with Store.open(lab.db) as store:
        return trained_student(store, run, lab.folder)


def newest(lab):
    with Store.open(lab.db) as store:
        return find_run(store, None).id


def test_the_student_of_the_newest_run_comes_with_its_base_and_its_adapter(copied):
    found = student(copied)
    assert found.run.id == newest(copied)
    assert found.model.fingerprint == found.adapter.base
    assert (found.folder / "adapter_model.safetensors").is_file()
    assert found.name == f"{found.model.name}-fair-{found.run.id}"


def test_the_lessons_learned_are_those_that_training_did_not_drop(copied):
    with copied.opened() as (store, trained):
        learned = lessons_learned(store, trained.adapter.id)
        store.db.execute("UPDATE adapter_lessons SET dropped = 'too long' WHERE position = 0")
        without_first = lessons_learned(store, trained.adapter.id)
    assert len(learned) == 16
    assert without_first == learned[1:]


def test_an_unknown_run_is_refused(copied):
    with pytest.raises(UsageError, match="there is no run 'nobody'"):
        student(copied, "nobody")


def test_a_changed_adapter_is_refused(copied):
    weights = copied.adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CorruptWeights, match="not what was trained"):
        student(copied)


def test_a_lost_adapter_is_refused(copied):
    (copied.adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(MissingWeights, match="no weights"):
        student(copied)


def test_a_base_that_is_no_longer_what_it_was_is_refused(copied):
    with sqlite3.connect(copied.db) as connection:
        connection.execute("UPDATE adapters SET base = 'sha256:another'")
    with pytest.raises(ModelError, match="was trained on sha256:another"):
        student(copied)


def test_the_newest_run_that_trained_a_student_is_taken(copied):
    trained = newest(copied)
    copied.run(until="exam")
    assert newest(copied) != trained
    assert student(copied).run.id == trained
    assert student(copied, trained[:4]).run.id == trained
    with pytest.raises(UsageError, match="trained no student") as refused:
        student(copied, newest(copied))
    assert f"--run {trained}" in refused.value.hint


def test_where_no_run_trained_a_student_the_hint_is_to_train_one(lab):
    lab.run(until="exam")
    with pytest.raises(UsageError, match="trained no student") as refused:
        student(lab)
    assert "`localfair run fair`" in refused.value.hint
    assert "--run" in refused.value.hint


def test_a_run_without_a_lesson_is_not_told_to_go_on(lab):
    lab.run(settings=("review.accept.mean_above=5",))
    with pytest.raises(UsageError, match="trained no student") as refused:
        student(lab)
    assert "no lesson was left" in refused.value.hint
    assert "localfair run" not in refused.value.hint
