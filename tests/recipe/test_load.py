"""From a folder to a recipe: which folder, which settings, which names keys had once, every error
at once.
"""

import json
import os
import tomllib
from typing import get_args

import pytest

from localfair.errors import RecipeError
from localfair.machine.workspace import packaged_dir
from localfair.recipe import schema, writing
from localfair.recipe.load import (
    MOST_BYTES,
    MOST_PROMPTS,
    apply_setting,
    copy_recipe,
    find_recipe,
    load_recipe,
    recipe_folders,
    recorded_recipe,
)
from localfair.recipe.strict import Strict


def fair(tmp_path, *settings):
    return load_recipe("fair", tmp_path, settings)


def refusal(tmp_path, *settings, name="fair"):
    """The error of a recipe that is refused."""
    with pytest.raises(RecipeError) as refused:
        load_recipe(name, tmp_path, settings)
    return refused.value


def step(recipe, name):
    """The step of that id."""
    steps = {each.id: each for _, each in recipe.steps()}
    return steps[name]


def toml_of(name):
    return tomllib.loads((packaged_dir("recipes") / name / "recipe.toml").read_text())


# -- folders --------------------------------------------------------------------------------------


def test_the_workspaces_copy_hides_the_packaged_one(tmp_path):
    folder = copy_recipe("fair", "fair", tmp_path)
    toml = folder / "recipe.toml"
    toml.write_text(toml.read_text().replace("rounds  = 1", "rounds  = 3"))
    assert recipe_folders(tmp_path)["fair"] == folder
    assert fair(tmp_path).rounds == 3


def test_a_copy_is_never_written_over(tmp_path):
    copy_recipe("fair", "fair", tmp_path)
    with pytest.raises(RecipeError, match="exists already"):
        copy_recipe("fair", "fair", tmp_path)


def test_a_copy_has_its_new_name(tmp_path):
    copy_recipe("fair", "mine", tmp_path)
    assert load_recipe("mine", tmp_path).name == "mine"
    assert [path.name for path in (tmp_path / "recipes").iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["Mine", "../mine", ".mine", "my recipe"])
def test_a_name_that_is_no_plain_folder_is_refused(tmp_path, name):
    with pytest.raises(RecipeError, match="cannot name a recipe"):
        copy_recipe("fair", name, tmp_path)


def test_a_recipe_may_be_named_by_its_folder_or_its_file(tmp_path):
    folder = copy_recipe("fair", "mine", tmp_path)
    assert find_recipe(str(folder), tmp_path / "elsewhere") == folder
    assert find_recipe(str(folder / "recipe.toml"), tmp_path / "elsewhere") == folder


def test_a_byte_order_mark_is_no_part_of_a_recipe_or_its_prompts(tmp_path):
    plain = copy_recipe("fair", "mine", tmp_path)
    expected = load_recipe("mine", tmp_path)
    for path in (plain / "recipe.toml", *(plain / "prompts").iterdir()):
        text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_recipe("mine", tmp_path) == expected
    copy_recipe("mine", "copied", tmp_path)
    assert load_recipe("copied", tmp_path).name == "copied"


@pytest.mark.parametrize("name", ["recipe.toml", "prompts/ask-feedback.md"])
def test_a_file_in_another_encoding_is_named(tmp_path, name):
    path = copy_recipe("fair", "mine", tmp_path) / name
    path.write_text("schon", encoding="utf-16")
    error = refusal(tmp_path, name="mine")
    assert error.message.endswith(f"{path.name} line 1: is UTF-16 text, not UTF-8")
    assert error.hint == "save it as UTF-8"


def test_an_unknown_recipe_is_refused_with_the_nearest_name(tmp_path):
    error = refusal(tmp_path, name="fare")
    assert (error.message, error.hint) == ("unknown recipe 'fare'", "did you mean 'fair'?")


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    toml = copy_recipe("fair", "mine", tmp_path) / "recipe.toml"
    toml.write_text("rounds = ")
    assert "mine/recipe.toml is not TOML" in refusal(tmp_path, name="mine").message


# -- settings -------------------------------------------------------------------------------------


def test_set_reads_values_as_toml_and_keeps_plain_words(tmp_path):
    settings = ('review.of=["rationale"]', "review.mode=direct", "train.learning_rate=1e-3")
    recipe = fair(tmp_path, *settings)
    assert step(recipe, "review").of == ("rationale",)
    assert step(recipe, "review").mode == "direct"
    assert step(recipe, "train").learning_rate == 0.001


