"""The best epoch is chosen on dev, recorded, and chosen again without asking anybody."""

import json
from collections import Counter
from pathlib import Path

import pytest

from localfair.errors import TaskError
from localfair.machine.files import sha256_file
from localfair.pipeline.plan import plan
from localfair.pipeline.runs import do
from localfair.recipe.rounds import best
from localfair.stages.epochs import WEIGHTS, epoch_folder, keep_best, keep_epoch
from tests.lab import item, quiet, script
from tests.pipeline.test_recipes_run import small

BEST = ("train.best_epoch={}", "train.epochs=3", "train.best_epoch.sampling.max_tokens=8")
# each epoch is an adapter of its own, and so draws its own of these replies
WAVERING = r"""
[[rule]]
when = '.*code of item (\d+)'
replies = ['The answer is \1.', 'The answer is 1.']
"""
ADAPTER = "b2:3"  # its epochs draw replies of which those of the second are best


def adapter(lab, found):
    return lab.rows("SELECT * FROM adapters WHERE id = ?", found["adapter"]["id"])[0]


def write_epochs(folder, count):
    """What a training leaves: each epoch's weights, and the last one's in the folder itself."""
    for epoch in range(1, count + 1):
        epoch_folder(folder, epoch).mkdir(parents=True)
        (epoch_folder(folder, epoch) / WEIGHTS).write_text(f"epoch {epoch}")
    (folder / WEIGHTS).write_text(f"epoch {count}")


def wavering_exams(lab, folder, settings=BEST, trained=None):
    """Three epochs of a wavering student examined on 12 dev questions: 5, 7, 6 are right."""
    questions = [item(number, "dev") for number in range(100, 112)]
    lab.write_questions([item(1, "train"), item(2, "test"), *questions])
    student = script(lab.folder, "wavering", WAVERING)
    warm = (*settings, "train.best_epoch.sampling.temperature=0.7")
    (step,) = [each for _, each in lab.order(settings=warm).recipe.steps() if each.id == "train"]
    standings = []

    def examine(work, _):
        standings.extend(keep_best(work, step, ADAPTER, folder, trained))
        return {}

    with lab.at("before", settings=warm, student=student) as (work, before):
        do(work, before, examine, quiet)
    return standings


def test_the_epoch_that_does_best_on_dev_is_kept_and_the_record_says_how_each_did(lab):
    found = lab.run(settings=BEST)
    (step,) = [step for step in found["steps"] if step["step"] == "train"]
    standings = json.loads(adapter(lab, found)["epochs"])
    assert [epoch for epoch, _, _ in standings] == [1, 2, 3]
    assert {answers for _, _, answers in standings} == {1}
    right = [right for _, right, _ in standings]
    assert step["outcome"]["epoch_kept"] == 1 + right.index(max(right))
    asked = lab.column("SELECT DISTINCT adapter FROM generations WHERE adapter LIKE '%@%'")
    assert sorted(adapter[-2:] for adapter in asked) == ["@1", "@2", "@3"]


def test_the_same_command_again_asks_nobody_and_keeps_the_same_epoch(lab):
    first = lab.run(settings=BEST)
    second = lab.run(settings=BEST)
    assert second["backend_calls"] == second["loads"] == 0
    assert first["steps"][-2]["outcome"] == second["steps"][-2]["outcome"]
    assert first["after"] == second["after"]


def test_what_is_kept_is_that_epochs_adapter_and_the_others_are_gone(lab):
    found = lab.run(settings=BEST)
    kept = found["steps"][-2]["outcome"]["epoch_kept"]
    row = adapter(lab, found)
    folder = Path(lab.db).parent / row["path"]
    # as many epochs alone, at a constant learning rate, make the very same weights
    alone = adapter(lab, lab.run(settings=(f"train.epochs={kept}",)))
    assert row["sha256"] == alone["sha256"] == sha256_file(folder / WEIGHTS)
    assert not (folder / "epochs").exists()


