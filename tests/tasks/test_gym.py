"""Generated questions become a table: what cannot be graded is left out, or the generator refused."""

import random
import sys
from types import ModuleType

import pytest

from localfair.errors import BadDataset, MissingDependency, UsageError
from localfair.tasks.gym import generated

GRID = "1 2\n3 4"


def entries(name, size, seed):
    """What a generator of each name makes."""
    draw = random.Random(seed)
    for number in range(size):
        question = f"{name} {number}: {draw.random()}?"
        if name == "broken":
            raise RuntimeError("out of\nluck")
        if name == "grids" or (name == "mixed" and number % 4 == 0):
            yield {"question": question, "answer": GRID, "metadata": {}}
        elif name == "words":
            yield {"question": question, "answer": "yes" if number % 2 else None, "metadata": {}}
        else:
            yield {"question": question, "answer": str(number), "metadata": {}}


@pytest.fixture(autouse=True)
def gym(monkeypatch):
    """A package of the same form, whose generators are known."""
    package = ModuleType("reasoning_gym")
    package.create_dataset = entries
    factory = ModuleType("reasoning_gym.factory")
    factory.DATASETS = dict.fromkeys(["sums", "grids", "mixed", "words", "broken"])
    monkeypatch.setitem(sys.modules, "reasoning_gym", package)
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", factory)


def test_a_generator_is_a_task_in_three_splits_and_the_seed_decides_it():
    first = generated("sums", "mine", size=60, seed=1)
    assert {question.split for question in first.questions} == {"train", "dev", "test"}
    assert {question.task for question in first.questions} == {"mine"}
    assert first.notes == ("answers: 60 numbers",)
    assert first.licence == "Apache-2.0"
    assert generated("sums", "mine", size=60, seed=1).questions == first.questions
    assert generated("sums", "mine", size=60, seed=2).questions != first.questions


def test_questions_that_cannot_be_graded_are_left_out_and_counted():
    dataset = generated("mixed", "mine", size=20, seed=0)
    assert len(dataset.questions) == 15
    assert dataset.skipped_told.startswith("left out 5 of 20 questions")


@pytest.mark.parametrize(
    ("name", "error", "problem"),
    [
        ("grids", BadDataset, "20 of 20 answers cannot be graded"),
        ("broken", BadDataset, "failed: out of luck"),
        ("sumz", UsageError, "no generator 'sumz'"),
    ],
)
def test_what_makes_no_task_is_refused(name, error, problem):
    with pytest.raises(error, match=problem):
        generated(name, "mine", size=20, seed=0)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", None)
    with pytest.raises(MissingDependency, match="reasoning-gym"):
        generated("sums", "mine", size=2, seed=0)


def test_the_processes_own_draws_go_on_as_if_nothing_had_been_made():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    generated("sums", "mine", size=3, seed=9)
    assert random.random() == expected
