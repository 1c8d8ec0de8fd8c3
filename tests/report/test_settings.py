"""What two runs were told differently, by the names that `--set` has for it."""

from localfair.report.settings import Setting, differences, flat_recipe

RECIPE = {
    "name": "fair",
    "summary": "words",
    "defaults": {"task": "t"},
    "rounds": 1,
    "round": [{"id": "train", "stage": "train", "epochs": 2, "adapter": {"rank": 16}}],
    "prompts": {"ask": "Think."},
}


def test_a_recipe_goes_by_its_steps_ids_and_not_by_its_words():
    assert flat_recipe(RECIPE) == {
        "name": '"fair"',
        "rounds": "1",
        "train.stage": '"train"',
        "train.epochs": "2",
        "train.adapter.rank": "16",
        "prompts.ask": '"Think."',
    }


def test_equal_settings_are_no_difference_and_one_sided_ones_are():
    first = {"a": "1", "b": "2", "c": "3"}
    second = {"a": "1", "b": "4", "d": "5"}
    assert differences(first, second) == [
        Setting("b", "2", "4"),
        Setting("c", "3", None),
        Setting("d", None, "5"),
    ]


def test_a_prompt_is_not_printed_whole():
    [setting] = differences({"prompts.ask": '"Think."'}, {"prompts.ask": '"Think hard."'})
    assert (setting.first, setting.second) == ("a text of 6 letters", "a text of 11 letters")
