"""The answers of a run come with their questions, seat by seat, however many there are."""

from __future__ import annotations

from dataclasses import replace

from localfair.record import answered
from localfair.record.answered import answered_in
from tests.record.samples import QUESTIONS, SEAT
from tests.record.test_costs import a_run_of
from tests.record.test_costs import answered as answer

OTHER = replace(SEAT, index=1, model="n", fingerprint="g")


def test_each_answer_names_its_question_its_seat_and_its_tokens(store):
    a_run_of(store, SEAT, OTHER)
    answer(store, OTHER, 1)
    answer(store, SEAT, 2)
    first, second = answered_in(store, "r")
    assert (first.seat, first.model, second.model) == (0, "m", "n")
    assert first.question == QUESTIONS[0]
    assert (first.text, first.tokens) == ("hello", 2)


def test_a_run_without_answers_has_none(store):
    a_run_of(store, SEAT)
    assert list(answered_in(store, "r")) == []


def test_more_answers_than_are_held_at_a_time_all_come(store):
    a_run_of(store, SEAT)
    count = answered.PIECE + 1
    with store.transaction():
        for seed in range(count):
            answer(store, SEAT, seed)
    assert len(list(answered_in(store, "r"))) == count
