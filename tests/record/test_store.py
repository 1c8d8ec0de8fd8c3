"""The open record: what is written twice stands once, what was read comes back as it went in."""

import sqlite3
import time
from dataclasses import replace
from datetime import date
from functools import partial
from statistics import median

import pytest

from localfair.record.adapters import forget
from localfair.record.store import Store
from localfair.record.tables import REPLIES, question_of, question_row
from tests.record.samples import (
    DATASET,
    ENGINE,
    QUESTIONS,
    SEAT,
    a_run,
    a_step,
    an_adapter,
    generation,
    question,
)

# -- rows -----------------------------------------------------------------------------------------


def test_a_row_of_the_same_id_is_written_once(store):
    assert store.ensure("runs", [a_run()]) == 1
    assert store.ensure("runs", [a_run(recipe="another"), a_run("s")]) == 1
    assert store.one("SELECT recipe FROM runs WHERE id = 'r'") == {"recipe": "fair"}


def test_rows_are_written_all_or_none(store):
    with pytest.raises(sqlite3.IntegrityError):
        store.ensure("runs", [a_run(), a_run("s", status="no status")])
    assert store.counts()["runs"] == 0


def test_a_query_without_rows_has_no_first_one(store):
    assert store.one("SELECT * FROM runs") is None
    assert store.rows("SELECT * FROM runs") == []


def test_a_column_is_the_first_value_of_every_row(store):
    store.ensure("runs", [a_run(), a_run("s")])
    assert store.first_column("SELECT id, recipe FROM runs ORDER BY id") == ["r", "s"]


def test_any_number_of_rows_is_read_by_id(store):
    ids = [f"r{number:04}" for number in range(1203)]
    store.ensure("runs", [a_run(run) for run in ids])
    rows = store.by_ids("runs", [*ids, *ids, "nowhere"])
    assert sorted(rows) == ids
    assert all(row["id"] == run for run, row in rows.items())


# -- questions ------------------------------------------------------------------------------------


def test_the_same_dataset_twice_is_stored_once(store):
    assert store.ensure_dataset("t", DATASET) == 5
    assert store.ensure_dataset("t", DATASET) == 0
    questions = store.questions("t", "train")
    assert sorted(questions, key=lambda q: q.key) == list(QUESTIONS)
    assert store.tasks() == ["t"]
    assert store.splits("t") == {"train"}


def test_the_file_of_a_dataset_is_recorded_with_its_licence(store):
    store.ensure_dataset("t", DATASET)
    [source] = store.rows("SELECT name, sha256, bytes, licence FROM sources")
    assert source == {"name": "t.jsonl", "sha256": "ab" * 32, "bytes": 7, "licence": "mit"}


def test_the_first_n_questions_are_among_the_first_n_plus_one(store):
    store.ensure_dataset("t", DATASET)
    assert store.questions("t", "train", 4)[:3] == store.questions("t", "train", 3)


def test_questions_are_read_by_id(store):
    store.ensure_dataset("t", DATASET)
    wanted = QUESTIONS[2]
    assert store.questions_by_id([wanted.id, "nowhere"]) == {wanted.id: wanted}


def test_a_question_is_the_same_after_its_row():
    assert question_of(question_row(question(3))) == question(3)


# -- generations ----------------------------------------------------------------------------------


def test_a_generation_is_on_disk_when_it_is_added(store):
    reply = store.add_generation(ENGINE, generation())
    with Store.open(store.path) as other:
        assert other.get(REPLIES, [reply.id]) == {reply.id: reply}
        assert other.prompts([reply.id]) == {reply.id: generation().request.messages}


def test_the_same_request_keeps_its_first_reply(store):
    store.add_generation(ENGINE, generation("first"))
    second = store.add_generation(ENGINE, generation("second"))
    assert store.get(REPLIES, [second.id])[second.id].text == "first"


def test_log_probabilities_come_back_as_numbers(store):
    scored = replace(
        generation("", action="score", continuations=("1", "2")), logprobs=(-0.5, -1.0)
    )
    reply = store.add_generation(ENGINE, scored)
    assert reply.logprobs == (-0.5, -1.0)
    assert store.get(REPLIES, [reply.id])[reply.id].logprobs == (-0.5, -1.0)


