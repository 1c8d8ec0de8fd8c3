"""A sound record verifies; whatever was changed behind its back is named."""

import hashlib
from dataclasses import replace

import pytest

from localfair.record.made import SoftKey
from localfair.record.nouns import Constraint, Sampling
from localfair.record.verify import verify
from tests.record.samples import (
    DATASET,
    ENGINE,
    SOFT_LABEL_KEY,
    a_run,
    a_step,
    an_adapter,
    generation,
)


@pytest.fixture
def sound(store):
    """A record with a row of everything that is checked by its content."""
    store.ensure_dataset("t", DATASET)
    store.add_generation(ENGINE, generation())
    soft_label = {
        "id": SoftKey(**SOFT_LABEL_KEY).id,
        **SOFT_LABEL_KEY,
        "labels": 2,
        "indices": b"\0" * 32,
        "logprobs": b"\0" * 20,
        "created": "now",
    }
    store.ensure("soft_labels", [soft_label])
    store.ensure("runs", [a_run()])
    store.ensure("run_steps", [a_step(0)])
    store.link("r", 0, "question", [DATASET.questions[0].id])
    weights = store.path.parent / "a" / "adapter_model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    store.ensure("adapters", [an_adapter("a") | {"sha256": sha256}])
    return store


def test_a_sound_record_has_no_problem(sound):
    assert verify(sound) == []


def test_what_a_request_says_of_thinking_is_kept_with_it(sound):
    thinking = Sampling(enable_thinking=False)
    asked = generation()
    sound.add_generation(ENGINE, replace(asked, request=replace(asked.request, sampling=thinking)))
    assert verify(sound) == []
    (written,) = sound.first_column(
        "SELECT sampling FROM generations WHERE sampling LIKE '%think%'"
    )
    assert '"enable_thinking":false' in written


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE generations SET seed = seed + 1", "generation {} does not hash to its id"),
        ("UPDATE questions SET gold = 'x'", "question {} does not hash to its id"),
        ("UPDATE soft_labels SET tau = 2", "soft label {} does not hash to its id"),
        (
            "UPDATE soft_labels SET labels = 3",
            "soft label {} does not hold 4 and the rest for 3 labels",
        ),
    ],
)
def test_a_changed_row_is_named(sound, change, problem):
    table = change.split()[1]
    [*_, changed] = sound.rows(f"SELECT id FROM {table}")
    sound.db.execute(change)
    assert problem.format(changed["id"]) in verify(sound)


def test_a_reply_that_asks_for_more_than_the_first_release_verifies_too(sound):
    bound = generation(constraint=Constraint("gbnf", "root ::= [1-5]"), logprobs=True)
    sound.add_generation(ENGINE, bound)
    assert verify(sound) == []


def test_a_link_to_a_missing_row_is_named(sound):
    sound.link("r", 0, "lesson", ["nowhere"])
    assert verify(sound) == ["run_rows names a missing lesson nowhere"]


def test_a_row_that_points_at_a_missing_one_is_named(sound):
    sound.db.execute("PRAGMA foreign_keys=OFF")
    sound.db.execute(
        "INSERT INTO run_steps (run, position, step, stage, round, started) "
        "VALUES ('nowhere', 0, 'exam', 'exam', 1, 'now')"
    )
    assert verify(sound) == ["a row of run_steps points at a missing row of runs"]


def test_an_adapter_whose_weights_are_gone_or_changed_is_named(sound):
    weights = sound.path.parent / "a" / "adapter_model.safetensors"
    weights.write_bytes(b"other")
    assert verify(sound) == [f"adapter a: {weights} is not what was trained"]
    weights.unlink()
    assert verify(sound) == [f"adapter a has no weights at {weights}"]


def test_a_page_that_cannot_be_read_is_a_problem_and_no_crash(sound):
    sound.db.execute("DROP TABLE soft_labels")
    assert any(problem.startswith("soft_labels: no such table") for problem in verify(sound))
