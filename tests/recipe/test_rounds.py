"""Tailored learning whole, in rounds: what each goes on from, when they end, and who sits the last exam."""

import json
from pathlib import Path

import pytest

from localfair.recipe.rounds import Standing, best, stalled

QUICK = ("train.epochs=1", "train.learning_rate=1e-3", "train.adapter.rank=4", "train.checkpoint_every=1000",
         "exam.samples=2", *(f"{e}.sampling.max_tokens=8" for e in ("before", "exam", "dev", "after")))  # fmt: skip
KNOWS = r"""
[[rule]]
when = "code of item (\\d+)"
replies = ["The answer is \\1."]
"""


def run(lab, *settings, **options):
    return lab.run("tailored", settings=(*QUICK, *settings), **{"train_limit": 3} | options)


def steps(found, stage):
    return [s for s in found["steps"] if s["stage"] == stage]


def test_tailored_runs_in_rounds_each_from_the_last_and_again_asks_nobody(lab):
    first, again = (
        run(lab, "early_stop.patience=9", "rounds=2"),
        run(lab, "early_stop.patience=9", "rounds=2"),
    )
    assert [s["step"] for s in first["steps"]][:3] == ["before", "exam", "inquire"] and first[
        "status"
    ] == "done"
    assert len(steps(first, "train")) == 2
    one, two = lab.rows("SELECT id, parent, settings FROM adapters ORDER BY created")
    assert one["parent"] is None and two["parent"] == one["id"]
    settings = json.loads(two["settings"])
    assert settings["terms"] == [["lm", 1.0], ["triplet", 0.5]] and settings["prompt_weight"] == 0.1
    assert all(s["outcome"]["triplets"] > 0 for s in steps(first, "train"))
    assert again["backend_calls"] == again["loads"] == 0 and again["after"] == first["after"]


def test_rounds_end_when_dev_stops_improving_and_the_best_rounds_student_sits_the_last_exam(lab):
    found, again = run(lab), run(lab)
    assert len(steps(found, "train")) == 2  # of three: the second was no better than the first
    assert any("the rounds end here" in line and "best in round 1" in line for line in lab.lines)
    first_trained = lab.rows("SELECT id FROM adapters ORDER BY created LIMIT 1")[0]["id"]
    sat = "SELECT DISTINCT s.adapter FROM run_rows r JOIN answers a ON a.id = r.row JOIN seats s ON s.id = a.seat "
    last = max(r["position"] for r in lab.rows("SELECT position FROM run_steps"))
    seats = lab.rows(sat + "WHERE r.noun = 'answer' AND r.position = ?", last)
    assert [s["adapter"] for s in seats] == [first_trained]
    assert again["backend_calls"] == 0 and [s["step"] for s in again["steps"]] == [
        s["step"] for s in found["steps"]
    ]


def test_rounds_without_a_lesson_end_well_and_say_so(lab):
    silent = lab.folder / "silent.script.toml"
    silent.write_text(
        '[[rule]]\nwhen = ""\nreplies = ["I cannot tell."]\n'
    )  # no rationale reaches the gold answer
    found = run(lab, teachers=(str(silent),))
    assert (
        found["status"] == "done" and found["adapter"] is None and len(steps(found, "train")) == 1
    )
    assert "round 1: no lessons were left to learn from; the rounds end here" in lab.lines
    assert found["change"]["difference"] == 0


def test_a_lesson_without_another_rationale_has_no_triplet_and_is_learned_all_the_same(lab):
    knows = lab.folder / "knows.script.toml"
    knows.write_text(KNOWS)  # one teacher, and always the same words: nothing to be the positive
    found = run(lab, "rounds=1", teachers=(str(knows),))
    (train,) = steps(found, "train")
    assert train["outcome"]["triplets"] == 0 and train["outcome"]["trained"] > 0


def test_an_adapter_that_another_goes_on_from_can_be_trained_again(lab):
    first = run(lab, "early_stop.patience=9", "rounds=2")
    parent = lab.rows("SELECT path FROM adapters WHERE parent IS NULL")[0]["path"]
    (lab.folder / parent / "adapter_model.safetensors").unlink()
    again = run(lab, "early_stop.patience=9", "rounds=2")
    assert (
        again["adapter"]["id"] == first["adapter"]["id"]
        and (lab.folder / parent / "adapter_config.json").exists()
    )


def test_going_on_from_an_adapter_of_another_rank_is_refused(lab):
    from localfair.errors import TrainingError
    from localfair.record.nouns import Message
    from localfair.training.encode import encode
    from localfair.training.qlora import TrainSettings, train
    from localfair.training.trainer import Example
    from tests import tiny

    lesson = Example(encode(tiny.tokenizer(), (Message("user", "?"),), "60", 64), "rationale")
    settings = TrainSettings(terms=(("rationale", 1.0),), rank=4, quantise="none", compute="fp32")
    train(Path(lab.student), [lesson], lab.folder / "one", settings)
    with pytest.raises(TrainingError, match="rank 4"):
        train(Path(lab.student), [lesson], lab.folder / "two", TrainSettings(terms=settings.terms, rank=8),
              start=lab.folder / "one")  # fmt: skip


@pytest.mark.parametrize(
    ("right", "patience", "over"),
    [
        ([3], 1, False),
        ([3, 4], 1, False),
        ([3, 3], 1, True),
        ([4, 3], 2, False),
        ([4, 3, 4], 2, True),
    ],
)
def test_rounds_stall_when_none_of_the_last_is_better_than_one_before(right, patience, over):
    standings = [Standing(n, r, 10, f"a{n}") for n, r in enumerate(right, 1)]
    assert stalled(standings, patience) == over
    assert best(standings).round == right.index(max(right)) + 1


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        ('[{ term = "triplet", weight = 0.5 }]', "name either ce terms or one lm term"),
        (
            '[{ term = "lm" }, { term = "ce", kind = "rationale" }]',
            "name either ce terms or one lm term",
        ),
        ('[{ term = "lm" }, { term = "lm" }]', "two lm terms"),
        (
            '[{ term = "lm" }, { term = "kl", weight = 0.3 }]',
            "a kl term needs an earlier soften step",
        ),
    ],
)
def test_a_loss_that_means_nothing_is_refused_at_the_door(lab, loss, says):
    from localfair.errors import RecipeError

    with pytest.raises(RecipeError) as refused:
        run(lab, f"train.loss={loss}")
    assert any(says in problem for problem in refused.value.problems)


def test_a_triplet_needs_an_exam_that_shows_mistakes(lab):
    from localfair.errors import RecipeError

    with pytest.raises(RecipeError) as refused:
        run(lab, "exam.role=teacher")
    assert any(
        "a triplet term needs the student's mistakes" in problem
        for problem in refused.value.problems
    )