def test_set_reaches_the_recipes_own_keys_and_its_defaults(tmp_path):
    recipe = fair(tmp_path, "rounds=2", "defaults.train_limit=5")
    assert (recipe.rounds, recipe.defaults.train_limit) == (2, 5)


def test_a_term_of_a_loss_goes_by_its_name_a_ce_term_by_its_kind(tmp_path):
    recipe = fair(tmp_path, "train.loss.feedback.weight=0.2", "train.loss.rationale.weight=0.8")
    weights = {term.kind: term.weight for term in step(recipe, "train").loss}
    assert weights == {"feedback": 0.2, "rationale": 0.8}


def test_a_term_that_is_not_there_is_refused_with_the_nearest_one(tmp_path):
    error = refusal(tmp_path, "train.loss.feedbak.weight=0")
    assert "names no key of a term" in error.message
    assert "did you mean 'feedback'?" in error.hint


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rounds", "is not of the form step.key=value"),
        ("=3", "is not of the form step.key=value"),
        ("review..x=1", "is not of the form step.key=value"),
        ("nostep.key=1", "names no step 'nostep'"),
        ("review.mode.key=1", "'mode' has no keys of its own"),
        ("train.loss.feedback=1", "names no key of a term"),
    ],
)
def test_a_setting_of_no_key_is_refused(setting, message):
    with pytest.raises(RecipeError, match=message):
        apply_setting(toml_of("fair"), setting)


def test_settings_and_recipe_tell_their_errors_together(tmp_path):
    error = refusal(tmp_path, "nostep.key=1", "rounds=0", "train.epochs=0")
    assert error.message == "recipe 'fair' has 3 problems"
    assert error.problems[0].startswith("--set names no step 'nostep'; ")
    assert {problem.split(":")[0] for problem in error.problems[1:]} == {"rounds", "train.epochs"}


# -- keys that were renamed -----------------------------------------------------------------------

RENAMED = [
    ("defaults.train=4", "defaults.train", "defaults.train_limit"),
    ("defaults.test=4", "defaults.test", "defaults.test_limit"),
    ("train.adapter.kind=lora", "train.adapter.kind", "train.adapter.method"),
    ('train.adapter={kind="lora"}', "train.adapter.kind", "train.adapter.method"),
]


@pytest.mark.parametrize(("setting", "old", "new"), RENAMED)
def test_an_old_key_is_refused_with_its_new_name_as_the_hint(tmp_path, setting, old, new):
    error = refusal(tmp_path, setting)
    assert error.problems == (f"{old}: this key is called {new} now",)
    assert error.hint == f"write {new} instead of {old}"
    assert error.exit_code == 2


def test_an_old_key_in_a_recipe_file_is_refused_with_everything_else(tmp_path):
    toml = copy_recipe("quickstart", "mine", tmp_path) / "recipe.toml"
    toml.write_text(toml.read_text().replace("train_limit", "train").replace("method =", "kind ="))
    assert refusal(tmp_path, "train.epochs=0", name="mine").problems == (
        "defaults.train: this key is called defaults.train_limit now",
        "learn.adapter.kind: this key is called learn.adapter.method now",
        "train.adapter.kind: this key is called train.adapter.method now",
        "train.epochs: input should be greater than or equal to 1",
    )


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


def test_the_recipe_of_a_new_run_is_read_as_it_was(tmp_path):
    recipe = load_recipe("mentor-kd", tmp_path)
    assert recorded_recipe(json.dumps(recipe.model_dump(mode="json"))) == recipe


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("rounds=9999999999", "rounds: input should be less than or equal to 1000"),
        ("rounds=inf", "rounds: input should be a finite number"),
        ("train.learning_rate=inf", "train.learning_rate: input should be a finite number"),
        ("train.learning_rate=nan", "train.learning_rate: input should be a finite number"),
        ("train.learning_rate=1e300", "train.learning_rate: input should be less than"),
        ("train.epochs=9999999999", "train.epochs: input should be less than"),
        ("train.batch=2000000000", "train.batch: input should be less than"),
        ("train.adapter.rank=10000000", "train.adapter.rank: input should be less than"),
        ("exam.samples=1000000", "exam.samples: input should be less than"),
        ("exam.sampling.temperature=nan", "exam.sampling.temperature: input should be a finite"),
        ("inquire.sampling.max_tokens=99999999999", "inquire.sampling.max_tokens: input should be"),
        ("review.accept.mean_above=nan", "review.accept.mean_above: input should be a finite"),
        ("select.at_most=99999999999", "select.at_most: input should be less than"),
        (f"rounds={'9' * 5000}", "rounds: unable to parse input string as an integer"),
    ],
)
def test_every_number_is_finite_and_bounded(setting, problem, tmp_path):
    with pytest.raises(RecipeError) as refused:
        load_recipe("fair", tmp_path, [setting])
    (line,) = refused.value.problems
    assert line.startswith(problem)
    assert len(line) < 200


