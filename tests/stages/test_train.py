"""The train stage: which lessons, in which words, and what it leaves in the record."""

import json

import pytest

from localfair.cli import main
from localfair.errors import TrainingError
from localfair.pipeline.plan import plan
from tests import tiny
from tests.lab import teacher

SHOUTING = tiny.CHATML.replace("assistant\n' }}{% endif", "assistant\nAHEM: ' }}{% endif")


def preview(lab, *settings, **options):
    return lab.preview(*settings, **{"train_limit": 2} | options)


def carded(lab, **more):
    """The tiny student behind a card of the workspace."""
    keys = {
        "name": "carded",
        "family": "tiny",
        "format": "safetensors",
        "file": "carded",
        "path": lab.student,
        **more,
    }
    (lab.folder / "models").mkdir(exist_ok=True)
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    (lab.folder / "models" / "carded.toml").write_text(text)
    return "carded"


def test_a_preview_shows_one_lesson_of_each_kind_and_trains_nothing(lab):
    shown = preview(lab)
    assert [text.split()[1] for text in shown] == ["feedback", "rationale"]
    assert all(text.count("⟦") == 1 for text in shown)
    assert all(text.endswith("<|im_end|>⟧") for text in shown)
    assert not lab.rows("SELECT id FROM adapters")
    assert not lab.rows("SELECT * FROM run_steps WHERE stage = 'train'")


def test_a_preview_without_lessons_says_so(lab):
    harsh = tuple(teacher(lab.folder, f"harsh{at}", score=1) for at in range(2))
    assert preview(lab, teachers=harsh) == ["no lessons"]


def test_the_command_line_shows_a_preview_on_stdout_alone(lab, monkeypatch, capsys):
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(lab.folder))
    line = ["train", "fair", "--preview", "--set", "exam.sampling.max_tokens=8"]
    line += ["--task", "table", "--data", str(lab.data), "--db", str(lab.db), "--train-limit", "2"]
    line += ["--student", lab.student]
    for name in lab.teachers:
        line += ["--teacher", name]
    with pytest.raises(SystemExit) as ended:
        main(line)
    out, err = capsys.readouterr()
    assert ended.value.code == 0
    assert out.startswith("--- feedback (b2:")
    assert out.count("⟦") == 2
    assert "select:" in err
    assert "train:" not in err


def test_a_lesson_too_long_is_shown_as_dropped(lab):
    assert all("dropped:" in shown for shown in preview(lab, "train.max_length=16"))


def test_a_cards_own_chat_template_makes_lessons_as_it_makes_exams(lab):
    own = preview(lab, student=carded(lab))
    shouted = preview(lab, student=carded(lab, chat_template=SHOUTING))
    assert all("assistant\n⟦" in shown for shown in own)
    assert all("assistant\nAHEM: ⟦" in shown for shown in shouted)


def test_another_chat_template_is_another_adapter(lab):
    plain = lab.run(student=carded(lab), train_limit=3)
    shouting = lab.run(student=carded(lab, chat_template=SHOUTING), train_limit=3)
    assert shouting["adapter"]["id"] != plain["adapter"]["id"]


def test_curve_time_speed_and_memory_are_rows(lab):
    found = lab.run(train_limit=3)
    (adapter,) = lab.rows("SELECT * FROM adapters")
    curve = lab.rows("SELECT step, loss, learning_rate FROM curve ORDER BY step")
    assert [point["step"] for point in curve] == list(range(1, found["adapter"]["steps"] + 1))
    assert adapter["seconds"] > 0
    assert adapter["peak_memory"] > 0
    assert adapter["tokens_per_second"] > 0


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


def test_an_adapter_whose_weights_were_lost_is_trained_again(lab):
    first = lab.run()
    weights = lab.folder / first["adapter"]["path"] / "adapter_model.safetensors"
    weights.unlink()
    second = lab.run()
    assert weights.is_file()
    assert second["adapter"]["id"] == first["adapter"]["id"]


def test_an_adapter_whose_weights_were_changed_is_trained_again(lab):
    first = lab.run(train_limit=2)
    weights = lab.folder / first["adapter"]["path"] / "adapter_model.safetensors"
    trained = weights.read_bytes()
    weights.write_bytes(trained[:-1] + b"?")
    lab.run(train_limit=2)
    assert weights.read_bytes() == trained


def test_the_student_sits_its_last_exam_with_the_adapter(lab):
    found = lab.run(train_limit=2)
    seats = lab.column(
        "SELECT DISTINCT s.adapter FROM answers a JOIN seats s ON s.id = a.seat "
        "WHERE a.split = 'test' ORDER BY 1"
    )
    assert seats == ["", found["adapter"]["id"]]


def test_a_lesson_that_is_too_long_is_a_row_with_the_reason(lab):
    found = lab.run(settings=("train.max_length=160",), train_limit=4)
    outcome = found["steps"][-2]["outcome"]
    assert (outcome["lessons"], outcome["trained"]) == (8, 4)
    rows = lab.rows(
        "SELECT l.kind, a.dropped FROM adapter_lessons a JOIN lessons l ON l.id = a.lesson"
    )
    reasons = {"feedback": set(), "rationale": set()}
    for row in rows:
        reasons[row["kind"]].add(row["dropped"])
    assert reasons["rationale"] == {None}
    assert all("at most 160 are allowed" in reason for reason in reasons["feedback"])


# -- until the lessons are known ------------------------------------------------------------------


def trained(lab, *settings):
    """The report of a run, and the outcome of its training."""
    found = lab.run(settings=settings)
    [step] = [step for step in found["steps"] if step["stage"] == "train"]
    return found, step["outcome"]


def test_training_ends_when_enough_is_predicted_and_says_what(lab):
    found, outcome = trained(lab, "train.until={ accuracy = 0.0001, epochs = 5 }", "train.epochs=2")
    assert outcome["epochs"] == 1
    assert outcome["predicted"] > 0
    assert json.loads(lab.column("SELECT settings FROM adapters")[0])["until"] == 0.0001
    again, same = trained(lab, "train.until={ accuracy = 0.0001, epochs = 5 }", "train.epochs=2")
    assert again["calls"] == again["loads"] == 0
    assert same == outcome
    assert again["adapter"] == found["adapter"]


def test_where_too_little_is_predicted_the_most_epochs_are_trained(lab):
    _, outcome = trained(lab, "train.until={ accuracy = 1.0, epochs = 3 }")
    assert outcome["epochs"] == 3
    assert outcome["predicted"] < 1


def test_a_training_that_ended_early_chooses_among_the_epochs_it_had(lab):
    until = "train.until={ accuracy = 0.0001, epochs = 5 }"
    found, outcome = trained(lab, until, "train.best_epoch={ sampling = { max_tokens = 8 } }")
    assert (outcome["epochs"], outcome["epoch_kept"]) == (1, 1)
    [epochs] = lab.column("SELECT epochs FROM adapters")
    assert len(json.loads(epochs)) == 1
    assert found["status"] == "done"


def test_a_plan_counts_the_most_steps_that_a_training_may_take(lab):
    [training] = plan(lab.order(settings=("train.until={ accuracy = 0.5, epochs = 7 }",))).training
    assert training.steps == 48 / 8 * 7
