"""A whole run of FAIR: what is asked, what is kept, and what is never asked again."""

import json

import pytest

from localfair.errors import Interrupted, TooManyFailed
from localfair.pipeline.runs import preview, run
from localfair.record.store import Store
from tests.lab import quiet, script, scripted_student, teacher

STEPS = ["before", "exam", "inquire", "review", "select", "train", "after"]
# a teacher that can read no prompt of an inquiry
NARROW = """
context = 20
[[rule]]
when = ""
replies = ["Hm."]
"""


def steps(found):
    return [step["step"] for step in found["steps"]]


def test_fair_runs_from_the_first_exam_to_the_last(lab):
    found = lab.run()
    assert steps(found) == STEPS
    assert found["status"] == "done"
    assert found["mistakes"] == 8
    assert found["questions"] == 12
    assert found["explanations"] == 8 * 3 * 2
    assert found["lessons"] == 8 * 2
    assert found["before"]["questions"] == found["after"]["questions"] == 4
    low, high = found["after"]["interval"]
    assert 0 <= low <= found["after"]["accuracy"] <= high <= 1


def test_three_teachers_cost_eighteen_calls_a_mistake(lab):
    found = lab.run(until="review")
    inquire = found["steps"][2]
    assert found["reviews"] + found["explanations"] == 18 * found["mistakes"]
    assert inquire["calls"] + inquire["reused"] == 6 * found["mistakes"]


def test_the_same_command_again_asks_nobody_anything(lab):
    first = lab.run()
    second = lab.run()
    assert first["backend_calls"] > 0
    assert second["backend_calls"] == second["loads"] == 0
    for name in ("mistakes", "explanations", "accepted", "lessons", "change"):
        assert first[name] == second[name]
    for name in ("before", "after", "adapter"):
        assert first[name] == second[name]


def test_more_questions_pay_only_for_what_is_new(lab):
    small = lab.run(until="inquire", train_limit=3)
    large = lab.run(until="inquire", train_limit=8)
    inquire = large["steps"][-1]
    assert inquire["reused"] == small["steps"][-1]["calls"]
    assert inquire["calls"] == (8 - 3) * 6


def test_a_harsh_committee_accepts_nothing_and_the_run_still_ends_well(lab):
    harsh = tuple(teacher(lab.folder, f"harsh{i}", score=1) for i in range(3))
    found = lab.run(teachers=harsh)
    assert found["accepted"] == found["lessons"] == 0
    assert found["status"] == "done"
    assert found["adapter"] is None
    assert found["change"]["difference"] == 0


def test_another_seed_is_another_run_of_everything_sampled(lab):
    first = lab.run(until="inquire")
    second = lab.run(until="inquire", seed=1)
    before, exam, inquire = second["steps"]
    assert first["run"] != second["run"]
    assert before["calls"] == 0  # greedy: a seed changes nothing
    assert exam["calls"] > 0
    assert inquire["calls"] > 0


def test_ctrl_c_leaves_a_good_record_and_says_how_to_go_on(lab):
    def stop(done, total, label):
        if label.startswith("inquire") and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        run(lab.order(), say=lab.lines.append, progress=stop)
    assert stopped.value.exit_code == 130
    assert "same command" in stopped.value.hint
    assert lab.rows("SELECT status FROM runs") == [{"status": "interrupted"}]
    assert lab.column("SELECT COUNT(*) FROM generations WHERE engine = 'scripted'") == [5]


def test_a_recipes_note_is_said_before_anything_is_asked(lab):
    lab.run(settings=("note=Mind the gap.",), until="before")
    note = lab.lines.index("Mind the gap.")
    assert lab.lines[:note] == ["answers: 13 numbers"]


def test_a_run_stopped_by_a_failing_stage_says_so_and_keeps_what_it_had(lab):
    narrow = script(lab.folder, "narrow", NARROW)
    with pytest.raises(TooManyFailed, match="do not fit"):
        lab.run(student=scripted_student(lab.folder), teachers=(narrow,) * 2, until="inquire")
    (ended,) = lab.rows("SELECT status, problem, ended FROM runs")
    assert ended["status"] == "failed"
    assert ended["problem"].startswith("TooManyFailed: inquire: 4 of 28 calls failed")
    assert ended["ended"]
    assert lab.column("SELECT COUNT(*) AS n FROM answers") == [12]


def test_a_failed_runs_last_step_has_no_outcome_and_the_same_run_mended_goes_on(lab):
    narrow = script(lab.folder, "narrow", NARROW)
    student = scripted_student(lab.folder)
    with pytest.raises(TooManyFailed, match="do not fit"):
        lab.run(student=student, teachers=(narrow,) * 2, until="inquire")
    rows = lab.tuples("SELECT step, outcome IS NULL AS open FROM run_steps ORDER BY position")
    assert rows == [("before", 0), ("exam", 0), ("inquire", 1)]
    found = lab.run(student=student, until="inquire")
    assert [step["calls"] for step in found["steps"]] == [0, 0, 42]


def test_a_run_ends_after_the_step_that_is_named(lab):
    found = lab.run(until="exam", student=scripted_student(lab.folder))
    assert steps(found) == ["before", "exam"]
    assert found["status"] == "done"


def test_a_runs_row_tells_its_effective_recipe_and_everybody_who_sat(lab):
    student = scripted_student(lab.folder)
    found = lab.run(
        until="before", settings=("review.accept.mean_above=4",), student=student, seed=7
    )
    (row,) = lab.rows("SELECT * FROM runs WHERE id = ?", found["run"])
    assert (row["recipe"], row["task"], row["seed"]) == ("fair", "table", 7)
    reviews = [step for step in json.loads(row["effective"])["round"] if step["id"] == "review"]
    assert reviews[0]["accept"]["mean_above"] == 4
    assert json.loads(row["settings"])["student"] == student
    seated = lab.column("SELECT s.role FROM run_seats r JOIN seats s ON s.id = r.seat ORDER BY 1")
    assert seated == ["student", "teacher", "teacher", "teacher"]


def test_a_run_that_ended_without_a_word_is_interrupted_when_the_next_begins(lab):
    student = scripted_student(lab.folder)
    first = lab.run(until="before", student=student)
    with Store.open(lab.db, create=True) as store:
        store.update("runs", {"id": first["run"]}, {"status": "running"})
    lab.run(until="before", student=student)
    (row,) = lab.rows("SELECT status, problem FROM runs WHERE id = ?", first["run"])
    assert row == {"status": "interrupted", "problem": "ended without a word"}


def test_a_preview_does_the_steps_before_the_training_and_not_those_after(lab):
    shown = preview(lab.order(train_limit=1), "train", say=lab.lines.append, progress=quiet)
    assert len(shown) == 2
    assert lab.column("SELECT step FROM run_steps ORDER BY position") == STEPS[:5]


def test_each_step_is_told_with_its_counts_and_its_cost(lab):
    lab.run(until="exam", student=scripted_student(lab.folder))
    assert lab.lines[-1].startswith(
        "exam: questions 8, answers 8, right 1, wrong 5, unreadable 2 (8 calls, 0 from the record, "
    )
