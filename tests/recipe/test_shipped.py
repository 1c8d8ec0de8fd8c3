"""The recipes that ship: each is valid, each number says where it comes from, each page says what
differs.
"""

import re

import pytest

from localfair.machine.workspace import packaged_dir
from localfair.recipe.load import load_recipe

FOLDER = packaged_dir("recipes")
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/recipe.toml"))
PAPERS = {"fair", "mentor-kd", "tailored", "tinyllm"}
BASELINES = {"answers-only", "single-teacher", "single-teacher-own", "step-by-step"}
MAKE_TEACHERS = {"specialist"}
OURS = {"committee", "quickstart"}
SOURCE = re.compile(
    r"\[(paper|code|ours|fair|single-teacher|single-teacher-own|committee)\]|the same as before"
)


def page(name):
    return (FOLDER / name / "README.md").read_text()


def test_every_recipe_on_disk_was_seen():
    assert set(NAMES) == PAPERS | BASELINES | MAKE_TEACHERS | OURS


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_is_valid_and_names_its_paper(name, tmp_path):
    recipe = load_recipe(name, tmp_path)
    assert recipe.name == name
    assert recipe.summary
    assert recipe.paper.startswith("arXiv ")
    assert recipe.paper.removeprefix("arXiv ") in page(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_stands_in_the_index(name):
    assert f"[{name}]({name}/README.md)" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_recipe_says_where_it_comes_from(name):
    comment = ""  # the lines of the comment above
    for line in (FOLDER / name / "recipe.toml").read_text().splitlines():
        if has_number(line):
            assert SOURCE.search(line) or SOURCE.search(comment), line
        comment = f"{comment} {line}" if line.startswith("#") else ""


def has_number(line):
    """Whether the value of a TOML line holds a digit outside its texts."""
    value = line.partition("=")[2].partition("#")[0]
    without_texts = re.sub(r'"[^"]*"', "", value)
    return re.search(r"\d", without_texts) is not None


@pytest.mark.parametrize("name", NAMES)
def test_every_page_says_what_differs(name):
    assert re.search(r"^## What differs.*\n+\| here \|", page(name), re.M)
