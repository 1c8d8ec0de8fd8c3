"""What a run asked: of everybody but the student, whatever the reply was for."""

from __future__ import annotations

from dataclasses import asdict, replace

from localfair.record.costs import costs_of, sampled_tokens
from localfair.record.made import Answer
from localfair.record.nouns import Grade
from localfair.record.tables import ANSWERS
from tests.record.samples import DATASET, ENGINE, QUESTIONS, SEAT, a_run, a_step, generation

STUDENT = replace(SEAT, role="student", model="s", fingerprint="fs")


def a_run_of(store, *seats):
    """A run with these seats and one step."""
    store.ensure_dataset("t", DATASET)
    store.ensure("runs", [a_run()])
    store.ensure("run_steps", [a_step(0)])
    for seat in seats:
        store.ensure_seat(seat)
        store.ensure("run_seats", [{"run": "r", "seat": seat.id, "engine": "scripted"}])


def asked(store, seat, seed):
    """A reply of a seat's model, linked to the run."""
    engine = replace(ENGINE, model=seat.model, fingerprint=seat.fingerprint)
    reply = store.add_generation(engine, generation(seed=seed))
    store.link("r", 0, "generation", [reply.id])
    return reply


def answered(store, seat, seed, split="train"):
    """The same, as an answer to a question."""
    reply = asked(store, seat, seed)
    answer = Answer(
        question=QUESTIONS[0].id,
        split=split,
        seat=seat.id,
        generation=reply.id,
        grade=Grade.RIGHT,
        read="a",
        reader=2,
    )
    store.link("r", 0, "answer", store.add(ANSWERS, [answer]))
    return reply


def test_a_teachers_answers_cost_and_a_students_do_not(store):
    a_run_of(store, SEAT, STUDENT)
    reply = answered(store, SEAT, 1)
    answered(store, STUDENT, 2)
    (cost,) = costs_of(store, "r")
    assert cost.generation == reply.id
    assert (cost.role, cost.question, cost.fingerprint) == ("teacher", QUESTIONS[0].id, "f")
    assert cost.tokens == 2


def test_what_a_teacher_was_asked_for_nothing_that_is_kept_costs_too(store):
    a_run_of(store, SEAT, STUDENT)
    asked(store, SEAT, 1)
    asked(store, STUDENT, 2)
    (cost,) = costs_of(store, "r")
    assert (cost.role, cost.question, cost.tokens) == ("teacher", "", 2)


def test_a_model_that_is_student_and_teacher_answers_for_nothing_as_a_student(store):
    itself = replace(SEAT, role="student")
    a_run_of(store, SEAT, itself)
    answered(store, itself, 1)
    assert costs_of(store, "r") == []
    assert sampled_tokens(store, "r") == 2


def test_the_students_answers_to_train_questions_are_its_own_tokens(store):
    a_run_of(store, SEAT, STUDENT)
    assert sampled_tokens(store, "r") == 0
    answered(store, STUDENT, 1)
    answered(store, STUDENT, 2)
    answered(store, SEAT, 3)
    assert sampled_tokens(store, "r") == 4


def test_every_cost_is_plain_data(store):
    a_run_of(store, SEAT)
    asked(store, SEAT, 1)
    (cost,) = costs_of(store, "r")
    assert asdict(cost)["prompt_tokens"] == 1
