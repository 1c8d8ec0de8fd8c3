"""Names of exports carry student, recipe and run, and are plain whatever those are called."""

import pytest

from localfair.export.names import export_name, plain


def test_a_name_carries_student_recipe_and_run():
    assert export_name("smol-135m", "fair", "0a1b2c") == "smol-135m-fair-0a1b2c"


@pytest.mark.parametrize("model", ["/tmp/models/tiny.gguf", "cards/tiny.toml", "tiny.script.toml"])
def test_a_model_named_by_its_path_gives_its_files_name(model):
    assert export_name(model, "fair", "1") == "tiny-fair-1"


@pytest.mark.parametrize(
    "hostile",
    [
        "../../etc/passwd",
        "a\\b",
        ".hidden",
        "-rf",
        "a\nb",
        "`id`",
        "$(id)",
        "a b;c",
        "x\0y",
        "é|<>",
    ],
)
def test_no_name_is_a_path_a_hidden_file_or_a_part_of_a_command(hostile):
    name = plain(hostile, "student")
    assert name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert name[0] not in ".-"
    assert ".." not in name


@pytest.mark.parametrize("empty", ["", "..", "///", "中文"])
def test_what_leaves_nothing_has_another_name(empty):
    assert plain(empty, "student") == "student"


def test_a_long_name_is_cut():
    assert len(export_name("s" * 300, "r" * 300, "1" * 300)) < 200
