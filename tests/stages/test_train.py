"""The train stage: which lessons, in which words, under which identity; what it leaves in the record."""

import json

import pytest

from localfair.errors import TrainingError, UsageError
from localfair.pipeline.orders import step_of
from tests import tiny

SHOUTING = tiny.CHATML.replace("assistant\n' }}{% endif", "assistant\nAHEM: ' }}{% endif")


def preview(lab, *settings, **options):
    return lab.preview(*settings, **{"train_limit": 2} | options)


def carded(lab, **more):
    """The tiny student behind a card of the workspace."""
    said = {
        "name": "carded",
        "family": "tiny",
        "format": "safetensors",
        "file": "carded",
        "path": lab.student,
        **more,
    }
    (lab.folder / "models").mkdir(exist_ok=True)
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items())
    (lab.folder / "models" / "carded.toml").write_text(text)
    return "carded"


def test_a_preview_shows_one_lesson_of_each_kind_and_trains_nothing(lab):
    shown = preview(lab)
    assert len(shown) == 2 and [s.split()[1] for s in shown] == ["feedback", "rationale"]
    assert all(s.count("⟦") == 1 and s.endswith("<|im_end|>⟧") for s in shown)
    assert not lab.rows("SELECT id FROM adapters") and not lab.rows(
        "SELECT * FROM run_steps WHERE stage = 'train'"
    )


def test_the_command_line_shows_a_preview_on_stdout_alone(lab, monkeypatch, capsys):
    from localfair.cli import main

    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(lab.folder))
    seats = [
        "--student",
        lab.student,
        *(part for name in lab.teachers for part in ("--teacher", name)),
    ]
    given = [
        "--task",
        "table",
        "--data",
        str(lab.data),
        "--db",
        str(lab.db),
        "--train-limit",
        "2",
        *seats,
    ]
    with pytest.raises(SystemExit) as ended:
        main(["train", "fair", *given, "--preview", "--set", "exam.sampling.max_tokens=8"])
    out, err = capsys.readouterr()
    assert ended.value.code == 0 and out.startswith("--- feedback (b2:") and out.count("⟦") == 2
    assert "select:" in err and "train:" not in err


def test_a_lesson_too_long_is_shown_as_dropped(lab):
    assert all("dropped:" in shown for shown in preview(lab, "train.max_length=16"))


def test_a_cards_own_chat_template_makes_lessons_as_it_makes_exams(lab):
    own = preview(lab, student=carded(lab))
    shouted = preview(lab, student=carded(lab, chat_template=SHOUTING))
    assert all("assistant\n⟦" in shown for shown in own)
    assert all("assistant\nAHEM: ⟦" in shown for shown in shouted)


def test_another_chat_template_is_another_adapter(lab):
    plain = lab.run(student=carded(lab), train_limit=3)["adapter"]["id"]
    assert (
        lab.run(student=carded(lab, chat_template=SHOUTING), train_limit=3)["adapter"]["id"]
        != plain
    )


def test_curve_time_speed_and_memory_are_rows(lab):
    found = lab.run(train_limit=3)
    (adapter,) = lab.rows("SELECT * FROM adapters")
    curve = lab.rows("SELECT step, loss, learning_rate FROM curve ORDER BY step")
    assert [point["step"] for point in curve] == list(range(1, found["adapter"]["steps"] + 1))
    assert (
        adapter["seconds"] > 0 and adapter["peak_memory"] > 0 and adapter["tokens_per_second"] > 0
    )


def test_a_setting_with_its_default_is_no_part_of_an_adapters_identity(lab):
    first = lab.run(train_limit=3)
    again = lab.run(
        settings=("train.group_by_length=false", "train.checkpoint_every=7"), train_limit=3
    )
    grouped = lab.run(settings=("train.group_by_length=true",), train_limit=3)
    assert again["adapter"]["id"] == first["adapter"]["id"] != grouped["adapter"]["id"]
    assert (
        "group_by_length"
        not in lab.rows("SELECT settings FROM adapters ORDER BY created")[0]["settings"]
    )


def test_a_student_without_a_chat_template_is_refused_with_a_hint(lab, tmp_path):
    mute = tiny.build(tmp_path / "mute")
    (mute / "chat_template.jinja").unlink()
    with pytest.raises(TrainingError, match="no chat template") as refused:
        lab.run(student=str(mute), train_limit=2)
    assert "template" in refused.value.hint and refused.value.exit_code == 2


def test_lessons_that_are_all_too_long_are_one_clear_error(lab):
    with pytest.raises(TrainingError, match="no lessons to train on") as refused:
        lab.run(settings=("train.max_length=16",), train_limit=2)
    assert refused.value.hint and refused.value.exit_code == 2


def test_a_recipe_without_the_stage_says_so(lab):
    with pytest.raises(UsageError, match="no soften step"):
        step_of(lab.order().recipe, "soften", None)
