"""The vocabulary of recipes: the order of its steps, and what some of its keys mean."""

import pytest
from pydantic import ValidationError

from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Accept, CrossEntropy, Exam, Recipe
from localfair.recipe.writing import WriteRepair
from localfair.record.nouns import Sampling


def exam(**keys):
    return Exam.model_validate({"id": "e", "stage": "exam", "split": "test", **keys})


def test_rounds_repeat_the_middle_section_only(tmp_path):
    recipe = load_recipe("fair", tmp_path, ("rounds=2",))
    steps = [(number, step.id) for number, step in recipe.steps()]
    assert steps[0] == (0, "before")
    assert steps[-1] == (3, "after")
    assert [number for number, name in steps if name == "train"] == [1, 2]


def test_a_step_that_is_off_is_written_and_not_done(tmp_path):
    recipe = load_recipe("fair", tmp_path, ("review.enabled=false",))
    assert "review" in [step.id for _, _, step in recipe.sections()]
    assert "review" not in [step.id for _, step in recipe.steps()]


def test_sections_give_each_step_its_place_in_its_own_section(tmp_path):
    sections = list(load_recipe("fair", tmp_path).sections())
    places = [(section, position) for section, position, _ in sections]
    assert places[:3] == [("before", 0), ("round", 0), ("round", 1)]


def test_a_recipes_sampling_is_the_one_that_requests_carry():
    step = exam(sampling={"temperature": 1, "stop": ["\n"]})
    assert step.sampling == Sampling(temperature=1.0, stop=("\n",))
    assert isinstance(step.sampling.temperature, float)
    assert exam().sampling == Sampling()


def test_a_key_that_sampling_does_not_have_is_refused():
    with pytest.raises(ValidationError, match="temprature"):
        exam(sampling={"temprature": 1})


def test_a_recipe_is_the_same_after_its_json(tmp_path):
    recipe = load_recipe("mentor-kd", tmp_path)
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_a_teachers_weight_is_its_own_where_each_has_one():
    term = CrossEntropy(
        term="ce", kind="rationale", each_teacher=True, weight=0.5, weights=(0.1, 3)
    )
    assert [term.weight_of(teacher) for teacher in (0, 1, None)] == [0.1, 3, 0.5]
    assert CrossEntropy(term="ce", kind="rationale", weight=0.5).weight_of(1) == 0.5


def test_nothing_reviewed_is_accepted_on_no_review():
    assert Accept(min_reviews=0).needed == 1
    assert Accept(min_reviews=3).needed == 3


def test_a_form_that_authors_write_is_switched_by_a_word(tmp_path):
    settings = ("inquire.write.feedback=false", "inquire.write.repair=true")
    recipe = load_recipe("fair", tmp_path, settings)
    [step] = [step for step in recipe.round if step.id == "inquire"]
    assert step.write.feedback is None
    assert step.write.rationale is not None
    assert step.write.repair == WriteRepair()


def test_a_policy_holds_what_came_later_only_where_it_is_set():
    assert "steps" not in Accept().policy()
    assert Accept(steps=True).policy()["steps"] is True


def test_verdicts_of_the_plain_gate_are_keyed_as_before_there_was_another():
    plain = Accept().policy()
    assert plain.keys().isdisjoint({"gate", "precision", "labels", "plants"})
    assert Accept(labels=5, plants=2, precision=0.9).policy() == plain


def test_a_calibrated_verdict_is_keyed_by_its_precision_and_not_by_how_labels_were_chosen():
    policy = Accept(gate="calibrated").policy()
    assert (policy["gate"], policy["precision"]) == ("calibrated", 0.8)
    assert Accept(gate="calibrated", labels=5, plants=2).policy() == policy
    assert Accept.model_validate(policy).policy() == policy
