"""A training on two workers of a cluster: the loop of one machine, and its curve."""

from dataclasses import replace

import pytest

from localfair.committee.residents import OneResident, Training
from localfair.committee.seating import Options, Seating
from localfair.errors import TrainingError
from localfair.models.loading import ADAPTER_FILE
from localfair.record.nouns import Message
from localfair.training.encode import encode
from localfair.training.trainer import Example
from tests import tiny
from tests.training.settings import SETTINGS, distance, losses, weights

pytestmark = pytest.mark.ray

SHORT = replace(SETTINGS, batch_size=4, epochs=1, checkpoint_every=1)


@pytest.fixture
def member(tmp_path, tiny_student):
    return Seating(tmp_path, 7, Options()).member("student", 0, str(tiny_student))


@pytest.fixture
def trainer(joined):
    from localfair.committee.ray_training import RayTrainer

    return RayTrainer(joined, 2)


def lessons():
    """Eight of uneven length, of two terms."""
    tokenizer = tiny.tokenizer()
    examples = []
    for number in range(8):
        prompt = (Message("user", f"How many pens are there in {number} boxes?"),)
        encoded = encode(tokenizer, prompt, "12 pens and " * (number % 4) + f"{number}.", 256)
        examples.append(Example(encoded, "feedback" if number % 3 == 0 else "rationale"))
    return examples


def training(folder, **changes):
    return Training(lessons=lessons(), settings=replace(SHORT, **changes), folder=folder)


def test_two_workers_have_the_curve_of_one_with_twice_the_accumulation(trainer, member, tmp_path):
    steps = []
    there = trainer.train(member, training(tmp_path / "there"), steps.append)
    halves = training(tmp_path / "here", batch_size=2, accumulation=2)
    here = OneResident().train(member, halves, lambda step: None)
    assert losses(there) == pytest.approx(losses(here), rel=1e-4)
    assert distance(weights(tmp_path / "there"), weights(tmp_path / "here")) < 1e-3
    assert [(step.step, step.steps) for step in steps] == [(1, 2), (2, 2)]
    left = sorted(path.name for path in (tmp_path / "there").iterdir())
    assert left == ["adapter_config.json", ADAPTER_FILE, "training.json"]


def test_what_a_worker_refuses_is_said_in_its_own_words(trainer, member, tmp_path):
    with pytest.raises(TrainingError, match="a batch of 3 cannot be shared by 2 processes"):
        trainer.train(member, training(tmp_path / "a", batch_size=3), lambda step: None)
