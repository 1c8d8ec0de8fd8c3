"""Training ends with the epoch after which enough of the lessons is predicted right, also after a
kill.
"""

import json
import shutil
from dataclasses import replace

import pytest

from localfair.training.checkpoints import RECORD, predicted_after_epochs
from localfair.training.qlora import train
from tests.training.settings import SETTINGS, distance, weights
from tests.training.test_resume import interrupted, killed

STEPS = 4  # of an epoch of sixteen lessons in fours
MANY = replace(SETTINGS, batch_size=4, dropout=0.1, epochs=8, checkpoint_every=1)


@pytest.fixture(scope="module")
def shares(base, lessons, tmp_path_factory):
    """What is predicted after each of eight epochs, where none is enough."""
    out = tmp_path_factory.mktemp("all")
    result = train(base, lessons, out, replace(MANY, until=1.0))
    return result.predicted


def enough_after(shares, epoch):
    """A share that is first reached after an epoch."""
    assert shares[epoch - 1] > max(shares[: epoch - 1], default=0)
    return shares[epoch - 1]


def test_without_enough_all_epochs_are_trained(shares):
    assert len(shares) == 8
    assert 0 < shares[0] < shares[-1] < 1


def test_training_ends_with_the_first_epoch_that_is_enough(base, lessons, tmp_path, shares):
    settings = replace(MANY, until=enough_after(shares, 3))
    result = train(base, lessons, tmp_path / "until", settings)
    assert result.predicted == shares[:3]
    assert result.steps == 3 * STEPS
    assert predicted_after_epochs(tmp_path / "until") == shares[:3]


def test_to_look_changes_no_weight(base, lessons, tmp_path, shares):
    short = replace(MANY, epochs=2)  # at a constant rate the first epochs are the same
    train(base, lessons, tmp_path / "plain", short)
    train(base, lessons, tmp_path / "looked", replace(short, until=1.0))
    assert distance(weights(tmp_path / "plain"), weights(tmp_path / "looked")) == 0


@pytest.mark.parametrize("stops_at", [3, STEPS + 1, STEPS + 2])
def test_after_a_kill_it_ends_with_the_same_epoch_and_weights(
    forking, base, lessons, tmp_path, shares, stops_at
):
    settings = replace(MANY, until=enough_after(shares, 2))
    whole = train(base, lessons, tmp_path / "whole", settings)
    if stops_at == 3:
        killed(forking, base, lessons, tmp_path / "cut", settings, stops_at)
    else:
        interrupted(base, lessons, tmp_path / "cut", settings, stops_at)
    resumed = train(base, lessons, tmp_path / "cut", settings)
    assert (resumed.predicted, resumed.curve) == (whole.predicted, whole.curve)
    assert distance(weights(tmp_path / "whole"), weights(tmp_path / "cut")) == 0


def test_killed_when_enough_was_just_learned_it_trains_no_further(base, lessons, tmp_path, shares):
    enough = replace(MANY, until=enough_after(shares, 1))
    whole = train(base, lessons, tmp_path / "whole", enough)
    # one step into the second epoch: the last checkpoint is that of the first one's end
    cut = tmp_path / "cut"
    interrupted(base, lessons, cut, replace(MANY, until=1.0), STEPS + 1)
    own = json.loads((tmp_path / "whole" / RECORD).read_text())["id"]
    record = json.loads((cut / RECORD).read_text())
    (cut / RECORD).write_text(json.dumps(record | {"id": own}))
    steps = []
    resumed = train(base, lessons, cut, enough, steps.append)
    assert steps == []
    assert (resumed.predicted, resumed.curve) == (whole.predicted, whole.curve)
    assert distance(weights(tmp_path / "whole"), weights(cut)) == 0


def test_a_training_without_it_has_the_id_that_it_had_before_there_was_one():
    assert SETTINGS.id == replace(SETTINGS, until=None).id != replace(SETTINGS, until=0.5).id


def test_a_folder_without_a_finished_training_says_nothing(tmp_path):
    assert predicted_after_epochs(tmp_path) == ()
    (tmp_path / RECORD).write_text('{"id": "b2:0", "seconds": 1.0}')
    assert predicted_after_epochs(tmp_path) == ()


def test_killed_at_an_epochs_end_its_adapter_is_left_all_the_same(base, lessons, tmp_path):
    settings = replace(MANY, epochs=2, keep_epochs=True)
    train(base, lessons, tmp_path / "whole", settings)
    interrupted(base, lessons, tmp_path / "cut", settings, STEPS + 1)
    shutil.rmtree(tmp_path / "cut" / "epochs")  # the kill came before it was written
    train(base, lessons, tmp_path / "cut", settings)
    for epoch in ("1", "2"):
        left = weights(tmp_path / "cut" / "epochs" / epoch)
        assert distance(left, weights(tmp_path / "whole" / "epochs" / epoch)) == 0
