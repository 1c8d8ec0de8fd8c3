"""Ids are hashes of what makes a thing what it is, and of nothing else."""

from dataclasses import replace

import pytest

from localfair.record.made import SoftKey
from localfair.record.nouns import (
    Constraint,
    Message,
    Request,
    Sampling,
    canonical_json,
    content_id,
    seed_of,
)
from tests.record.samples import ENGINE, SEAT, SOFT_LABEL_KEY, question, request

# Computed by the first release: a record that it wrote must find its own rows again.
QUESTION_ID = "b2:33e520df07c56e3c575015bf68a9a464"
REQUEST_ID = "b2:0c88f9e70c883c225acafbce8bbef91c"
SOFT_LABEL_ID = "b2:477b49f27b97ecec4e461c6b10008147"
SEAT_ID = "b2:6368c8f2a0332f60e1ba9224db8fbcff"
SEAT_SEED = 1536146687


def test_canonical_json_is_one_text_per_value():
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    with pytest.raises(ValueError):
        canonical_json(float("nan"))


def test_the_noun_is_part_of_an_id():
    assert content_id("question", text="a") != content_id("answer", text="a")


def test_ids_are_those_of_the_first_release():
    assert question(1).id == QUESTION_ID
    assert request().id(ENGINE) == REQUEST_ID
    assert SoftKey(**SOFT_LABEL_KEY).id == SOFT_LABEL_ID
    assert (SEAT.id, SEAT.seed) == (SEAT_ID, SEAT_SEED)


def test_a_question_is_the_same_in_any_split_and_under_any_key():
    first = question(1)
    assert replace(first, split="test", key="other").id == first.id
    assert replace(first, gold="2").id != first.id


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"sample": 1},
        {"action": "score"},
        {"continuations": ("1",)},
        {"constraint": Constraint("gbnf", "root ::= [1-5]")},
        {"logprobs": True},
    ],
)
def test_whatever_decides_a_reply_is_part_of_its_identity(other):
    assert request(**other).id(ENGINE) != request().id(ENGINE)


def test_a_greedy_reply_does_not_depend_on_its_seed_nor_on_what_it_is_about():
    messages = (Message("user", "hi"),)
    first = Request(messages=messages, seed=1, about="a")
    second = Request(messages=messages, seed=2, about="b")
    assert first.id(ENGINE) == second.id(ENGINE)


def test_a_score_does_not_depend_on_its_seed():
    first = request(action="score", continuations=("1",), seed=1)
    assert first.id(ENGINE) == replace(first, seed=2).id(ENGINE)


@pytest.mark.parametrize("field", ["fingerprint", "adapter", "chat_template", "engine"])
def test_another_engine_is_another_request(field):
    other = replace(ENGINE, **{field: "other"})
    assert request().id(other) != request().id(ENGINE)


def test_another_name_of_the_same_weights_is_the_same_request():
    assert request().id(replace(ENGINE, model="other")) == request().id(ENGINE)


def test_one_model_in_two_seats_has_two_seeds():
    seeds = {replace(SEAT, index=index).seed for index in range(5)}
    assert len(seeds) == 5
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_seed_is_the_end_of_an_id():
    assert seed_of("b2:" + "f" * 32) == 2**31 - 1
    assert seed_of("b2:" + "f" * 24 + "00000005") == 5


def test_a_seat_is_named_by_role_index_and_model():
    assert str(SEAT) == "teacher#0:m"


def test_sampling_takes_any_values_outside_recipes():
    assert Sampling(temperature=9.0).temperature == 9.0
