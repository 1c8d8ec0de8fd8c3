"""Recipes are validated whole, at the door: every error at once, the nearest name for an unknown key."""

import json
import re
import tomllib

import pytest

from localfair.errors import RecipeError
from localfair.machine.workspace import packaged_dir
from localfair.recipe.load import (
    apply_setting,
    copy_recipe,
    load_recipe,
    parse_recipe,
    recipe_folders,
    recorded_recipe,
)

NAMES = sorted(p.parent.name for p in packaged_dir("recipes").glob("*/recipe.toml"))


def fair(tmp_path, *settings):
    return load_recipe("fair", tmp_path, settings)


def problems(tmp_path, *settings, name="fair"):
    with pytest.raises(RecipeError) as refused:
        load_recipe(name, tmp_path, settings)
    return list(refused.value.problems)


def test_every_recipe_on_disk_is_valid_and_has_its_readme(tmp_path):
    papers = ["fair", "mentor-kd", "quickstart", "tailored", "tinyllm"]
    assert set(NAMES) == {*papers, "answers-only", "single-teacher", "step-by-step"}
    index = (packaged_dir("recipes") / "README.md").read_text()
    for name in NAMES:
        recipe = load_recipe(name, tmp_path)
        readme = packaged_dir("recipes") / name / "README.md"
        assert recipe.name == name and recipe.paper.startswith("arXiv ") and recipe.summary
        assert readme.is_file() and recipe.paper.removeprefix("arXiv ") in readme.read_text()
        assert f"[{name}]({name}/README.md)" in index


SOURCE = re.compile(r"\[(paper|code|ours|fair)\]|the same as before")


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_recipe_says_where_it_comes_from(name):
    above = ""
    for line in (packaged_dir("recipes") / name / "recipe.toml").read_text().splitlines():
        value = line.partition("=")[2].partition("#")[0]
        if re.search(r"\d", re.sub(r'"[^"]*"', "", value)):
            assert SOURCE.search(line) or SOURCE.search(above), line
        above = f"{above} {line}" if line.startswith("#") else ""


@pytest.mark.parametrize("name", NAMES)
def test_every_readme_says_what_differs(name):
    text = (packaged_dir("recipes") / name / "README.md").read_text()
    assert re.search(r"^## What differs.*\n+\| here \|", text, re.M)


def test_rounds_repeat_the_middle_section_only(tmp_path):
    steps = [(n, s.id) for n, s in fair(tmp_path, "rounds=2").steps()]
    assert steps[0] == (0, "before") and steps[-1] == (3, "after")
    assert [n for n, i in steps if i == "train"] == [1, 2]


def test_all_errors_come_at_once_with_the_nearest_name(tmp_path):
    found = problems(tmp_path, "review.acept=1", "train.epochs=0", "exam.split=tran", "rounds=0")
    assert len(found) == 4
    assert any("did you mean 'accept'" in p and p.startswith("review.acept") for p in found)
    assert any(p.startswith("train.epochs") for p in found)
    assert any(p.startswith("exam.split") for p in found)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("select.per_question.feedback=0", "no earlier select makes lessons of kind 'feedback'"),
        ("exam.enabled=false", "mistakes come from an exam on the train split"),
        ("inquire.input=nowhere", "no earlier step is called 'nowhere'"),
        ("inquire.input=before", "mistakes come from an exam on the train split"),
        ("inquire.write={}", "nothing to write"),
        ("train.input=exam", "'exam' is of stage exam, not select"),
    ],
)
def test_a_step_that_needs_what_no_earlier_step_makes_is_refused(tmp_path, setting, says):
    assert any(says in p for p in problems(tmp_path, setting))


def test_a_missing_prompt_is_named():
    data = tomllib.loads((packaged_dir("recipes") / "fair" / "recipe.toml").read_text())
    with pytest.raises(RecipeError) as refused:
        parse_recipe(data, {})
    assert "prompts/review-feedback.md is missing" in refused.value.problems


def test_set_reads_values_as_toml_and_keeps_plain_words(tmp_path):
    recipe = fair(
        tmp_path, 'review.of=["rationale"]', "review.mode=direct", "train.learning_rate=1e-3"
    )
    review = next(s for _, s in recipe.steps() if s.id == "review")
    assert review.of == ("rationale",) and review.mode == "direct"


