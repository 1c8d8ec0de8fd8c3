"""The best epoch is chosen on dev, recorded, and chosen again without asking anybody."""

import json
from pathlib import Path

import pytest

from localfair.errors import TaskError
from localfair.machine.files import sha256_file

BEST = ("train.best_epoch={}", "train.epochs=3", "train.best_epoch.sampling.max_tokens=8")


def adapter(lab, run):
    return lab.rows("SELECT * FROM adapters WHERE id = ?", run["adapter"]["id"])[0]


def test_the_epoch_that_does_best_on_dev_is_kept_and_the_record_says_how_each_did(lab):
    found = lab.run(settings=BEST)
    (step,) = [s for s in found["steps"] if s["step"] == "train"]
    standings = json.loads(adapter(lab, found)["epochs"])
    assert [n for n, _, _ in standings] == [1, 2, 3] and {
        answers for _, _, answers in standings
    } == {1}
    right = [right for _, right, _ in standings]
    assert step["outcome"]["epoch_kept"] == 1 + right.index(max(right))
    asked = lab.rows("SELECT DISTINCT adapter FROM generations WHERE adapter LIKE '%@%'")
    assert {row["adapter"].partition("@")[2] for row in asked} == {"1", "2", "3"}


def test_the_same_command_again_asks_nobody_and_keeps_the_same_epoch(lab):
    first, second = lab.run(settings=BEST), lab.run(settings=BEST)
    assert second["backend_calls"] == second["loads"] == 0
    assert first["steps"][-2]["outcome"] == second["steps"][-2]["outcome"]
    assert first["after"] == second["after"]


def test_what_is_kept_is_that_epochs_adapter_and_the_others_are_gone(lab, monkeypatch):
    from localfair.stages import epochs

    kept, copy = {}, epochs.shutil.copyfile
    monkeypatch.setattr(epochs, "best", lambda standings: standings[1])

    def copied(source, target):
        kept["sha256"] = sha256_file(source)
        return copy(source, target)

    monkeypatch.setattr(epochs.shutil, "copyfile", copied)
    row = adapter(lab, lab.run(settings=BEST))
    folder = Path(lab.db).parent / row["path"]
    assert row["sha256"] == kept["sha256"] == sha256_file(folder / "adapter_model.safetensors")
    assert not (folder / "epochs").exists()


def test_another_adapter_is_trained_than_without(lab):
    plain, chosen = lab.run(settings=("train.epochs=3",)), lab.run(settings=BEST)
    assert plain["adapter"]["id"] != chosen["adapter"]["id"]


def test_without_a_dev_split_it_is_refused_before_anything_is_asked(lab):
    rows = [line for line in lab.data.read_text().splitlines() if '"dev"' not in line][
        :2
    ]  # too few to carve one from
    lab.data.write_text("\n".join(rows) + "\n")
    with pytest.raises(TaskError, match="no dev questions, and train needs them"):
        lab.run(settings=(*BEST, "before.enabled=false", "after.enabled=false"))