def bounds(model, seen=()):
    """Each field of a recipe's tables that holds a number, with whether it has a highest value."""
    for name, field in model.model_fields.items():
        kinds = {field.annotation, *get_args(field.annotation)}
        if kinds & {int, float}:
            yield (
                f"{model.__name__}.{name}",
                any(hasattr(m, "le") or hasattr(m, "lt") for m in field.metadata),
            )


def test_no_number_of_a_recipe_is_without_an_upper_bound():
    named = [*vars(schema).values(), *vars(writing).values()]
    tables = {each for each in named if isinstance(each, type) and issubclass(each, Strict)}
    numbers = dict(pair for table in tables for pair in bounds(table))
    assert len(numbers) > 25
    assert [name for name, bounded in numbers.items() if not bounded] == []


def test_a_recipe_with_a_number_of_thousands_of_digits_is_one_line(tmp_path):
    folder = tmp_path / "recipes" / "mine"
    folder.mkdir(parents=True)
    for text in (f"rounds = {'9' * 5000}", f"rounds = {'[' * 5000}"):
        (folder / "recipe.toml").write_text(text)
        with pytest.raises(RecipeError, match="is not TOML"):
            load_recipe("mine", tmp_path)


@pytest.mark.parametrize("file", ["recipe.toml", "prompts/ask-rationale.md"])
@pytest.mark.parametrize("endless", ["a pipe", "a device", "a large file"])
def test_a_file_of_a_recipe_that_never_ends_is_refused_and_not_copied(tmp_path, file, endless):
    folder = copy_recipe("fair", "mine", tmp_path)
    (folder / file).unlink()
    if endless == "a pipe":
        os.mkfifo(folder / file)
    elif endless == "a device":
        (folder / file).symlink_to("/dev/zero")
    else:
        (folder / file).write_text("#" * (MOST_BYTES + 1))
    for use in (load_recipe, lambda name, workspace: copy_recipe(name, "again", workspace)):
        with pytest.raises(RecipeError, match=r"cannot be read: it (is no|has \d)"):
            use("mine", tmp_path)
    assert not (tmp_path / "recipes" / "again").exists()


def test_a_copy_takes_the_recipes_own_files_and_follows_no_loop(tmp_path):
    folder = copy_recipe("fair", "mine", tmp_path)
    (folder / "self").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    copied = copy_recipe("mine", "again", tmp_path)
    assert sorted(path.name for path in copied.iterdir()) == ["README.md", "prompts", "recipe.toml"]


@pytest.mark.parametrize("key", [".".join("a" * 9000), "[" + ".".join("a" * 9000) + "]\nb"])
def test_a_dotted_key_of_thousands_of_parts_is_one_line(tmp_path, key):
    folder = copy_recipe("fair", "mine", tmp_path)
    text = (folder / "recipe.toml").read_text()
    (folder / "recipe.toml").write_text(f"{text}\n{key} = 1\n")
    with pytest.raises(RecipeError, match="a key has more than 32 parts"):
        load_recipe("mine", tmp_path)
    with pytest.raises(RecipeError, match="is not of the form"):
        load_recipe("fair", tmp_path, ["before." + "a." * 5000 + "b=1"])


@pytest.mark.parametrize("value", ["[" * 100 + "]" * 100, "{a=" * 100 + "1" + "}" * 100])
def test_a_table_of_a_hundred_levels_is_one_line(tmp_path, value):
    folder = copy_recipe("fair", "mine", tmp_path)
    text = (folder / "recipe.toml").read_text()
    (folder / "recipe.toml").write_text(f"deep = {value}\n{text}")
    with pytest.raises(RecipeError, match="nested more than 64 deep"):
        load_recipe("mine", tmp_path)


def test_more_prompts_than_anybody_writes_are_one_line(tmp_path):
    folder = copy_recipe("fair", "mine", tmp_path)
    for number in range(MOST_PROMPTS):
        (folder / "prompts" / f"more-{number}.md").write_text("hello")
    with pytest.raises(RecipeError, match=r"prompts holds \d+ prompts"):
        load_recipe("mine", tmp_path)