def test_a_term_of_a_loss_goes_by_its_name_a_ce_term_by_its_kind(tmp_path):
    recipe = fair(tmp_path, "train.loss.feedback.weight=0.2", "train.loss.rationale.weight=0.8")
    train = next(s for _, s in recipe.steps() if s.id == "train")
    assert [(t.kind, t.weight) for t in train.loss] == [("feedback", 0.2), ("rationale", 0.8)]
    with pytest.raises(RecipeError, match="names no key of a term") as refused:
        fair(tmp_path, "train.loss.feedbak.weight=0")
    assert "did you mean 'feedback'?" in refused.value.hint


def test_steps_that_are_off_are_named_when_nothing_else_is_left_to_read(tmp_path):
    assert problems(tmp_path, "teach.enabled=false", name="single-teacher") == [
        "check: a review step needs an earlier inquire step, and there is none"]  # fmt: skip
    assert problems(tmp_path, "mentor-lessons.enabled=false", name="mentor-kd") == [
        "mentor.input: mentor-lessons is switched off",
        "mentor: a train step needs an earlier select step, and there is none"]  # fmt: skip


@pytest.mark.parametrize("setting", ["rounds", "=3", "nostep.key=1", "review..x=1"])
def test_a_setting_that_is_none_is_refused(setting):
    data = tomllib.loads((packaged_dir("recipes") / "fair" / "recipe.toml").read_text())
    with pytest.raises(RecipeError):
        apply_setting(data, setting)


def test_the_workspaces_copy_hides_the_packaged_one(tmp_path):
    folder = copy_recipe("fair", "fair", tmp_path)
    toml = folder / "recipe.toml"
    toml.write_text(toml.read_text().replace("rounds  = 1", "rounds  = 3"))
    assert recipe_folders(tmp_path)["fair"] == folder
    assert fair(tmp_path).rounds == 3
    with pytest.raises(RecipeError, match="exists already"):
        copy_recipe("fair", "fair", tmp_path)


def test_a_copy_has_its_new_name(tmp_path):
    copy_recipe("fair", "mine", tmp_path)
    assert load_recipe("mine", tmp_path).name == "mine"
    assert [p.name for p in (tmp_path / "recipes").iterdir()] == ["mine"]


RENAMED = [
    ("defaults.train=4", "defaults.train", "defaults.train_limit"),
    ("defaults.test=4", "defaults.test", "defaults.test_limit"),
    ("train.adapter.kind=lora", "train.adapter.kind", "train.adapter.method"),
    ('train.adapter={kind="lora"}', "train.adapter.kind", "train.adapter.method"),
]


@pytest.mark.parametrize(("setting", "old", "new"), RENAMED)
def test_an_old_key_is_refused_with_its_new_name_as_the_hint(tmp_path, setting, old, new):
    with pytest.raises(RecipeError) as refused:
        fair(tmp_path, setting)
    assert refused.value.problems == (f"{old}: this key is called {new} now",)
    assert refused.value.hint == f"write {new} instead of {old}"


def test_an_old_key_in_a_recipe_file_is_refused_with_everything_else(tmp_path):
    toml = copy_recipe("quickstart", "mine", tmp_path) / "recipe.toml"
    text = toml.read_text().replace("train_limit", "train").replace("method =", "kind =")
    toml.write_text(text)
    assert problems(tmp_path, "train.epochs=0", name="mine") == [
        "defaults.train: this key is called defaults.train_limit now",
        "train.adapter.kind: this key is called train.adapter.method now",
        "train.epochs: input should be greater than or equal to 1",
    ]


def test_the_recipe_of_an_old_run_is_read_under_its_old_keys(tmp_path):
    recipe = load_recipe("quickstart", tmp_path, ("train.adapter.method=lora",))
    recorded = recipe.model_dump(mode="json")
    defaults = recorded["defaults"]
    defaults["train"] = defaults.pop("train_limit")
    defaults["test"] = defaults.pop("test_limit")
    for step in recorded["round"]:
        if step["stage"] == "train":
            step["adapter"]["kind"] = step["adapter"].pop("method")
    assert recorded_recipe(json.dumps(recorded)) == recipe
    assert recorded_recipe(json.dumps(recipe.model_dump(mode="json"))) == recipe
