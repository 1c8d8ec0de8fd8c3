"""An order leaves nothing open: the command line first, then the recipe's own defaults."""

from pathlib import Path

import pytest

from localfair.errors import UsageError
from localfair.pipeline.orders import (
    RunOptions,
    fetch_missing,
    order,
    step_of,
    steps_until,
)
from localfair.recipe.load import load_recipe

NAMED = {"task": "svamp", "student": "a-student"}


def ordered(recipe, folder, **options):
    return order(recipe, RunOptions(workspace=folder, **options))


def test_what_the_command_line_leaves_out_is_the_recipes_own(tmp_path):
    defaults = load_recipe("quickstart", tmp_path).defaults
    made = ordered("quickstart", tmp_path)
    assert made.task == defaults.task is not None
    assert made.student == defaults.student is not None
    assert made.teachers == defaults.teachers != ()
    assert (made.train_limit, made.test_limit) == (defaults.train_limit, defaults.test_limit)
    assert made.options.engine == defaults.engine


def test_the_command_line_goes_before_the_recipe(tmp_path):
    said = {**NAMED, "teachers": ("one", "two"), "train_limit": 3, "test_limit": 2}
    made = ordered("quickstart", tmp_path, **said, engine="transformers")
    assert {name: getattr(made, name) for name in said} == said
    assert made.options.engine == "transformers"


def test_what_nobody_says_is_all_of_it(tmp_path):
    made = ordered("fair", tmp_path, **NAMED)
    assert made.train_limit is None
    assert made.test_limit is None
    assert (made.teachers, made.reviewers, made.mentor) == ((), (), None)
    assert made.seed == 0
    assert made.db == Path("localfair.db")
    assert made.options.student_engine == "transformers"


def test_a_setting_changes_the_orders_recipe(tmp_path):
    made = ordered("fair", tmp_path, **NAMED, settings=("train.epochs=9",))
    (train,) = [step for _, step in made.recipe.steps() if step.id == "train"]
    assert train.epochs == 9


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, "needs --task and --student$"),
        ({"student": "a-student"}, "needs --task$"),
        ({"task": "svamp"}, "needs --student$"),
    ],
)
def test_a_task_or_a_student_that_nobody_names_is_asked_for(tmp_path, options, missing):
    with pytest.raises(UsageError, match=missing) as refused:
        ordered("fair", tmp_path, **options)
    assert "localfair run fair --help" in refused.value.hint


def test_a_misspelt_option_is_an_error_of_the_program(tmp_path):
    with pytest.raises(TypeError, match="studnet"):
        RunOptions(studnet="a-student")


def test_a_step_is_found_by_its_stage_or_by_its_id(tmp_path):
    recipe = load_recipe("mentor-kd", tmp_path)
    assert step_of(recipe, "train", None) == "mentor"
    assert step_of(recipe, "train", "train") == "train"


def test_a_step_of_another_stage_is_not_found_and_the_nearest_is_named(tmp_path):
    recipe = load_recipe("fair", tmp_path)
    with pytest.raises(UsageError, match="has no exam step 'befor'") as refused:
        step_of(recipe, "exam", "befor")
    assert "before" in refused.value.hint
    with pytest.raises(UsageError, match="has no exam step 'train'"):
        step_of(recipe, "exam", "train")


def test_a_recipe_without_the_stage_says_so(lab):
    with pytest.raises(UsageError, match="no soften step"):
        step_of(lab.order().recipe, "soften", None)


def test_the_steps_of_a_run_end_with_the_named_one(tmp_path):
    recipe = load_recipe("fair", tmp_path, ("rounds=2",))
    everything = [step.id for step in steps_until(recipe, None)]
    assert everything == [step.id for _, step in recipe.steps()]
    assert [step.id for step in steps_until(recipe, "exam")] == ["before", "exam"]
    assert len(steps_until(recipe, "after")) == 12


def test_a_step_that_is_off_is_not_done(tmp_path):
    recipe = load_recipe("fair", tmp_path, ("before.enabled=false",))
    assert steps_until(recipe, None)[0].id == "exam"


def test_weights_that_are_here_are_not_fetched(lab):
    messages = []
    fetch_missing(lab.order(mentor=lab.student, reviewers=lab.teachers[:1]), messages.append)
    assert messages == []
