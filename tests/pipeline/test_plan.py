"""A plan says what a run will ask before it starts, and is never less than what it asks."""

import hashlib

import pytest

from localfair.errors import UsageError
from localfair.machine.hardware import usual_precision
from localfair.pipeline.bench import Bench, bench
from localfair.pipeline.plan import plan
from tests.lab import teacher


def seats(lab):
    """Three teachers that are three models, one of them harsh, one often wrong."""
    return (
        teacher(lab.folder, "s1", score=1),
        teacher(lab.folder, "s4", score=4, answer="0"),
        teacher(lab.folder, "s5", score=5),
    )


def by_step(planned):
    """By step: replies recorded, calls known, and calls that may come on top."""
    counts = {}
    for line in planned.lines:
        recorded, calls, more = counts.get(line.step, (0, 0, 0))
        counts[line.step] = (recorded + line.recorded, calls + line.calls, more + line.more)
    return counts


def files_of(lab):
    """Everything in the laboratory's folder, and what the record holds."""
    return sorted(lab.folder.rglob("*")), hashlib.sha256(lab.db.read_bytes()).hexdigest()


def test_before_anything_is_asked_exams_are_exact_and_the_rest_is_bounded(lab):
    found = by_step(plan(lab.order(teachers=seats(lab))))
    assert found["before"] == (0, 4, 0) and found["exam"] == (0, 8, 0)
    assert found["inquire"] == (0, 0, 8 * 6) and found["review"] == (0, 0, 8 * 12)
    assert found["after"] == (0, 4, 0)


@pytest.mark.parametrize("until", [None, "exam", "inquire"])
def test_what_a_run_then_asks_is_never_more(lab, until):
    if until:
        lab.run(teachers=seats(lab), until=until)
    planned = by_step(plan(lab.order(teachers=seats(lab))))
    ran = {step["step"]: step for step in lab.run(teachers=seats(lab))["steps"]}
    for name, (recorded, calls, more) in planned.items():
        reused = ran[name]["reused"]
        asked = reused + ran[name]["calls"]
        assert recorded <= reused <= asked <= recorded + calls + more
    if until == "inquire":
        assert planned["inquire"] == (8 * 6, 0, 0)


def test_a_finished_run_is_planned_at_nothing(lab):
    lab.run()
    planned = plan(lab.order())
    assert {calls + more for _, calls, more in by_step(planned).values()} == {0}
    assert planned.loads == planned.seconds == 0
    assert planned.training[0].trained


def test_a_plan_leaves_no_trace(lab):
    plan(lab.order())
    assert not lab.db.exists()
    lab.run(until="exam")
    before = files_of(lab)
    plan(lab.order())
    assert files_of(lab) == before


def test_time_is_known_once_every_engine_was_measured(lab):
    planned = plan(lab.order())
    assert planned.seconds is None
    (unmeasured,) = planned.unmeasured
    assert unmeasured.endswith(f" (transformers/{usual_precision()})")
    bench(lab.student, lab.folder, lab.db, Bench(engines=("transformers",), batches=(4,)), str)
    assert plan(lab.order()).seconds > 0


def test_a_run_that_would_be_refused_is_refused(lab):
    with pytest.raises(UsageError, match="at least one teacher"):
        plan(lab.order(teachers=()))


def test_a_direct_review_is_planned_without_a_written_token(lab):
    planned = plan(lab.order(settings=("review.mode=direct",)))
    written = {line.step: line.reply_tokens for line in planned.lines}
    assert written["review"] == 0
    assert written["inquire"] > 0


def test_a_training_is_planned_in_steps_from_the_lessons_that_may_come(lab):
    (training,) = plan(lab.order()).training
    assert (training.lessons, training.more, training.trained) == (0, 48, False)
    assert training.steps == 48 / 8 * 2  # batches of 8, two epochs
    assert training.seconds is None


def test_a_models_load_is_counted_once_for_each_step_that_asks_it(lab):
    planned = plan(lab.order())
    assert planned.loads == len(planned.lines)
    assert planned.loads == 1 + 1 + 3 + 3 + 1


def test_a_plan_as_data_adds_up(lab):
    planned = plan(lab.order())
    data = planned.data()
    assert data["calls"] == 4 + 8 + 4
    assert data["more"] == 8 * 6 + 8 * 12
    assert data["recorded"] == 0
    assert data["seconds"] is None
    assert len(data["lines"]) == len(planned.lines)
    keys = {"step", "round", "lessons", "more", "trained", "steps", "seconds", "after_lines"}
    assert [step.keys() for step in data["training"]] == [keys]


def test_a_script_takes_no_memory_and_a_model_that_is_named_by_its_path_does(lab):
    planned = plan(lab.order())
    memory = {line.step: line.memory for line in planned.lines}
    assert memory["inquire"] is None
    assert memory["exam"] > 0
    assert planned.memory == max(memory["before"], memory["exam"], memory["after"])


def test_a_model_behind_a_server_is_planned_without_memory_here(lab):
    card = """
name = "far"
family = "x"
format = "endpoint"
url = "http://127.0.0.1:9"
served = "m"
server = "unknown"
"""
    models = lab.folder / "models"
    models.mkdir()
    (models / "far.toml").write_text(card)
    planned = plan(lab.order(teachers=(*seats(lab)[:2], "far")))
    lines = [line for line in planned.lines if line.model == "far"]
    assert {line.step for line in lines} == {"inquire", "review"}
    assert {line.memory for line in lines} == {None}
    assert any(entry.startswith("far (openai_http") for entry in planned.unmeasured)


def test_a_plan_copies_nothing_into_the_temporary_folder(lab, tmp_path, monkeypatch):
    lab.run(until="inquire", teachers=seats(lab))
    folder = tmp_path / "temporary"
    folder.mkdir()
    folder.chmod(0o500)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("SQLITE_TMPDIR", str(folder))
    before = files_of(lab)
    assert by_step(plan(lab.order(teachers=seats(lab))))["inquire"] == (8 * 6, 0, 0)
    assert files_of(lab) == before


def test_time_is_known_too_where_calls_are_on_record(lab):
    lab.run(until="before")
    planned = plan(lab.order(), until="exam")
    assert planned.calls > 0
    assert planned.unmeasured == []
    assert planned.seconds > 0