# -- seats, adapters, runs ------------------------------------------------------------------------


def test_a_seat_is_stored_with_its_seed(store):
    store.ensure_seat(SEAT)
    store.ensure_seat(SEAT)
    assert store.rows("SELECT id, role, seed FROM seats") == [
        {"id": SEAT.id, "role": "teacher", "seed": SEAT.seed}
    ]


def test_an_adapter_that_another_went_on_from_can_take_its_place_again(store):
    store.ensure("adapters", [an_adapter("a"), an_adapter("b", parent="a")])
    with store.db.atomic():
        forget(store, "a")
        assert store.adapter("a") is None
        store.ensure("adapters", [an_adapter("a")])
    assert store.adapter("b").parent == "a"


def test_an_adapter_that_another_went_on_from_is_not_forgotten_for_good(store):
    store.ensure("adapters", [an_adapter("a"), an_adapter("b", parent="a")])
    with pytest.raises(sqlite3.IntegrityError), store.db.atomic():
        forget(store, "a")
    assert store.adapter("a") is not None


def test_a_step_names_its_rows_once_and_in_a_fixed_order(store):
    store.ensure("runs", [a_run()])
    store.ensure("run_steps", [a_step(0), a_step(1), a_step(2)])
    store.link("r", 0, "answer", ["b", "a", "b"])
    store.link("r", 1, "answer", ["a", "c"])
    store.link("r", 1, "lesson", ["l"])
    assert store.linked("r", [0], "answer") == ["a", "b"]
    assert store.linked("r", [0, 1], "answer") == ["a", "b", "c"]
    assert store.linked("r", [2], "answer") == store.linked("r", [], "answer") == []


def test_a_run_that_was_killed_is_marked_as_interrupted(store):
    store.ensure("runs", [a_run(), a_run("s", status="done")])
    store.end_lost_runs()
    statuses = store.rows("SELECT id, status FROM runs ORDER BY id")
    assert [row["status"] for row in statuses] == ["interrupted", "done"]


def test_only_runs_and_their_steps_ever_change(store):
    store.ensure("runs", [a_run()])
    store.update("runs", {"id": "r"}, {"status": "done", "ended": "later"})
    assert store.one("SELECT status, ended FROM runs") == {"status": "done", "ended": "later"}
    with pytest.raises(AssertionError):
        store.update("questions", {"id": "q"}, {"gold": "x"})


def test_counts_are_of_every_table(store):
    store.ensure_dataset("t", DATASET)
    counts = store.counts()
    assert (counts["questions"], counts["sources"], counts["lessons"]) == (5, 1, 0)


# -- the day that templates write -------------------------------------------------------------------


def test_the_day_that_templates_write_is_kept_and_can_be_set_anew(store):
    assert store.template_date() is None
    for day in (date(2026, 3, 9), date(2026, 3, 10)):
        store.set_template_date(day)
        with Store.open(store.path) as again:
            assert again.template_date() == day


def test_replies_written_together_cost_far_less_than_each_by_itself(durable, store):
    """Ten times the rows a second where a flush takes 3 ms; the bound is for any disk."""
    ratios = []
    for turn in range(5):
        replies = [generation(seed=1000 * turn + number) for number in range(320)]
        alone = seconds(partial(write_by, 1, store, replies[:64])) / 64
        together = seconds(partial(write_by, 16, store, replies[64:])) / 256
        ratios.append(alone / together)
    assert median(ratios) > 1.5
    assert store.counts()["generations"] == 5 * 320


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def write_by(count, store, replies):
    for start in range(0, len(replies), count):
        store.add_generations(ENGINE, replies[start : start + count])


def test_a_batch_is_written_whole_or_not_at_all(store):
    bad = replace(generation(seed=2), finish="because")
    with pytest.raises(sqlite3.IntegrityError):
        store.add_generations(ENGINE, [generation(seed=1), bad])
    assert store.counts()["generations"] == 0
    replies = store.add_generations(ENGINE, [generation(seed=1), generation("no", seed=3)])
    assert [reply.text for reply in replies] == ["hello", "no"]