def test_an_epochs_weights_take_the_place_of_the_last_ones(tmp_path):
    write_epochs(tmp_path, 3)
    keep_epoch(tmp_path, 2)
    assert (tmp_path / WEIGHTS).read_text() == "epoch 2"
    assert sorted(path.name for path in tmp_path.iterdir()) == [WEIGHTS, "epochs"]
    assert (epoch_folder(tmp_path, 2) / WEIGHTS).read_text() == "epoch 2"


def test_of_epochs_that_differ_on_dev_the_best_ones_weights_are_kept(lab, tmp_path):
    folder = tmp_path / "adapter"
    write_epochs(folder, 3)
    standings = wavering_exams(lab, folder)
    assert [standing.right for standing in standings] == [5, 7, 6]
    assert best(standings).round == 2
    assert (folder / WEIGHTS).read_text() == "epoch 2"


def test_every_epoch_is_examined_on_all_of_dev_and_never_on_test(lab, tmp_path):
    write_epochs(tmp_path / "adapter", 3)
    standings = wavering_exams(lab, tmp_path / "adapter")
    assert [(each.round, each.answers) for each in standings] == [(1, 12), (2, 12), (3, 12)]
    epochs = [f"{ADAPTER}@{epoch}" for epoch in (1, 2, 3)]
    assert [each.adapter for each in standings] == epochs
    asked = lab.column("SELECT adapter FROM generations WHERE adapter <> ''")
    assert Counter(asked) == dict.fromkeys(epochs, 12)
    on_test = "SELECT id FROM generations WHERE adapter <> '' AND messages LIKE '%item 2?%'"
    assert lab.column(on_test) == []


def test_of_a_short_list_only_those_epochs_sit_the_exam(lab):
    settings = (*BEST, "train.best_epoch.epochs=[3, 1]")
    assert (
        sum(line.more for line in plan(lab.order(settings=BEST)).lines if line.step == "train") == 3
    )
    assert (
        sum(line.more for line in plan(lab.order(settings=settings)).lines if line.step == "train")
        == 2
    )
    found = lab.run(settings=settings)
    assert [epoch for epoch, _, _ in json.loads(adapter(lab, found)["epochs"])] == [1, 3]
    assert lab.run(settings=settings)["calls"] == 0
    assert lab.run(settings=BEST)["adapter"]["id"] != found["adapter"]["id"]


def test_any_recipe_chooses_its_epochs_by_one_setting(lab):
    settings = (*small("single-teacher", lab.folder), "train.epochs=4")
    choose = "train.best_epoch={ epochs = [2, 4], sampling = { max_tokens = 8 } }"
    found = lab.run("single-teacher", settings=(*settings, choose))
    assert [epoch for epoch, _, _ in json.loads(adapter(lab, found)["epochs"])] == [2, 4]


@pytest.mark.parametrize(("listed", "sat"), [("[2, 5]", [2]), ("[5]", [3]), ("[]", [1, 2, 3])])
def test_where_training_ended_sooner_the_epochs_that_there_are_sit_it(lab, tmp_path, listed, sat):
    write_epochs(tmp_path / "adapter", 3)
    settings = (*BEST, "train.epochs=6", f"train.best_epoch.epochs={listed}")
    standings = wavering_exams(lab, tmp_path / "adapter", settings, trained=3)
    assert [standing.round for standing in standings] == sat


def test_another_adapter_is_trained_than_without(lab):
    plain = lab.run(settings=("train.epochs=3",))
    chosen = lab.run(settings=BEST)
    assert plain["adapter"]["id"] != chosen["adapter"]["id"]


def test_without_a_dev_split_it_is_refused_before_anything_is_asked(lab):
    lab.write_questions([item(4011, "train"), item(4012, "test")])  # too few to carve one from
    without_exams = ("before.enabled=false", "after.enabled=false")
    with pytest.raises(TaskError, match="no dev questions, and train needs them"):
        lab.run(settings=(*BEST, *without_exams))
