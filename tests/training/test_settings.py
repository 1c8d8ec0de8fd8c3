"""Settings have an identity by their names and values, and what is only saved has no part in it."""

from dataclasses import fields, replace

from localfair.training.settings import NOT_IN_THE_ID, TrainSettings

SETTINGS = TrainSettings(terms=(("rationale", 1.0),), compute="fp32")
OTHERS = {
    "terms": (("rationale", 0.5),),
    "rank": 8,
    "alpha": 64,
    "dropout": 0.1,
    "targets": ("q_proj", "v_proj"),
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "warmup": 3,
    "epochs": 2,
    "batch_size": 4,
    "accumulation": 2,
    "max_length": 512,
    "weight_decay": 0.01,
    "clip": 0.5,
    "seed": 1,
    "quantise": "none",
    "compute": "bf16",
    "gradient_checkpointing": True,
    "checkpoint_every": 10,
    "tau": 2.0,
    "vocabulary": 300,
    "group_by_length": True,
    "one_question_a_batch": True,
    "keep_epochs": True,
    "until": 0.9,
}


def test_every_setting_that_decides_a_weight_enters_the_id():
    assert set(OTHERS) == {field.name for field in fields(TrainSettings)}
    for name, value in OTHERS.items():
        changed = replace(SETTINGS, **{name: value})
        assert (changed.id == SETTINGS.id) == (name in NOT_IN_THE_ID), name


def test_the_id_is_the_same_in_every_process():
    # written down once: another one makes every half-finished training start again
    assert SETTINGS.id == "b2:0f31a7d0e0722ea8c688a1f779d6a845"
