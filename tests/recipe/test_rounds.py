"""Tailored learning in rounds: what each goes on from, when they end, and who sits the last exam."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.errors import TrainingError
from localfair.recipe.load import load_recipe
from localfair.recipe.rounds import Rounds, Standing, best, stalled
from localfair.record.nouns import Message

QUICK = (
    "defaults.train_limit=3",
    "train.epochs=1",
    "train.learning_rate=1e-3",
    "train.adapter.rank=4",
    "train.checkpoint_every=1000",
    "exam.samples=2",
    "before.sampling.max_tokens=8",
    "exam.sampling.max_tokens=8",
    "dev.sampling.max_tokens=8",
    "after.sampling.max_tokens=8",
)
TWO_ROUNDS = ("early_stop.patience=9", "rounds=2")
# one teacher that always uses the same words
KNOWS = r"""
[[rule]]
when = "code of item (\\d+)"
replies = ["The answer is \\1."]
"""
SILENT = """
[[rule]]
when = ""
replies = ["I cannot tell."]
"""
# the adapters of the student that answered in a step
SEATED = """
SELECT DISTINCT s.adapter FROM run_rows r JOIN answers a ON a.id = r.row JOIN seats s ON s.id = a.seat
WHERE r.noun = 'answer' AND r.position = ?
"""


def run(lab, *settings, **options):
    return lab.run("tailored", settings=(*QUICK, *settings), **options)


def script(lab, name, text):
    path = lab.folder / f"{name}.script.toml"
    path.write_text(text)
    return str(path)


def train_steps(findings):
    return [step for step in findings["steps"] if step["stage"] == "train"]


# -- standings ------------------------------------------------------------------------------------


def standings(*right):
    """Standings of rounds 1, 2, ... with that many right answers of ten."""
    return [Standing(number, count, 10, f"a{number}") for number, count in enumerate(right, 1)]


@pytest.mark.parametrize(
    ("right", "patience", "over"),
    [
        ([], 1, False),
        ([3], 1, False),
        ([3, 4], 1, False),
        ([3, 3], 1, True),
        ([4, 3], 2, False),
        ([4, 3, 4], 2, True),
    ],
)
def test_rounds_stall_when_none_of_the_last_is_better_than_one_before(right, patience, over):
    assert stalled(standings(*right), patience) == over


def test_of_equal_rounds_the_first_is_the_best():
    assert best(standings(3, 4, 4)).round == 2


def test_a_round_without_answers_has_no_accuracy():
    assert Standing(1, 0, 0, "").accuracy == 0


# -- rounds, told of outcomes ---------------------------------------------------------------------


@pytest.fixture
def tailored(tmp_path):
    return load_recipe("tailored", tmp_path)


def tell_round(rounds, number, *, trained, right):
    """Tell of every step of a round; what is said at its end."""
    outcomes = {
        "train": {"trained": trained},
        "dev": {"right": right, "answers": 10},
    }
    said = ""
    for step in rounds.recipe.round:
        said = rounds.saw(number, step, outcomes.get(step.id, {}), f"adapter-{number}")
    return said


def test_rounds_go_on_while_dev_gets_better(tailored):
    rounds = Rounds(tailored)
    assert tell_round(rounds, 1, trained=5, right=3) == ""
    assert tell_round(rounds, 2, trained=5, right=4) == ""
    assert not rounds.skips(3)


def test_a_round_that_is_no_better_is_the_last_and_the_best_goes_on(tailored):
    rounds = Rounds(tailored)
    tell_round(rounds, 1, trained=5, right=4)
    said = tell_round(rounds, 2, trained=5, right=4)
    assert said == "round 2: dev was best in round 1 (4 of 10 right); the rounds end here"
    assert rounds.skips(3)
    assert not rounds.skips(4)  # what comes after the rounds
    assert rounds.chosen(4).adapter == "adapter-1"
    assert rounds.chosen(3) is None


def test_a_round_without_lessons_is_the_last(tailored):
    rounds = Rounds(tailored)
    said = tell_round(rounds, 1, trained=0, right=4)
    assert said == "round 1: no lessons were left to learn from; the rounds end here"


def test_the_last_round_does_not_say_that_rounds_end(tailored):
    rounds = Rounds(tailored.model_copy(update={"rounds": 1}))
    assert (
        tell_round(rounds, 1, trained=0, right=4) == "round 1: no lessons were left to learn from"
    )


# -- whole runs -----------------------------------------------------------------------------------


def test_each_round_goes_on_from_the_last_and_the_same_command_asks_nobody(lab):
    first = run(lab, *TWO_ROUNDS)
    again = run(lab, *TWO_ROUNDS)
    assert first["status"] == "done"
    assert [step["step"] for step in first["steps"]][:3] == ["before", "exam", "inquire"]
    assert len(train_steps(first)) == 2
    assert all(step["outcome"]["triplets"] > 0 for step in train_steps(first))
    one, two = lab.rows("SELECT id, parent FROM adapters ORDER BY created")
    assert one["parent"] is None
    assert two["parent"] == one["id"]
    assert again["calls"] == again["loads"] == 0
    assert again["after"] == first["after"]


def test_an_adapter_keeps_the_weights_of_its_loss(lab):
    run(lab, "rounds=1")
    [adapter] = lab.rows("SELECT settings FROM adapters")
    settings = json.loads(adapter["settings"])
    assert settings["terms"] == [["lm", 1.0], ["triplet", 0.5]]
    assert settings["prompt_weight"] == 0.1


def test_rounds_end_when_dev_stops_improving_and_the_best_rounds_student_sits_the_last_exam(lab):
    first = run(lab)
    again = run(lab)
    assert len(train_steps(first)) == 2  # of three: the second was no better than the first
    [news] = {line for line in lab.lines if "the rounds end here" in line}
    assert "best in round 1" in news
    [adapter, _] = lab.rows("SELECT id FROM adapters ORDER BY created")
    [last] = lab.rows("SELECT MAX(position) AS position FROM run_steps")
    assert lab.rows(SEATED, last["position"]) == [{"adapter": adapter["id"]}]
    assert again["calls"] == 0
    assert [step["step"] for step in again["steps"]] == [step["step"] for step in first["steps"]]


def test_rounds_without_a_lesson_end_well_and_say_so(lab):
    # no rationale reaches the gold answer
    findings = run(lab, teachers=(script(lab, "silent", SILENT),))
    assert findings["status"] == "done"
    assert findings["adapter"] is None
    assert len(train_steps(findings)) == 1
    assert "round 1: no lessons were left to learn from; the rounds end here" in lab.lines
    assert findings["change"]["difference"] == 0


def test_a_lesson_without_another_rationale_has_no_triplet_and_is_learned_all_the_same(lab):
    findings = run(lab, "rounds=1", teachers=(script(lab, "knows", KNOWS),))
    [train] = train_steps(findings)
    assert train["outcome"]["triplets"] == 0
    assert train["outcome"]["trained"] > 0


def test_an_adapter_that_another_goes_on_from_can_be_trained_again(lab):
    first = run(lab, *TWO_ROUNDS)
    [parent] = lab.rows("SELECT path FROM adapters WHERE parent IS NULL")
    weights = lab.folder / parent["path"] / "adapter_model.safetensors"
    weights.unlink()
    again = run(lab, *TWO_ROUNDS)
    assert again["adapter"]["id"] == first["adapter"]["id"]
    assert weights.exists()


def test_going_on_from_an_adapter_of_another_rank_is_refused(lab):
    from localfair.training.encode import encode
    from localfair.training.qlora import TrainSettings, train
    from localfair.training.trainer import Example
    from tests import tiny

    lesson = Example(encode(tiny.tokenizer(), (Message("user", "?"),), "60", 64), "rationale")
    settings = TrainSettings(terms=(("rationale", 1.0),), rank=4, quantise="none", compute="fp32")
    parent = lab.folder / "one"
    train(Path(lab.student), [lesson], parent, settings)
    with pytest.raises(TrainingError, match="rank 4"):
        other = replace(settings, rank=8)
        train(Path(lab.student), [lesson], lab.folder / "two", other, start=parent)
