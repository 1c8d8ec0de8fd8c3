"""A scripted run of every recipe, and of some variants, leaves exactly what it left before.

The student's sentence and the teachers' scripts are fixed, so every answer, verdict, lesson and
number of calls is. How the fixtures are written anew, and when not to: `tests/frozen/__main__.py`.
"""

import pytest

from tests.frozen import student
from tests.frozen.dump import pretty
from tests.frozen.scenarios import FIXTURES, SCENARIOS, FrozenLab
from tests.pipeline.test_recipes_run import NAMES


@pytest.fixture(scope="module")
def steady_student(tmp_path_factory):
    return student.build(tmp_path_factory.mktemp("steady") / "student")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_leaves_what_it_left_before(name, tmp_path, steady_student):
    found = pretty(SCENARIOS[name](FrozenLab(tmp_path, steady_student)))
    frozen = (FIXTURES / f"{name}.json").read_text(encoding="utf-8")
    assert found.splitlines() == frozen.splitlines()


def test_every_recipe_is_frozen_and_no_fixture_is_left_over():
    assert set(NAMES) < set(SCENARIOS)
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(SCENARIOS)
